"""This module holds the first schema; what comes later is a migration of its own."""

# A document is anything that recall can find: its row carries identity, the project wall and the revision, and every
# change of it passes through the `changes` triggers. The keyword index is contentless: the text is made again from
# the record when needed, so nothing is stored twice.
FIRST_SCHEMA: tuple[str, ...] = (
    """CREATE TABLE migrations (number INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at INTEGER NOT NULL)""",
    """CREATE TABLE projects (key INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, created_at INTEGER NOT NULL)""",
    """CREATE TABLE documents (
        key INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        kind TEXT NOT NULL CHECK (kind IN ('episode', 'note')),
        project_key INTEGER NOT NULL REFERENCES projects (key),
        is_global INTEGER NOT NULL DEFAULT 0,
        revision INTEGER NOT NULL DEFAULT 1,
        created_at INTEGER NOT NULL,
        source_kind TEXT,
        source_id TEXT,
        UNIQUE (project_key, source_kind, source_id)
    )""",
    """CREATE INDEX documents_by_time ON documents (project_key, kind, created_at, key)""",
    """CREATE INDEX documents_global ON documents (kind, created_at, key) WHERE is_global""",
    """CREATE TABLE episodes (
        key INTEGER PRIMARY KEY REFERENCES documents (key) ON DELETE CASCADE,
        task TEXT NOT NULL,
        task_key TEXT NOT NULL,
        task_type TEXT NOT NULL,
        domain TEXT NOT NULL,
        language TEXT NOT NULL,
        framework TEXT NOT NULL,
        complexity TEXT,
        started_at INTEGER NOT NULL,
        updated_at INTEGER NOT NULL,
        completed_at INTEGER,
        outcome_type TEXT,
        outcome TEXT,
        reward REAL,
        reward_parts TEXT,
        reflection TEXT,
        step_count INTEGER NOT NULL DEFAULT 0,
        size_bytes INTEGER NOT NULL DEFAULT 0,
        checksum INTEGER NOT NULL
    )""",
    """CREATE TABLE steps (
        episode_key INTEGER NOT NULL REFERENCES episodes (key) ON DELETE CASCADE,
        position INTEGER NOT NULL,
        tool TEXT NOT NULL,
        action TEXT NOT NULL,
        parameters TEXT,
        result TEXT,
        latency_ms REAL,
        recorded_at INTEGER NOT NULL,
        checksum INTEGER NOT NULL,
        PRIMARY KEY (episode_key, position)
    ) WITHOUT ROWID""",
    """CREATE TABLE notes (
        key INTEGER PRIMARY KEY REFERENCES documents (key) ON DELETE CASCADE,
        text TEXT NOT NULL,
        importance REAL NOT NULL,
        source TEXT NOT NULL,
        valid_until INTEGER,
        superseded_by TEXT,
        checksum INTEGER NOT NULL
    )""",
    """CREATE TABLE tags (
        document_key INTEGER NOT NULL REFERENCES documents (key) ON DELETE CASCADE,
        tag TEXT NOT NULL,
        PRIMARY KEY (document_key, tag)
    ) WITHOUT ROWID""",
    """CREATE INDEX tags_by_name ON tags (tag, document_key)""",
    """CREATE TABLE relationships (
        from_key INTEGER NOT NULL REFERENCES documents (key) ON DELETE CASCADE,
        to_key INTEGER NOT NULL REFERENCES documents (key) ON DELETE CASCADE,
        kind TEXT NOT NULL,
        PRIMARY KEY (from_key, to_key, kind)
    ) WITHOUT ROWID""",
    """CREATE INDEX relationships_by_target ON relationships (to_key)""",
    """CREATE VIRTUAL TABLE keywords USING fts5 (
        text, content = '', contentless_delete = 1, tokenize = 'porter unicode61'
    )""",
    """CREATE VIRTUAL TABLE keyword_counts USING fts5vocab (keywords, row)""",
    """CREATE TABLE vector_sets (
        key INTEGER PRIMARY KEY,
        model TEXT NOT NULL UNIQUE,
        dimension INTEGER NOT NULL,
        followed INTEGER NOT NULL DEFAULT 0,
        ready_at INTEGER
    )""",
    """CREATE TABLE vectors (
        key INTEGER PRIMARY KEY,
        set_key INTEGER NOT NULL REFERENCES vector_sets (key) ON DELETE CASCADE,
        document_key INTEGER NOT NULL REFERENCES documents (key) ON DELETE CASCADE,
        vector BLOB NOT NULL,
        UNIQUE (set_key, document_key)
    )""",
    """CREATE INDEX vectors_by_document ON vectors (document_key)""",
    """CREATE TABLE followers (name TEXT PRIMARY KEY, followed INTEGER NOT NULL) WITHOUT ROWID""",
    """CREATE TABLE changes (
        sequence INTEGER PRIMARY KEY AUTOINCREMENT,
        document_key INTEGER NOT NULL,
        kind TEXT NOT NULL,
        id TEXT NOT NULL,
        is_deletion INTEGER NOT NULL DEFAULT 0
    )""",
    """CREATE TRIGGER document_inserted AFTER INSERT ON documents BEGIN
        INSERT INTO changes (document_key, kind, id) VALUES (new.key, new.kind, new.id);
    END""",
    """CREATE TRIGGER document_revised AFTER UPDATE OF revision ON documents BEGIN
        INSERT INTO changes (document_key, kind, id) VALUES (new.key, new.kind, new.id);
    END""",
    """CREATE TRIGGER document_deleted AFTER DELETE ON documents BEGIN
        INSERT INTO changes (document_key, kind, id, is_deletion) VALUES (old.key, old.kind, old.id, 1);
        DELETE FROM keywords WHERE rowid = old.key;
    END""",
    """CREATE TABLE audit_events (
        key INTEGER PRIMARY KEY,
        at INTEGER NOT NULL,
        project_key INTEGER NOT NULL,
        actor TEXT NOT NULL,
        action TEXT NOT NULL,
        document_id TEXT NOT NULL,
        sequence INTEGER NOT NULL
    )""",
    """CREATE INDEX audit_events_by_document ON audit_events (document_id)""",
    """CREATE TABLE quarantine (
        document_key INTEGER PRIMARY KEY REFERENCES documents (key) ON DELETE CASCADE,
        reason TEXT NOT NULL,
        found_at INTEGER NOT NULL
    )""",
)
