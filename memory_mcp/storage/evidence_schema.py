"""This module holds the fifth schema: what outcomes rest on, every run of a command, surveys of episodes."""

FIFTH_SCHEMA: tuple[str, ...] = (
    # null in older rows, which are claims until learning has looked at their steps again
    "ALTER TABLE episodes ADD COLUMN evidence TEXT",
    # what one episode shows about its project; facts are computed from these when they are read
    "ALTER TABLE digests ADD COLUMN survey TEXT NOT NULL DEFAULT ''",
    # every command with its runs in one episode, also of an episode without a failure
    """CREATE TABLE runs (
        episode_key INTEGER NOT NULL REFERENCES episodes (key) ON DELETE CASCADE,
        number INTEGER NOT NULL,
        project_key INTEGER NOT NULL,
        subject TEXT NOT NULL,
        state TEXT NOT NULL,
        failures INTEGER NOT NULL,
        runs INTEGER NOT NULL,
        has_failed_last INTEGER NOT NULL,
        action TEXT NOT NULL,
        error TEXT NOT NULL,
        signature TEXT NOT NULL,
        remedy TEXT NOT NULL,
        seen_at INTEGER NOT NULL,
        PRIMARY KEY (episode_key, number)
    ) WITHOUT ROWID""",
    "CREATE INDEX runs_by_subject ON runs (project_key, subject, state, seen_at)",
    # what the user asked for in a session since its last step: an episode begins with its first step
    "ALTER TABLE agent_sessions ADD COLUMN prompts TEXT NOT NULL DEFAULT '[]'",
    # all that was learnt counted claims as wins: it is learnt again from the episodes
    "UPDATE digests SET revision = 0",
    "DELETE FROM followers WHERE name LIKE 'learning %'",
)
