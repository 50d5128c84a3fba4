"""What somebody else made of a folder, an archive or a database: reported, passed over, and never followed."""

import gzip
import json
import os
import socket
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from memory_mcp.errors import ImporterError
from memory_mcp.importers.commits import commits_in
from memory_mcp.importers.records import Bad
from memory_mcp.importers.taking_in import Summary
from memory_mcp.memory import Memory
from memory_mcp.storage import foreign
from tests.importers.taking import taken

USE = {"type": "tool_use", "id": "c", "name": "Bash", "input": {"command": "repair the till"}}
LINE = json.dumps({"type": "assistant", "sessionId": "s", "message": {"role": "assistant", "content": [USE]}})
CODEX = json.dumps({"type": "function_call", "call_id": "c", "name": "shell", "arguments": '{"command": "ls till"}'})
TRAJECTORY = json.dumps({"trajectory": [{"action": "ls", "observation": "a"}]})
MINI = json.dumps({"id": "a/b", "task": "repair the till", "steps": [{"action": "ls", "exit_code_zero": True}]})
FOLDERS: list[tuple[Any, str, str]] = [
    ("claude-code", "s.jsonl", LINE),
    ("codex", "s.jsonl", CODEX),
    ("swe-agent", "s.traj", TRAJECTORY),
    ("mini-swe-agent", "s.jsonl", MINI),
    ("basic-memory", "s.md", "repair the till"),
    ("slack", "general/2026-01-31.json", "[]"),
]


def reasons(summary: Summary) -> str:
    return "\n".join(f"{each.where}: {each.reason}" for each in summary.reports)


def tried(memory: Memory, kind: str, path: Path) -> tuple[int, str]:
    """Import; return how much came, and the sentence with which it ended, which names the file."""
    try:
        return taken(memory, kind, path).imported, str(path)
    except ImporterError as error:
        return 0, str(error)


def folder(path: Path, kind: str, name: str, content: str) -> Path:
    (path / name).parent.mkdir(parents=True, exist_ok=True)
    (path / name).write_text(content, encoding="utf-8")
    if kind == "slack":
        (path / "channels.json").write_text('[{"id": "C", "name": "general", "topic": {"value": "x"}}]')
    return path


@pytest.mark.parametrize(("kind", "name", "content"), FOLDERS)
def test_a_link_that_leads_out_of_the_folder_is_reported_and_not_followed(
    memory: Memory, tmp_path: Path, kind: str, name: str, content: str
) -> None:
    given = folder(tmp_path / "given", kind, name, content)
    outside = tmp_path / "given-too"  # whose name begins as the folder's does
    folder(outside, kind, name, content)
    suffix = Path(name).suffix
    (given / f"file{suffix}").symlink_to(outside / name)
    (given / "directory").symlink_to(outside, target_is_directory=True)
    (given / f"nowhere{suffix}").symlink_to(tmp_path / "absent")
    (given / f"loop{suffix}").symlink_to(given / f"loop{suffix}")

    summary = taken(memory, kind, given)

    assert summary.imported == 1
    assert summary.bad == 4
    assert "leads out of" in reasons(summary)


@pytest.mark.parametrize(("kind", "name", "content"), FOLDERS)
def test_the_folder_may_be_a_link_and_links_may_stay_inside(
    memory: Memory, tmp_path: Path, kind: str, name: str, content: str
) -> None:
    given = folder(tmp_path / "given", kind, name, content)
    (given / f"again{Path(name).suffix}").symlink_to(given / name)
    (tmp_path / "link").symlink_to(given, target_is_directory=True)

    summary = taken(memory, kind, tmp_path / "link")

    assert summary.bad == 0
    assert summary.imported >= 1


@pytest.mark.parametrize(("kind", "name", "content"), FOLDERS)
def test_a_pipe_a_socket_a_device_and_a_directory_are_not_read_as_files(
    memory: Memory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, name: str, content: str
) -> None:
    given = folder(tmp_path / "given", kind, name, content)
    suffix = Path(name).suffix
    os.mkfifo(given / f"pipe{suffix}")
    monkeypatch.chdir(given)  # the path of a socket is short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(f"socket{suffix}")
        (given / f"directory{suffix}").mkdir()
        (given / f"device{suffix}").symlink_to("/dev/zero")

        summary = taken(memory, kind, given)

    assert summary.imported == 1
    assert summary.bad == 3
    assert reasons(summary).count("it is not a regular file") == 2


