"""This module holds the tables of decisions, and the condition under which one is replaced."""

# Of a link l between the decisions n and o, the newer and the older one: what is of a lower voice silences nothing by
# itself, else any text could end what the user said.
MAY_REPLACE = "(l.is_settled OR n.voice IN ('user', o.voice) OR (n.voice = 'repository' AND o.voice <> 'user'))"
# Of a document d that is a decision.
IS_REPLACED = (
    "EXISTS (SELECT 1 FROM decision_links l JOIN decisions n ON n.key = l.newer_key"
    " JOIN decisions o ON o.key = l.older_key WHERE l.older_key = d.key AND l.kind = 'replaces'"
    f" AND n.retired_at IS NULL AND {MAY_REPLACE})"
)

DECISIONS: tuple[str, ...] = (
    # a decision goes with its source (the trigger below); what the user adds is a note with the tag 'decision'
    """CREATE TABLE decisions (
        key INTEGER PRIMARY KEY REFERENCES documents (key) ON DELETE CASCADE,
        source_key INTEGER NOT NULL REFERENCES documents (key) ON DELETE CASCADE,
        text TEXT NOT NULL,
        who TEXT NOT NULL,
        voice TEXT NOT NULL,
        origin TEXT NOT NULL,
        reverts TEXT NOT NULL,
        turn INTEGER,
        score INTEGER NOT NULL,
        retired_at INTEGER,
        checksum INTEGER NOT NULL
    )""",
    "CREATE INDEX decisions_by_source ON decisions (source_key)",
    # the files, functions and names that a decision speaks of
    """CREATE TABLE decision_places (
        decision_key INTEGER NOT NULL REFERENCES decisions (key) ON DELETE CASCADE,
        kind TEXT NOT NULL CHECK (kind IN ('file', 'function', 'name')),
        value TEXT NOT NULL,
        position INTEGER NOT NULL,
        PRIMARY KEY (decision_key, kind, value)
    ) WITHOUT ROWID""",
    "CREATE INDEX decision_places_by_value ON decision_places (value, kind)",
    # is_settled: the user said so, and extraction leaves it alone; 'both' says that two stand beside each other
    """CREATE TABLE decision_links (
        newer_key INTEGER NOT NULL REFERENCES decisions (key) ON DELETE CASCADE,
        older_key INTEGER NOT NULL REFERENCES decisions (key) ON DELETE CASCADE,
        kind TEXT NOT NULL CHECK (kind IN ('replaces', 'contradicts', 'both')),
        why TEXT NOT NULL,
        is_settled INTEGER NOT NULL DEFAULT 0,
        settled_at INTEGER,
        PRIMARY KEY (newer_key, older_key)
    ) WITHOUT ROWID""",
    "CREATE INDEX decision_links_by_older ON decision_links (older_key, kind)",
    # which revision of each record was looked at, and by which edition of the extraction
    """CREATE TABLE decision_sources (
        source_key INTEGER PRIMARY KEY REFERENCES documents (key) ON DELETE CASCADE,
        revision INTEGER NOT NULL,
        edition INTEGER NOT NULL
    )""",
    """CREATE TRIGGER decided_deleted BEFORE DELETE ON documents WHEN old.kind IN ('episode', 'note') BEGIN
        DELETE FROM documents WHERE key IN (SELECT key FROM decisions WHERE source_key = old.key);
    END""",
    """CREATE TRIGGER decided_shared AFTER UPDATE OF is_global ON documents
        WHEN old.kind IN ('episode', 'note') AND old.is_global <> new.is_global BEGIN
        UPDATE documents SET is_global = new.is_global, revision = revision + 1
            WHERE key IN (SELECT key FROM decisions WHERE source_key = new.key);
    END""",
)
