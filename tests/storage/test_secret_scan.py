"""`redact --scan` looks at every column of text that the schema has, and `--replace` cleans each."""

import json
from typing import Any

import pytest

from memory_mcp.memory import Memory
from memory_mcp.models.conversations import Message
from memory_mcp.models.episodes import Context, Failure, Step, StepError
from memory_mcp.models.recommendations import Recommendation
from memory_mcp.models.relationships import Relationship
from memory_mcp.models.snapshots import FileState, Snapshot
from memory_mcp.redaction.redactor import Redactor
from memory_mcp.storage import checksums, documents, secret_scan
from memory_mcp.storage.database import Session
from memory_mcp.storage.snapshot_store import write_snapshot

SECRET = "ghp_" + "aB3dE5fG7hJ9kL1mN2pQ4rS6tU8vW0xYaB3d"
# columns that a constraint keeps everything else out of
CONSTRAINED = {
    "aliases.kind",
    "documents.kind",
    "vectors.vector",
    "decision_links.kind",
    "rules.state",
    "rules.action",
    "decision_places.kind",
}


def filled(memory: Memory) -> None:
    """Put at least one row into every table that holds text."""
    episode, _ = memory.episodes.start("deploy the billing service", context=Context(tags=("t",)))
    failed = [Step("bash", "pytest tests/billing", {"a": 1}, StepError("AssertionError: 1 is not 2"))] * 2
    memory.episodes.append(episode.id, failed)
    memory.handoffs.checkpoint(episode.id, note="plain", next_steps=["plain"])
    memory.learning.complete(episode.id, Failure("it failed"))
    note, _ = memory.notes.add("plain note")
    memory.notes.add("newer note", supersedes=note.id)
    memory.conversations.remember("a talk", [Message("user", "hello", memory.clock.now())])
    made = Recommendation(memory.clock.new_id(), "recall", "why", memory.clock.now(), (note.id,), episode.id)
    memory.store.recommendations.insert(made)
    memory.advice.judge("helped", recommendation_id=made.id, note="well")
    other, _ = memory.episodes.start("another")
    memory.store.sessions.enter("session", other.id)
    memory.relationships.add([Relationship("related_to", episode.id, other.id)])
    memory.learning.follow()
    memory.ledger.book("session", "hook", "user-prompt", "plain", [note.id])
    older, _ = memory.decisions.add("Never push to main.", files=["ci/run.sh"])
    memory.decisions.add("Push to main.", replaces=[older.id])
    memory.conversations.remember("rules", [Message("user", "never commit on Fridays", memory.clock.now())])
    memory.decisions.follow()
    with memory.store.database.write() as session:
        key, _ = memory.store.episodes.place(session, episode.id)
        write_snapshot(session, memory.store.writer, key, Snapshot("abc", "main", {"a.py": FileState("1", 1, 1)}, 1))
        documents.mark_damaged(session, memory.clock, {key: "it was damaged"})
        session.run("INSERT OR IGNORE INTO vector_sets (model, dimension) VALUES ('m', 1)")
        session.run(
            "INSERT INTO aliases (project_key, kind, value, stamp, seen_at) VALUES (1, 'path', '/shop', '1', 1)"
        )
        session.run("INSERT INTO projects (name, created_at) VALUES ('inner', 1)")
        session.run("INSERT INTO inner_projects (project_key, name, inner_key) VALUES (1, 'inner', 2)")
        session.run("INSERT INTO trusted_names (project_key, directory, name, trusted_at) VALUES (1, '/shop', 'x', 1)")


def text_columns(session: Session) -> list[tuple[str, str]]:
    return [
        (table, column)
        for (table,) in session.rows(
            "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite%'"
        )
        for column, kind in session.rows("SELECT name, type FROM pragma_table_info(?)", (table,))
        if kind.upper() not in {"INTEGER", "REAL"}
    ]


def test_a_secret_in_any_column_of_text_is_reported(memory: Memory) -> None:
    filled(memory)
    assert list(secret_scan.scan(memory.store, Redactor(), lambda _: None)) == []
    with memory.store.database.read() as session:
        columns = text_columns(session)
        empty = {table for table, _ in columns if not session.value(f"SELECT count(*) FROM {table}")}
    unseen = []

    for table, column in columns:
        if f"{table}.{column}" in CONSTRAINED or table in empty:
            continue
        with memory.store.database.write() as session:
            old = session.value(f"SELECT {column} FROM {table} LIMIT 1")
            session.run(f"UPDATE {table} SET {column} = ? WHERE {column} IS ?", (SECRET, old))
        if not list(secret_scan.scan(memory.store, Redactor(), lambda _: None)):
            unseen.append(f"{table}.{column}")
        with memory.store.database.write() as session:
            session.run(f"UPDATE {table} SET {column} = ? WHERE {column} IS ?", (old, SECRET))

    assert unseen == []
    assert empty <= {"vectors"}
    assert len(columns) > 60
    assert secret_scan.NO_TEXT.keys() == CONSTRAINED


def test_what_a_scan_finds_is_replaced_wherever_it_stands_and_checksums_follow(memory: Memory) -> None:
    filled(memory)
    dirty = json.dumps([f"use {SECRET}"])
    with memory.store.database.write() as session:
        oldest = session.value("SELECT min(key) FROM documents WHERE kind = 'note'")
        session.run("UPDATE documents SET source_kind = 'x', source_id = ? WHERE key = ?", (f"a/{SECRET}", oldest))
        session.run("UPDATE handoffs SET next_steps = ?", (dirty,))
        session.run("UPDATE agent_sessions SET id = ?", (SECRET,))
        session.run("UPDATE audit_events SET actor = ?", (SECRET,))
        session.run("UPDATE snapshots SET branch = ?", (SECRET,))
        session.run("UPDATE recommendations SET task = ?", (SECRET,))
        session.run("UPDATE episodes SET task = ? WHERE outcome IS NULL", (SECRET,))  # without its checksum: damaged
    found = list(secret_scan.scan(memory.store, Redactor(), lambda _: None))

    replaced = secret_scan.replace(memory.store, Redactor(), found)

    assert replaced == len(found) > 5
    assert list(secret_scan.scan(memory.store, Redactor(), lambda _: None)) == []
    with memory.store.database.read() as session:
        sources = [row[0] for row in session.rows("SELECT source_id FROM documents WHERE source_id IS NOT NULL")]
    assert [source.split("#")[0] for source in sources] == ["a/<github-token>"] * len(sources)


@pytest.mark.parametrize(
    ("table", "column", "fields"),
    [("handoffs", "note", checksums.HANDOFF), ("snapshots", "branch", checksums.SNAPSHOT)],
)
def test_a_row_whose_checksum_was_right_is_right_afterwards(
    memory: Memory, table: str, column: str, fields: checksums.Fields
) -> None:
    filled(memory)

    def row(session: Session) -> dict[str, Any]:
        return dict(zip(fields.first, session.rows(f"SELECT {', '.join(fields.first)} FROM {table}")[0], strict=True))

    with memory.store.database.write() as session:
        session.run(f"UPDATE {table} SET {column} = ?", (SECRET,))
        session.run(f"UPDATE {table} SET checksum = ?", (fields.checksum(row(session)),))

    secret_scan.replace(memory.store, Redactor(), list(secret_scan.scan(memory.store, Redactor(), lambda _: None)))

    with memory.store.database.read() as session:
        assert SECRET not in row(session).values()
        assert fields.match(session.value(f"SELECT checksum FROM {table}"), row(session))
