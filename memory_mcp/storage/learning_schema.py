"""This module holds the second schema: patterns with their evidence, failures, recommendations, handoffs."""

# Widening a CHECK changes no stored byte, so the documented way for such a change is used: the text in sqlite_schema
# (https://www.sqlite.org/lang_altertable.html, "Making Other Kinds Of Table Schema Changes").
_KINDS = "kind IN (''episode'', ''note'')"
_MORE_KINDS = "kind IN (''episode'', ''note'', ''pattern'')"

# Shares of success are whole thousandths and rewards whole ten-thousandths: sums are exact in any order.
SECOND_SCHEMA: tuple[str, ...] = (
    "PRAGMA writable_schema = ON",
    f"UPDATE sqlite_schema SET sql = replace(sql, '{_KINDS}', '{_MORE_KINDS}') WHERE name = 'documents'",
    "PRAGMA writable_schema = RESET",
    "CREATE INDEX episodes_by_task_type ON episodes (domain, task_type, completed_at)",
    "CREATE INDEX episodes_by_task ON episodes (task_key)",
    """CREATE TABLE digests (
        episode_key INTEGER PRIMARY KEY REFERENCES episodes (key) ON DELETE CASCADE,
        project_key INTEGER NOT NULL,
        revision INTEGER NOT NULL,
        completed_at INTEGER,
        share INTEGER,
        reward INTEGER,
        steps INTEGER NOT NULL,
        retries INTEGER NOT NULL,
        tokens TEXT NOT NULL
    )""",
    "CREATE INDEX digests_by_time ON digests (project_key, completed_at, reward)",
    """CREATE TABLE failures (
        episode_key INTEGER NOT NULL REFERENCES episodes (key) ON DELETE CASCADE,
        position INTEGER NOT NULL,
        project_key INTEGER NOT NULL,
        shape TEXT NOT NULL,
        file TEXT NOT NULL,
        action TEXT NOT NULL,
        error TEXT NOT NULL,
        signature TEXT NOT NULL,
        failures INTEGER NOT NULL,
        runs INTEGER NOT NULL,
        remedy TEXT NOT NULL,
        seen_at INTEGER NOT NULL,
        PRIMARY KEY (episode_key, position, file)
    ) WITHOUT ROWID""",
    "CREATE INDEX failures_by_shape ON failures (project_key, shape, seen_at)",
    "CREATE INDEX failures_by_file ON failures (project_key, file, seen_at) WHERE file <> ''",
    """CREATE TABLE patterns (
        key INTEGER PRIMARY KEY REFERENCES documents (key) ON DELETE CASCADE,
        kind TEXT NOT NULL,
        uses INTEGER NOT NULL DEFAULT 0,
        wins INTEGER NOT NULL DEFAULT 0,
        rewarded INTEGER NOT NULL DEFAULT 0,
        rewards INTEGER NOT NULL DEFAULT 0,
        last_seen INTEGER NOT NULL DEFAULT 0,
        retired_at INTEGER
    )""",
    # every definition under which a pattern was seen; the least of them names it
    """CREATE TABLE pattern_identities (
        project_key INTEGER NOT NULL,
        kind TEXT NOT NULL,
        identity TEXT NOT NULL,
        pattern_key INTEGER NOT NULL REFERENCES patterns (key) ON DELETE CASCADE,
        words INTEGER NOT NULL,
        checksum INTEGER NOT NULL,
        PRIMARY KEY (project_key, kind, identity)
    ) WITHOUT ROWID""",
    "CREATE INDEX pattern_identities_by_pattern ON pattern_identities (pattern_key)",
    """CREATE TABLE evidence (
        pattern_key INTEGER NOT NULL REFERENCES patterns (key) ON DELETE CASCADE,
        episode_key INTEGER NOT NULL REFERENCES episodes (key) ON DELETE CASCADE,
        share INTEGER NOT NULL,
        reward INTEGER,
        seen_at INTEGER NOT NULL,
        identity TEXT NOT NULL,
        detail TEXT NOT NULL,
        PRIMARY KEY (pattern_key, episode_key)
    ) WITHOUT ROWID""",
    "CREATE INDEX evidence_by_episode ON evidence (episode_key)",
    "CREATE INDEX evidence_by_time ON evidence (pattern_key, seen_at)",
    """CREATE TRIGGER evidence_added AFTER INSERT ON evidence BEGIN
        UPDATE patterns SET uses = uses + 1, wins = wins + new.share, rewarded = rewarded + (new.reward IS NOT NULL),
            rewards = rewards + coalesce(new.reward, 0), last_seen = max(last_seen, new.seen_at)
            WHERE key = new.pattern_key;
    END""",
    """CREATE TRIGGER evidence_changed AFTER UPDATE ON evidence BEGIN
        UPDATE patterns SET wins = wins + new.share - old.share,
            rewarded = rewarded + (new.reward IS NOT NULL) - (old.reward IS NOT NULL),
            rewards = rewards + coalesce(new.reward, 0) - coalesce(old.reward, 0),
            last_seen = max(last_seen, new.seen_at)
            WHERE key = new.pattern_key;
    END""",
    # what nothing shows any more goes: its words came from what was erased
    """CREATE TRIGGER evidence_removed AFTER DELETE ON evidence BEGIN
        UPDATE patterns SET uses = uses - 1, wins = wins - old.share, rewarded = rewarded - (old.reward IS NOT NULL),
            rewards = rewards - coalesce(old.reward, 0),
            last_seen = coalesce((SELECT max(seen_at) FROM evidence WHERE pattern_key = old.pattern_key), 0)
            WHERE key = old.pattern_key;
        DELETE FROM pattern_identities WHERE pattern_key = old.pattern_key
            AND identity NOT IN (SELECT identity FROM evidence WHERE pattern_key = old.pattern_key);
        UPDATE documents SET revision = revision + 1 WHERE key = old.pattern_key;
        DELETE FROM documents WHERE key = old.pattern_key
            AND NOT EXISTS (SELECT 1 FROM evidence WHERE pattern_key = old.pattern_key);
    END""",
    """CREATE TABLE recommendations (
        key INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        project_key INTEGER NOT NULL REFERENCES projects (key),
        kind TEXT NOT NULL,
        task TEXT NOT NULL,
        made_at INTEGER NOT NULL,
        episode_key INTEGER REFERENCES episodes (key) ON DELETE CASCADE,
        is_withheld INTEGER NOT NULL,
        body TEXT
    )""",
    "CREATE INDEX recommendations_by_episode ON recommendations (episode_key)",
    """CREATE TABLE recommended (
        recommendation_key INTEGER NOT NULL REFERENCES recommendations (key) ON DELETE CASCADE,
        document_key INTEGER NOT NULL REFERENCES documents (key) ON DELETE CASCADE,
        acted INTEGER,
        share INTEGER,
        PRIMARY KEY (recommendation_key, document_key)
    ) WITHOUT ROWID""",
    "CREATE INDEX recommended_by_document ON recommended (document_key, share)",
    # a playbook quotes its sources: it goes when one of them is erased
    """CREATE TRIGGER playbook_source_deleted BEFORE DELETE ON documents WHEN old.kind = 'episode' BEGIN
        DELETE FROM recommendations WHERE body IS NOT NULL
            AND key IN (SELECT recommendation_key FROM recommended WHERE document_key = old.key);
    END""",
    """CREATE TABLE feedback (
        key INTEGER PRIMARY KEY,
        project_key INTEGER NOT NULL REFERENCES projects (key),
        recommendation_key INTEGER REFERENCES recommendations (key) ON DELETE CASCADE,
        document_key INTEGER REFERENCES documents (key) ON DELETE CASCADE,
        judgement TEXT NOT NULL,
        rating INTEGER,
        note TEXT NOT NULL,
        share INTEGER,
        at INTEGER NOT NULL
    )""",
    "CREATE INDEX feedback_by_document ON feedback (document_key, share)",
    "CREATE INDEX feedback_by_recommendation ON feedback (recommendation_key)",
    """CREATE TABLE handoffs (
        id TEXT PRIMARY KEY,
        project_key INTEGER NOT NULL REFERENCES projects (key),
        episode_key INTEGER NOT NULL REFERENCES episodes (key) ON DELETE CASCADE,
        made_at INTEGER NOT NULL,
        steps INTEGER NOT NULL,
        note TEXT NOT NULL,
        next_steps TEXT NOT NULL,
        checksum INTEGER NOT NULL
    ) WITHOUT ROWID""",
    "CREATE INDEX handoffs_by_time ON handoffs (project_key, made_at)",
    "CREATE INDEX handoffs_by_episode ON handoffs (episode_key)",
)
