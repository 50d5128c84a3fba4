"""Other memories' files become notes and conversations."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from memory_mcp.errors import ImporterError
from memory_mcp.memory import Memory
from memory_mcp.models.episodes import StepError, Success
from memory_mcp.models.recall import Query
from tests.importers.taking import taken


def notes(memory: Memory) -> dict[str, tuple[str, ...]]:
    return {note.text: note.tags for note in memory.notes.list(limit=100).notes}


def database(path: Path, script: str) -> Path:
    """Make an SQLite file in another process: two libraries in one would drop each other's locks."""
    code = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.executescript(sys.stdin.read()); c.commit()"
    subprocess.run([sys.executable, "-c", code, str(path)], input=script.encode(), check=True)
    return path


def twice(memory: Memory, kind: str, path: Path) -> None:
    """Import again: nothing changes."""
    before = memory.store.counts()
    again = taken(memory, kind, path)
    assert again.imported == 0
    assert again.known == again.read
    assert memory.store.counts() == before


def test_the_graph_of_server_memory_becomes_a_note_per_entity(memory: Memory, tmp_path: Path) -> None:
    lines = [
        {"type": "entity", "name": "Ann", "entityType": "person", "observations": ["likes tea", "works on billing"]},
        {"type": "entity", "name": "billing", "entityType": "service", "observations": []},
        {"type": "relation", "from": "Ann", "to": "billing", "relationType": "maintains"},
        {"type": "relation", "from": "Ghost", "to": "billing", "relationType": "haunts"},
        {"type": "thing"},
    ]
    path = tmp_path / "memory.json"
    path.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")

    summary = taken(memory, "server-memory", path)

    assert (summary.imported, summary.bad) == (3, 1)
    assert notes(memory) == {
        "Ann (person)\n- likes tea\n- works on billing\nAnn maintains billing": ("person",),
        "billing (service)": ("service",),
        "Ghost\nGhost haunts billing": (),
    }
    twice(memory, "server-memory", path)


def test_an_entity_too_long_for_one_note_becomes_several_and_loses_nothing(memory: Memory, tmp_path: Path) -> None:
    observations = [f"observation {number} " + "x" * 500 for number in range(50)] + ["y" * 25_000]
    path = tmp_path / "memory.json"
    path.write_text(json.dumps({"type": "entity", "name": "Ann", "observations": observations}), encoding="utf-8")

    taken(memory, "server-memory", path)

    text = "\n".join(notes(memory))
    assert all(f"observation {number} " in text for number in range(50))
    assert text.count("y") == 25_000


def test_memories_of_mcp_memory_service_become_notes(memory: Memory, tmp_path: Path) -> None:
    path = database(
        tmp_path / "sqlite_vec.db",
        "CREATE TABLE memories (id INTEGER PRIMARY KEY, content_hash TEXT, content TEXT, tags TEXT, memory_type TEXT,"
        " metadata TEXT, created_at REAL, deleted_at REAL);"
        "INSERT INTO memories VALUES (1, 'h1', 'the cache needs redis 7', 'cache,ops', 'decision', '{}', 1769850000.5,"
        " NULL);"
        "INSERT INTO memories VALUES (2, 'h2', 'forgotten', '', NULL, NULL, 1769850000.5, 1769850001.0);"
        "INSERT INTO memories VALUES (3, 'h3', '', '', NULL, NULL, 1769850000.5, NULL);",
    )

    summary = taken(memory, "mcp-memory-service", path)

    assert notes(memory) == {"the cache needs redis 7": ("cache", "decision", "ops")}
    assert memory.notes.list().notes[0].created_at == 1_769_850_000_500_000
    assert summary.bad == 1  # a memory without a text
    assert "the note is empty" in summary.reports[0].reason