@pytest.mark.parametrize(
    "kind",
    [
        "jsonl",
        "mem0",
        "server-memory",
        "claude-code",
        "mcp-memory-service",
        "claude-mem",
        "slack",
        "swe-agent",
        "mini-swe-agent",
    ],
)
@pytest.mark.parametrize("what", ["pipe", "device", "directory"])
def test_a_pipe_instead_of_a_file_is_not_waited_for(memory: Memory, tmp_path: Path, kind: str, what: str) -> None:
    path = {"pipe": tmp_path / "pipe", "device": Path("/dev/zero"), "directory": tmp_path / "directory"}[what]
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "directory").mkdir()

    imported, said = tried(memory, kind, path)

    assert imported == 0
    assert str(path) in said


def test_a_directory_a_thousand_deep_is_walked(memory: Memory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for _ in range(1_100):
        Path("d").mkdir()
        os.chdir("d")
    os.chdir(tmp_path)
    (tmp_path / "a.jsonl").write_text(LINE)

    try:
        assert taken(memory, "claude-code", tmp_path).imported == 1
    finally:
        subprocess.run(["rm", "-rf", str(tmp_path / "d")], check=True)  # deeper than Python's own can go


def test_opencodes_ids_lead_to_no_other_directory(memory: Memory, tmp_path: Path) -> None:
    storage = tmp_path / "given" / "storage"
    for directory in ("session/p", "message/s", "part/m"):
        (storage / directory).mkdir(parents=True)
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "m.json").write_text('{"id": "m", "role": "user"}')
    for number, name in enumerate(("../../../secret", "..", "/etc", "", "a/b", "x\0y")):
        (storage / "session" / "p" / f"{number}.json").write_text(json.dumps({"id": name, "title": "t"}))
    (storage / "session" / "p" / "good.json").write_text(json.dumps({"id": "s", "title": "t"}))
    (storage / "message" / "s" / "m.json").write_text('{"id": "../../../../secret", "role": "user"}')
    (storage / "message" / "s" / "n.json").write_text('{"id": "m", "role": "user"}')
    (storage / "part" / "m" / "p.json").write_text('{"type": "text", "text": "repair the till"}')
    call = {"type": "tool", "tool": "bash", "callID": "c", "state": {"input": {"command": "ls till"}}}
    (storage / "part" / "m" / "p2.json").write_text(json.dumps(call))
    (storage / "part" / "m" / "q.json").symlink_to(secret / "m.json")

    summary = taken(memory, "opencode", tmp_path / "given")

    assert (summary.imported, summary.bad) == (1, 7)
    assert memory.episodes.list().episodes[0].task == "repair the till"


def test_opencodes_database_is_not_read_through_a_link(memory: Memory, tmp_path: Path) -> None:
    (tmp_path / "other.db").touch()
    (tmp_path / "given").mkdir()
    (tmp_path / "given" / "opencode.db").symlink_to(tmp_path / "other.db")

    with pytest.raises(ImporterError, match=r"opencode\.db: it leads out of"):
        taken(memory, "opencode", tmp_path / "given")


def packed(path: Path, extra: Callable[[zipfile.ZipFile], None]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("channels.json", '[{"id": "C", "name": "general", "topic": {"value": "x"}}]')
        extra(archive)
    return path


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    ("reason", "extra"),
    [
        ("leads out of the archive", lambda zipped: zipped.writestr("../general/a.json", "[]")),
        ("leads out of the archive", lambda zipped: zipped.writestr("/general/a.json", "[]")),
        ("leads out of the archive", lambda zipped: zipped.writestr("general\\..\\a.json", "[]")),
        ("another file of this name", lambda zipped: zipped.writestr("channels.json", "[]")),
        ("compressed more than 200 times", lambda zipped: zipped.writestr("general/a.json", b" " * 50_000_000)),
        ("it does not hold a list", lambda zipped: zipped.writestr("general/a.json", '{"a": 1}')),
        ("it cannot be read", lambda zipped: zipped.writestr("general/a.json", "[" * 100_000)),
        ("", lambda zipped: zipped.writestr("nested.zip", b"PK\5\6" + b"\0" * 18)),
    ],
)
def test_odd_entries_of_an_archive_are_reported_and_the_rest_is_read(
    memory: Memory, tmp_path: Path, reason: str, extra: Callable[[zipfile.ZipFile], None]
) -> None:
    summary = taken(memory, "slack", packed(tmp_path / "export.zip", extra))

    assert summary.imported == 1
    assert summary.bad == (1 if reason else 0)
    assert reason in reasons(summary)


