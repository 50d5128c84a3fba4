"""This module holds whose word records are, in the sixth schema: voices, releases, corroborations."""

# Records of earlier schemas get the voice of the door that is known: their source, else who wrote their audit row.
# What came from an archive kept its own time of making, long before that audit row.
_ARCHIVED_US = 3_600_000_000
_CLIENTS = "(d.source_kind LIKE 'hooks:%' OR d.source_kind IN ('claude-code', 'opencode', 'codex'))"
_FIRST = "(SELECT a.{} FROM audit_events a WHERE a.document_id = d.id ORDER BY a.key LIMIT 1)"

TRUST: tuple[str, ...] = (
    # a door that forgets to say whose word it brings makes that silent
    "ALTER TABLE documents ADD COLUMN voice TEXT NOT NULL DEFAULT 'import'",
    "ALTER TABLE documents ADD COLUMN author TEXT NOT NULL DEFAULT ''",
    # of the steps that are no talk, as the door says: what a tool put out, or what an agent or an archive says of it
    "ALTER TABLE episodes ADD COLUMN steps_voice TEXT NOT NULL DEFAULT 'tool'",
    # of what is said of the outcome, beside what the steps show
    "ALTER TABLE episodes ADD COLUMN outcome_voice TEXT NOT NULL DEFAULT 'agent'",
    # empty in older steps, which are by their episode's door
    "ALTER TABLE steps ADD COLUMN voice TEXT NOT NULL DEFAULT ''",
    f"""UPDATE documents AS d SET voice = CASE
        WHEN d.source_kind = 'git' THEN 'repository'
        WHEN {_CLIENTS} THEN iif(instr(d.source_id, ':') > 0, 'agent', 'user')
        WHEN d.source_kind IS NOT NULL THEN 'import'
        WHEN {_FIRST.format("actor")} = 'server' THEN 'agent'
        WHEN d.kind = 'note' AND {_FIRST.format("at")} - d.created_at > {_ARCHIVED_US} THEN 'import'
        ELSE 'user' END WHERE d.kind IN ('episode', 'note')""",
    """UPDATE documents AS d SET voice = (SELECT CASE
        WHEN c.voice <> 'user' THEN c.voice
        WHEN lower(t.role) IN ('user', 'human') THEN 'user'
        WHEN lower(t.role) IN ('assistant', 'ai') THEN 'agent'
        WHEN lower(t.role) IN ('tool', 'function') THEN 'tool'
        ELSE 'import' END FROM turns t JOIN documents c ON c.key = t.episode_key WHERE t.key = d.key)
        WHERE d.kind = 'turn'""",
    f"""UPDATE episodes SET steps_voice = (SELECT CASE WHEN d.voice = 'user' OR {_CLIENTS} THEN 'tool' ELSE d.voice END
        FROM documents d WHERE d.key = episodes.key)""",
    f"""UPDATE episodes SET outcome_voice = (SELECT CASE
        WHEN {_CLIENTS} OR EXISTS (SELECT 1 FROM audit_events a WHERE a.document_id = d.id
            AND a.actor IN ('server', 'hook') AND a.action <> 'append_steps') THEN 'agent'
        ELSE d.voice END FROM documents d WHERE d.key = episodes.key)""",
    # one word per idea: quarantine is what may not speak by itself
    "ALTER TABLE quarantine RENAME TO damaged",
    # by the user's word a record may be told without being asked for
    """CREATE TABLE released (
        document_key INTEGER PRIMARY KEY REFERENCES documents (key) ON DELETE CASCADE,
        at INTEGER NOT NULL
    )""",
    # the later episode whose shown success bears out what an agent noted
    """CREATE TABLE corroborations (
        document_key INTEGER PRIMARY KEY REFERENCES documents (key) ON DELETE CASCADE,
        episode_key INTEGER NOT NULL REFERENCES episodes (key) ON DELETE CASCADE,
        at INTEGER NOT NULL
    )""",
    "CREATE INDEX corroborations_by_episode ON corroborations (episode_key)",
)
