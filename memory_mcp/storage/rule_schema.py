"""This module holds the tables of rules."""

RULES: tuple[str, ...] = (
    # identity: the words that matter, so that a rule that is said again is counted and not proposed again
    """CREATE TABLE rules (
        key INTEGER PRIMARY KEY REFERENCES documents (key) ON DELETE CASCADE,
        text TEXT NOT NULL,
        identity TEXT NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('proposed', 'accepted', 'rejected')),
        action TEXT NOT NULL CHECK (action IN ('warn', 'ask', 'deny')),
        forbids TEXT,
        decided_at INTEGER,
        is_added INTEGER NOT NULL DEFAULT 0,
        checksum INTEGER NOT NULL
    )""",
    "CREATE INDEX rules_by_identity ON rules (identity)",
    """CREATE TABLE rule_quotes (
        rule_key INTEGER NOT NULL REFERENCES rules (key) ON DELETE CASCADE,
        source_key INTEGER NOT NULL REFERENCES documents (key) ON DELETE CASCADE,
        said_at INTEGER NOT NULL,
        text TEXT NOT NULL,
        PRIMARY KEY (rule_key, source_key, said_at)
    ) WITHOUT ROWID""",
    "CREATE INDEX rule_quotes_by_source ON rule_quotes (source_key)",
    # what nobody decided about goes with the last record that said so
    """CREATE TRIGGER rule_unsaid AFTER DELETE ON rule_quotes BEGIN
        DELETE FROM documents WHERE key = old.rule_key
            AND EXISTS (SELECT 1 FROM rules WHERE key = old.rule_key AND state = 'proposed' AND NOT is_added)
            AND NOT EXISTS (SELECT 1 FROM rule_quotes WHERE rule_key = old.rule_key);
    END""",
)
