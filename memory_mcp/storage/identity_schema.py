"""This module holds the fourth schema: aliases, likenesses, inner projects and trusted names."""

# A path belongs to one project. A root or a remote may belong to several: a fork has its upstream's root, and whoever
# makes an archive can write any remote into it.
FOURTH_SCHEMA: tuple[str, ...] = (
    # a project that no directory owns: 1 from before there were aliases, 2 made by its name; the first directory that
    # has its name and its commits claims it, without commits one from before
    "ALTER TABLE projects ADD COLUMN unclaimed INTEGER NOT NULL DEFAULT 0",
    "UPDATE projects SET unclaimed = 1 WHERE parent_key IS NULL",
    """CREATE TABLE aliases (
        key INTEGER PRIMARY KEY,
        project_key INTEGER NOT NULL REFERENCES projects (key),
        kind TEXT NOT NULL CHECK (kind IN ('path', 'root', 'remote')),
        value TEXT NOT NULL,
        stamp TEXT NOT NULL DEFAULT '',
        seen_at INTEGER NOT NULL,
        UNIQUE (kind, value, project_key)
    )""",
    "CREATE UNIQUE INDEX aliases_by_path ON aliases (value) WHERE kind = 'path'",
    "CREATE INDEX aliases_by_project ON aliases (project_key)",
    # what a project was taken for when its directory was first seen; told_at: when an agent heard of it
    """CREATE TABLE likenesses (
        project_key INTEGER PRIMARY KEY REFERENCES projects (key),
        like_key INTEGER NOT NULL REFERENCES projects (key),
        told_at INTEGER
    )""",
    # a project inside another, named by a memory-cli.toml that nobody has trusted
    """CREATE TABLE inner_projects (
        project_key INTEGER NOT NULL REFERENCES projects (key),
        name TEXT NOT NULL,
        inner_key INTEGER NOT NULL UNIQUE REFERENCES projects (key),
        PRIMARY KEY (project_key, name)
    ) WITHOUT ROWID""",
    """CREATE TABLE trusted_names (
        project_key INTEGER NOT NULL REFERENCES projects (key),
        directory TEXT NOT NULL,
        name TEXT NOT NULL,
        trusted_at INTEGER NOT NULL,
        PRIMARY KEY (project_key, directory)
    ) WITHOUT ROWID""",
)