def test_an_entry_larger_than_it_claims_is_left_out(memory: Memory, tmp_path: Path) -> None:
    path = packed(tmp_path / "export.zip", lambda zipped: zipped.writestr("general/a.json", b"[" + b" " * 90_000_000))
    content = bytearray(path.read_bytes())
    at = content.rindex(b"PK\1\2")
    content[at + 24 : at + 28] = (100_000).to_bytes(4, "little")  # the size that the directory says
    path.write_bytes(content)

    summary = taken(memory, "slack", path)

    assert (summary.imported, summary.bad) == (1, 1)


def test_an_encrypted_archive_and_garbled_ones_are_reported(memory: Memory, tmp_path: Path) -> None:
    path = packed(tmp_path / "export.zip", lambda zipped: zipped.writestr("general/a.json", "[]"))
    whole = path.read_bytes()
    content = bytearray(whole)
    content[6] |= 1
    content[content.index(b"PK\1\2") + 8] |= 1
    path.write_bytes(content)
    with pytest.raises(ImporterError, match="is it a Slack export"):
        taken(memory, "slack", path)

    for cut in range(0, len(whole), 7):
        for garbled in (whole[:cut], whole[:cut] + b"\xff" + whole[cut + 1 :]):
            path.write_bytes(garbled)
            assert "export.zip" in tried(memory, "slack", path)[1]


def test_a_gzip_bomb_is_left(tmp_path: Path) -> None:
    commit = {"commit": "a" * 40, "parents": [], "time": "2024-01-01T00:00:00Z", "subject": "s"}
    path = tmp_path / "log.jsonl.gz"
    with gzip.open(path, "wb", compresslevel=9) as file:
        file.write(json.dumps(commit).encode() + b"\n")
        for _ in range(120):
            file.write(b" " * 999_999 + b"\n")
    whole = path.read_bytes()

    good, bad = list(commits_in(path))

    assert not isinstance(good, Bad)
    assert isinstance(bad, Bad)
    assert "compressed more than 200 times" in bad.reason
    for garbled in (whole[:1_000], whole[:50] + b"x" + whole[51:], b"\x1f\x8b", b""):
        path.write_bytes(garbled)
        assert all(isinstance(each, Bad) or each.subject == "s" for each in commits_in(path))