def test_observations_and_summaries_of_claude_mem_become_notes(memory: Memory, tmp_path: Path) -> None:
    path = database(
        tmp_path / "claude-mem.db",
        "CREATE TABLE observations (id INTEGER PRIMARY KEY, project TEXT, type TEXT, title TEXT, narrative TEXT,"
        " facts TEXT, files_modified TEXT, created_at TEXT, created_at_epoch INTEGER);"
        "INSERT INTO observations VALUES (1, 'shop', 'bugfix', 'Cart kept', 'It was lost.', '[\"cookie\", \"ttl\"]',"
        " '[\"cart.py\"]', '2026-01-31T09:00:00Z', 1769850000000);"
        "CREATE TABLE session_summaries (id INTEGER PRIMARY KEY, project TEXT, request TEXT, learned TEXT,"
        " next_steps TEXT, created_at_epoch INTEGER);"
        "INSERT INTO session_summaries VALUES (1, 'shop', 'keep the cart', 'cookies last', '', 1769850000000);",
    )

    taken(memory, "claude-mem", path)

    assert notes(memory) == {
        "Cart kept\nIt was lost.\nfacts: cookie, ttl\nfiles modified: cart.py": ("bugfix", "shop"),
        "request: keep the cart\nlearned: cookies last": ("session summary", "shop"),
    }
    twice(memory, "claude-mem", path)


@pytest.mark.parametrize("kind", ["mcp-memory-service", "claude-mem"])
def test_a_file_that_is_no_such_database_is_named(memory: Memory, tmp_path: Path, kind: str) -> None:
    other = database(tmp_path / "other.db", "CREATE TABLE x (y);")
    (tmp_path / "text.db").write_text("no database at all, " * 100, encoding="utf-8")

    for path in (other, tmp_path / "text.db", tmp_path / "absent.db"):
        with pytest.raises(ImporterError, match=path.name):
            taken(memory, kind, path)


def test_markdown_of_basic_memory_becomes_notes(memory: Memory, tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "coffee.md").write_text(
        "---\ntitle: Coffee Methods\ntype: note\ntags:\n- brewing\n- kitchen\npermalink: deep/coffee\n---\n\n"
        "# Coffee Methods\n\n- [method] Pour over is clean #technique\n- relates_to [[Tea]]\n",
        encoding="utf-8",
    )
    (tmp_path / "plain.md").write_text("just a line", encoding="utf-8")
    (tmp_path / "bad.md").write_bytes(b"\xff\xfe\xff")

    summary = taken(memory, "basic-memory", tmp_path)

    assert (summary.imported, summary.bad) == (2, 1)
    found = notes(memory)
    (coffee,) = [text for text in found if "Pour over" in text]
    assert found[coffee] == ("brewing", "kitchen", "note", "technique")
    assert "plain\n\njust a line" in found
    twice(memory, "basic-memory", tmp_path)


@pytest.mark.parametrize(
    "document",
    [
        [{"id": "1", "memory": "prefers tabs", "user_id": "ann", "categories": ["style"], "created_at": "2026-01-31"}],
        {"results": [{"id": "1", "memory": "prefers tabs", "user_id": "ann", "categories": ["style"]}]},
        {"memories": [{"id": "1", "content": "prefers tabs", "app_name": "ann", "categories": [{"name": "style"}]}]},
    ],
)
def test_exports_of_mem0_and_openmemory_become_notes(memory: Memory, tmp_path: Path, document: Any) -> None:
    path = tmp_path / "export.json"
    path.write_text(json.dumps(document), encoding="utf-8")

    taken(memory, "mem0", path)

    (note,) = memory.notes.list().notes
    assert (note.text, note.tags, note.source) == ("prefers tabs", ("style",), "ann")
    twice(memory, "mem0", path)


def test_what_is_deleted_or_has_no_text_in_mem0_is_left_out(memory: Memory, tmp_path: Path) -> None:
    path = tmp_path / "export.json"
    path.write_text(json.dumps([{"memory": "gone", "state": "deleted"}, {"id": "2"}, 5]), encoding="utf-8")

    summary = taken(memory, "mem0", path)

    assert (summary.imported, summary.bad) == (0, 2)


SLACK: dict[str, Any] = {
    "users.json": [{"id": "U1", "name": "ann", "profile": {"display_name": "Ann"}}, {"id": "U2", "real_name": "Bob B"}],
    "channels.json": [
        {"id": "C1", "name": "ops", "topic": {"value": "who runs <@U1>"}, "members": ["U1", "U2"]},
        {"id": "C2", "name": "quiet"},
    ],
    "ops/2026-01-31.json": [
        {"type": "message", "subtype": "channel_join", "user": "U1", "text": "joined", "ts": "1769850000.0"},
        {"type": "message", "user": "U1", "text": "deploy is stuck &amp; red", "ts": "1769850001.0",
         "thread_ts": "1769850001.0"},
        {"type": "message", "user": "U2", "text": "drain <http://x.y|the node>, <@U1>", "ts": "1769850003.0",
         "thread_ts": "1769850001.0", "pinned_to": ["C1"]},
        {"type": "message", "user": "U1", "text": "lunch?", "ts": "1769850010.0"},
        {"type": "message", "user": "U2", "text": "broken"},
    ],
}  # fmt: skip


