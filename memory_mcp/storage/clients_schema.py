"""This module holds the third schema: conversations, snapshots of work trees, layers of branches, agents' sessions."""

# Widening a CHECK: see learning_schema.
_KINDS = "kind IN (''episode'', ''note'', ''pattern'')"
_MORE_KINDS = "kind IN (''episode'', ''note'', ''pattern'', ''turn'')"

THIRD_SCHEMA: tuple[str, ...] = (
    "PRAGMA writable_schema = ON",
    f"UPDATE sqlite_schema SET sql = replace(sql, '{_KINDS}', '{_MORE_KINDS}') WHERE name = 'documents'",
    "PRAGMA writable_schema = RESET",
    "ALTER TABLE episodes ADD COLUMN kind TEXT NOT NULL DEFAULT 'task'",
    # each turn of a conversation is a document, so that it is found by itself
    """CREATE TABLE turns (
        key INTEGER PRIMARY KEY REFERENCES documents (key) ON DELETE CASCADE,
        episode_key INTEGER NOT NULL REFERENCES episodes (key) ON DELETE CASCADE,
        position INTEGER NOT NULL,
        role TEXT NOT NULL,
        text TEXT NOT NULL,
        at INTEGER NOT NULL,
        is_marked INTEGER NOT NULL,
        checksum INTEGER NOT NULL,
        UNIQUE (episode_key, position)
    )""",
    """CREATE TRIGGER conversation_deleted BEFORE DELETE ON documents WHEN old.kind = 'episode' BEGIN
        DELETE FROM documents WHERE key IN (SELECT key FROM turns WHERE episode_key = old.key);
    END""",
    """CREATE TRIGGER conversation_shared AFTER UPDATE OF is_global ON documents
        WHEN old.kind = 'episode' AND old.is_global <> new.is_global BEGIN
        UPDATE documents SET is_global = new.is_global, revision = revision + 1
            WHERE key IN (SELECT key FROM turns WHERE episode_key = new.key);
    END""",
    """CREATE TABLE snapshots (
        episode_key INTEGER PRIMARY KEY REFERENCES episodes (key) ON DELETE CASCADE,
        head TEXT NOT NULL,
        branch TEXT NOT NULL,
        files TEXT NOT NULL,
        taken_at INTEGER NOT NULL,
        checksum INTEGER NOT NULL
    )""",
    "ALTER TABLE projects ADD COLUMN parent_key INTEGER REFERENCES projects (key)",
    "ALTER TABLE projects ADD COLUMN branch TEXT",
    "ALTER TABLE projects ADD COLUMN begun_at_commit TEXT",
    "CREATE UNIQUE INDEX projects_by_branch ON projects (parent_key, branch) WHERE branch IS NOT NULL",
    """CREATE TABLE agent_sessions (
        id TEXT NOT NULL,
        project_key INTEGER NOT NULL REFERENCES projects (key),
        episode_key INTEGER REFERENCES episodes (key) ON DELETE SET NULL,
        updated_at INTEGER NOT NULL,
        told TEXT NOT NULL DEFAULT '[]',
        PRIMARY KEY (project_key, id)
    ) WITHOUT ROWID""",
)