@pytest.mark.parametrize("kind", ["claude-code", "codex", "jsonl", "server-memory", "mini-swe-agent"])
def test_an_endless_line_is_skipped(memory: Memory, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.jsonl"
    good = {
        "claude-code": LINE,
        "codex": CODEX,
        "mini-swe-agent": MINI,
        "jsonl": '{"text": "a note"}',
        "server-memory": '{"type": "entity", "name": "Ann"}',
    }[kind]
    with path.open("wb") as file:
        file.write(b'{"x": "')
        for _ in range(120):
            file.write(b"x" * 1_000_000)
        file.write(b'"}\n' + b"[" * 100_000 + b"\n" + good.encode() + b"\n")

    summary = taken(memory, kind, path)

    assert (summary.imported, summary.bad) == (1, 2)
    assert "it has more than 50000000 bytes" in reasons(summary)
    assert "a.jsonl:2" in reasons(summary)


def database(path: Path, script: str, *, keep_open: str = "") -> Path:
    """Make an SQLite file in another process; with `keep_open` it dies with its log not folded in."""
    code = (
        "import sqlite3, sys, os; c = sqlite3.connect(sys.argv[1], isolation_level=None);"
        "c.executescript(sys.stdin.read()); c.commit(); sys.argv[2:] and os._exit(0)"
    )
    subprocess.run(
        [sys.executable, "-c", code, str(path), *filter(None, [keep_open])], input=script.encode(), check=True
    )
    return path


OBSERVATIONS = "CREATE TABLE observations (id INTEGER PRIMARY KEY, project TEXT, title TEXT, created_at_epoch INTEGER);"


@pytest.mark.parametrize(
    "script",
    [
        "CREATE VIEW observations AS WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n) SELECT * FROM n",
        "CREATE VIRTUAL TABLE observations USING fts5 (id, title)",
        "CREATE TABLE other (x); CREATE VIEW observations AS SELECT load_extension('/tmp/x.so') AS title, 1 AS id",
    ],
)
def test_a_view_or_virtual_table_is_not_read_as_a_table(memory: Memory, tmp_path: Path, script: str) -> None:
    path = database(tmp_path / "claude-mem.db", script)

    with pytest.raises(ImporterError, match="holds neither observations nor session_summaries"):
        taken(memory, "claude-mem", path)


def test_values_of_every_kind_become_notes_or_are_reported(memory: Memory, tmp_path: Path) -> None:
    path = database(
        tmp_path / "claude-mem.db",
        "CREATE TABLE observations (id, project, title, narrative, facts, created_at_epoch, created_at);"
        "INSERT INTO observations VALUES (1, 'shop', 'good', 'told', '[1, null, {}]', 1769850000000, NULL);"
        "INSERT INTO observations VALUES (NULL, NULL, NULL, NULL, NULL, NULL, NULL);"
        "INSERT INTO observations VALUES (3, x'ff00fe', CAST(x'ff4142' AS TEXT), x'00', 9e999, 9e999, -5);"
        "INSERT INTO observations VALUES ('x', 1.5, 7, zeroblob(70000000), '[[[', 'yesterday', 'year 0');"
        "INSERT INTO observations VALUES (5, 'a' || char(0) || 'b', 'nul' || char(0) || 'here', '', '', 1 << 62, '');"
        f"INSERT INTO observations VALUES (6, 'shop', 'deep', '', '{'[' * 5_000}', 0, '99999-01-01');",
    )

    summary = taken(memory, "claude-mem", path)

    assert summary.imported == 5
    assert summary.bad == 1
    assert any("\ufffdAB" in note.text for note in memory.notes.list().notes)
    assert memory.store.faults() == []


@pytest.mark.parametrize("encoding", ["UTF-8", "UTF-16le", "UTF-16be"])
def test_texts_are_read_in_the_encoding_of_the_file(memory: Memory, tmp_path: Path, encoding: str) -> None:
    script = f"PRAGMA encoding = '{encoding}'; {OBSERVATIONS} INSERT INTO observations VALUES (1, 'p', 'Käse', 1);"

    taken(memory, "claude-mem", database(tmp_path / "claude-mem.db", script))

    assert memory.notes.list().notes[0].text == "Käse"


@pytest.mark.parametrize("mode", ["DELETE", "WAL"])
def test_nothing_is_written_beside_a_file_of_another_program(memory: Memory, tmp_path: Path, mode: str) -> None:
    path = database(
        tmp_path / "claude-mem.db",
        f"PRAGMA journal_mode = {mode}; {OBSERVATIONS} INSERT INTO observations VALUES (1, 'p', 'one', 1);",
        keep_open="yes",
    )
    (tmp_path / "claude-mem.db-shm").unlink(missing_ok=True)
    before = {each.name: each.read_bytes() for each in tmp_path.iterdir() if each.is_file()}

    assert taken(memory, "claude-mem", path).imported == 1

    assert {each.name: each.read_bytes() for each in tmp_path.iterdir() if each.is_file()} == before


def test_a_file_that_its_program_is_writing_is_read_with_what_is_in_its_log(memory: Memory, tmp_path: Path) -> None:
    code = (
        "import sqlite3, sys; c = sqlite3.connect(sys.argv[1], isolation_level=None);"
        "c.executescript(sys.argv[2]); print('ready', flush=True); input()"
    )
    script = f"PRAGMA journal_mode = WAL; {OBSERVATIONS} INSERT INTO observations VALUES (1, 'p', 'one', 1);"
    path = tmp_path / "claude-mem.db"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(path), script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"

        assert taken(memory, "claude-mem", path).imported == 1

        process.communicate("\n")


def test_a_file_that_changes_while_it_is_read_is_reported(tmp_path: Path) -> None:
    path = database(tmp_path / "claude-mem.db", OBSERVATIONS)

    with pytest.raises(ImporterError, match="changed while it was read"), foreign.opened(path):
        database(path, "INSERT INTO observations VALUES (1, 'p', 'one', 1)")


def test_reading_a_table_with_random_page_links_ends(memory: Memory, tmp_path: Path) -> None:
    path = database(
        tmp_path / "claude-mem.db",
        OBSERVATIONS + "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60000)"
        " INSERT INTO observations SELECT i, 'shop', 'title of ' || i, i FROM n;",
    )
    content = bytearray(path.read_bytes())
    dice = 7
    for _ in range(400):
        dice = dice * 1_103_515_245 + 12_345 & 0x7FFFFFFF
        content[100 + dice % (len(content) - 100)] = dice >> 16 & 0xFF
    path.write_bytes(content)

    assert "claude-mem.db" in tried(memory, "claude-mem", path)[1]


def test_a_table_whose_pages_form_a_loop_is_refused(memory: Memory, tmp_path: Path) -> None:
    path = database(
        tmp_path / "claude-mem.db",
        "CREATE TABLE observations (id TEXT, title TEXT);"
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60000)"
        " INSERT INTO observations SELECT i, 'title of ' || i FROM n;",
    )
    content = bytearray(path.read_bytes())
    root = 4096  # the second page, which lists the pages of the rows
    assert content[root] == 5
    for cell in range(int.from_bytes(content[root + 3 : root + 5])):
        at = root + int.from_bytes(content[root + 12 + 2 * cell : root + 14 + 2 * cell])
        content[at : at + 4] = (3).to_bytes(4)
    path.write_bytes(content)

    with pytest.raises(ImporterError, match="2nd reference to page 3"):
        taken(memory, "claude-mem", path)