def unpacked(directory: Path) -> Path:
    for name, content in SLACK.items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_text(json.dumps(content), encoding="utf-8")
    return directory


def test_a_slack_export_becomes_notes_of_channels_and_conversations_of_threads(memory: Memory, tmp_path: Path) -> None:
    path = unpacked(tmp_path / "export")

    summary = taken(memory, "slack", path)

    assert (summary.imported, summary.bad) == (3, 1)
    assert "message 5" in summary.reports[0].where
    assert list(notes(memory)) == ["Slack channel #ops\ntopic: who runs @Ann\n2 members: Ann, Bob B"]
    talks = {row.task: row.id for row in memory.conversations.list().episodes}
    assert set(talks) == {"#ops: deploy is stuck & red", "#ops on 2026-01-31"}
    turns = memory.conversations.turns(talks["#ops: deploy is stuck & red"])
    assert [(turn.message.role, turn.message.text, turn.message.is_marked) for turn in turns] == [
        ("Ann", "deploy is stuck & red", False),
        ("Bob B", "drain the node (http://x.y), @Ann", True),
    ]
    assert memory.recall.search(Query("drain the node", kinds=("turn",))).hits[0].id == turns[1].id
    twice(memory, "slack", path)


def test_a_slack_archive_is_read_without_unpacking(memory: Memory, tmp_path: Path) -> None:
    path = tmp_path / "export.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in SLACK.items():
            archive.writestr(name, json.dumps(content))

    assert taken(memory, "slack", path).imported == 3
    assert taken(memory, "slack", unpacked(tmp_path / "export")).known == 3


def test_a_directory_that_is_no_slack_export_is_named(memory: Memory, tmp_path: Path) -> None:
    with pytest.raises(ImporterError, match="is it a Slack export"):
        taken(memory, "slack", tmp_path)


def test_plain_lines_become_episodes_and_notes(memory: Memory, tmp_path: Path) -> None:
    path = tmp_path / "plain.jsonl"
    lines = [
        {
            "task": "repair the parser",
            "task_type": "bug_fix",
            "tags": ["old"],
            "time": "2026-01-31T09:00:00Z",
            "steps": [{"tool": "bash", "action": "pytest", "result": "error", "output": "1 failed"}],
            "outcome": "success",
            "verdict": "the lexer was wrong",
        },
        {"text": "the build needs node 22", "importance": 0.9},
        {"text": "the build needs node 22", "importance": 0.9},
        {"neither": 1},
        {"task_type": "x"},
    ]
    path.write_text("\n".join(map(json.dumps, lines)) + "\nno json\n", encoding="utf-8")

    summary = taken(memory, "jsonl", path)

    assert (summary.imported, summary.known, summary.bad) == (2, 1, 3)
    episode = memory.episodes.get(memory.episodes.list().episodes[0].id)
    assert isinstance(episode.steps[0].result, StepError)
    assert episode.outcome == Success(
        "the lexer was wrong", doubt="The last test run (step 1, pytest) failed: 1 failed"
    )
    assert memory.notes.list().notes[0].importance == 0.9
    twice(memory, "jsonl", path)


def test_a_source_id_without_its_secret_is_recognised_again(memory: Memory, tmp_path: Path) -> None:
    secrets = [f"ghp_{letter * 36}" for letter in "ab"]
    lines = [
        json.dumps({"id": f"run/{secret}.log", "text": f"the build needs number {secret[-1]}"}) for secret in secrets
    ]
    path = tmp_path / "lines.jsonl"
    path.write_text("\n".join(lines), encoding="utf-8")

    first, second = taken(memory, "jsonl", path), taken(memory, "jsonl", path)

    assert (first.imported, first.known) == (2, 0)
    assert (second.imported, second.known) == (0, 2)
    memory.store.database.close()
    stored = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file() and file != path)
    assert [secret for secret in secrets if secret.encode() in stored] == []
