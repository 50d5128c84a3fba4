"""This module holds the ledger in the sixth schema: what was told to whom, and what it cost."""

LEDGER: tuple[str, ...] = (
    # one text that was told; bytes are those printed, tokens an estimate from above
    """CREATE TABLE tellings (
        key INTEGER PRIMARY KEY,
        project_key INTEGER NOT NULL REFERENCES projects (key),
        session_id TEXT NOT NULL,
        door TEXT NOT NULL,
        moment TEXT NOT NULL,
        at INTEGER NOT NULL,
        bytes INTEGER NOT NULL,
        tokens INTEGER NOT NULL,
        settled_at INTEGER
    )""",
    "CREATE INDEX tellings_by_session ON tellings (session_id, at)",
    "CREATE INDEX tellings_by_time ON tellings (project_key, at)",
    "CREATE INDEX tellings_unsettled ON tellings (project_key, key) WHERE settled_at IS NULL",
    # what it told: the id of a record, or the name of what is computed; acted is null until later steps were looked at
    """CREATE TABLE told (
        telling_key INTEGER NOT NULL REFERENCES tellings (key) ON DELETE CASCADE,
        name TEXT NOT NULL,
        is_repeat INTEGER NOT NULL,
        acted INTEGER,
        PRIMARY KEY (telling_key, name)
    ) WITHOUT ROWID""",
    "CREATE INDEX told_by_name ON told (name, acted)",
    # the sums stay when tellings are forgotten; silent counts the events that got no word
    """CREATE TABLE ledger_days (
        project_key INTEGER NOT NULL REFERENCES projects (key),
        day INTEGER NOT NULL,
        door TEXT NOT NULL,
        moment TEXT NOT NULL,
        tellings INTEGER NOT NULL DEFAULT 0,
        silent INTEGER NOT NULL DEFAULT 0,
        records INTEGER NOT NULL DEFAULT 0,
        repeats INTEGER NOT NULL DEFAULT 0,
        bytes INTEGER NOT NULL DEFAULT 0,
        tokens INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (project_key, day, door, moment)
    ) WITHOUT ROWID""",
    """CREATE TRIGGER told_document_deleted AFTER DELETE ON documents BEGIN
        DELETE FROM told WHERE name = old.id;
    END""",
)