@pytest.mark.parametrize("log", [b"", b"x" * 100_000, "of another"])
def test_a_log_of_another_file_does_no_harm(memory: Memory, tmp_path: Path, log: bytes | str) -> None:
    path = database(tmp_path / "claude-mem.db", OBSERVATIONS + "INSERT INTO observations VALUES (1, 'p', 'one', 1);")
    if isinstance(log, str):
        database(tmp_path / "other.db", "PRAGMA journal_mode = WAL; CREATE TABLE x (y);", keep_open="yes")
        log = (tmp_path / "other.db-wal").read_bytes()
    (tmp_path / "claude-mem.db-wal").write_bytes(log)

    assert "claude-mem.db" in tried(memory, "claude-mem", path)[1]
    assert not (tmp_path / "claude-mem.db-shm").exists()


def test_a_table_of_values_that_break_its_own_rules_is_read(memory: Memory, tmp_path: Path) -> None:
    path = database(
        tmp_path / "claude-mem.db",
        "CREATE TABLE observations (id INTEGER PRIMARY KEY, title TEXT CHECK (length(hex(randomblob(100000000))) = 1),"
        " more AS (hex(zeroblob(90000000))), facts TEXT);"
        "PRAGMA ignore_check_constraints = ON; INSERT INTO observations (id, title) VALUES (1, 'one');",
    )

    assert taken(memory, "claude-mem", path).imported == 1


def test_a_hostile_file_of_random_bytes_ends_in_a_sentence(memory: Memory, tmp_path: Path) -> None:
    whole = database(
        tmp_path / "x.db", OBSERVATIONS + "INSERT INTO observations VALUES (1, 'p', 'one', 1);"
    ).read_bytes()
    path = tmp_path / "claude-mem.db"
    for place in range(0, len(whole), 37):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        assert "claude-mem.db" in tried(memory, "claude-mem", path)[1]
