"""`memory-cli backup`: copies while servers run, checked, and brought back."""

import os
import stat
from pathlib import Path

import pytest

from memory_cli.opening import scratch_environ
from memory_cli.servers import Server
from memory_mcp.clock import SystemClock
from memory_mcp.storage.database import Database
from memory_mcp.storage.migrations import MIGRATIONS, migrate
from tests.cli.conftest import Run, as_json


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def texts(run: Run) -> list[str]:
    return [note["text"] for note in as_json(run("note", "list", "--json"))["notes"]]


def test_a_copy_is_made_listed_checked_and_brought_back(run: Run, home: Path) -> None:
    run("note", "add", "before")
    made = as_json(run("backup", "create", "--json"))
    run("note", "add", "after")
    run("episode", "search", "anything")  # indexes, and fills the cache

    (listed,) = as_json(run("backup", "list", "--json"))
    told = run("backup", "verify").stdout
    restored = run("backup", "restore", Path(made["path"]).name, "--yes").stdout

    assert listed == made
    assert made["origin"] == "backup"
    assert f"good, schema {MIGRATIONS[-1].number}" in told
    assert "what was there before:" in restored
    assert texts(run) == ["before"]
    assert stat.S_IMODE(Path(made["path"]).stat().st_mode) == 0o600
    assert {each["origin"] for each in as_json(run("backup", "list", "--json"))} == {"backup", "before restore"}
    assert [path.name for path in (home / "backups").iterdir() if path.name.startswith(".")] == []


def test_a_restore_can_be_undone_by_the_copy_that_it_made(run: Run) -> None:
    run("note", "add", "one")
    made = as_json(run("backup", "create", "--json"))
    run("note", "add", "two")
    run("backup", "restore", made["path"], "--yes")

    (undo,) = [each for each in as_json(run("backup", "list", "--json")) if each["origin"] == "before restore"]
    run("backup", "restore", undo["path"], "--yes")

    assert texts(run) == ["two", "one"]


def test_a_running_server_sees_what_was_restored_and_goes_on_writing(run: Run, home: Path) -> None:
    run("note", "add", "before the copy")
    made = as_json(run("backup", "create", "--json"))
    with Server(scratch_environ(os.environ, home, "desk")) as server:
        server.call("remember_note", text="after the copy")
        assert len(server.call("query_memory", query="copy")["hits"]) == 2

        run("backup", "restore", made["path"], "--yes")

        assert [hit["text"] for hit in server.call("query_memory", query="copy")["hits"]] == ["before the copy"]
        server.call("remember_note", text="written after the restore of the copy")
    assert texts(run) == ["written after the restore of the copy", "before the copy"]


def test_a_copy_that_was_changed_is_found_and_not_restored(run: Run) -> None:
    run("note", "add", "before")
    made = as_json(run("backup", "create", "--json"))
    content = bytearray(Path(made["path"]).read_bytes())
    content[5_000] ^= 0xFF
    Path(made["path"]).write_bytes(content)

    assert "does not match its checksum" in run("backup", "verify", code=1).stdout
    result = run("backup", "restore", made["path"], "--yes", code=1)

    assert "is no good: it does not match its checksum" in str(result.exception)
    assert texts(run) == ["before"]


def test_a_damaged_memory_is_set_aside_and_the_copy_takes_its_place(run: Run, home: Path) -> None:
    run("note", "add", "before")
    made = as_json(run("backup", "create", "--json"))
    (home / "memory.db").write_bytes(b"no database " * 1_000)

    run("backup", "restore", made["path"], "--yes")

    assert texts(run) == ["before"]
    (aside,) = home.glob("memory.db.damaged-*")
    assert aside.read_bytes().startswith(b"no database ")


def test_what_was_kept_before_a_migration_is_listed_and_brought_to_the_newest_schema(run: Run, home: Path) -> None:
    old = Database(home / "memory.db", busy_timeout_s=1)
    migrate(old, SystemClock(), MIGRATIONS[:2])
    old.close()
    run("note", "add", "new")  # migrates, with a copy before

    (kept,) = as_json(run("backup", "list", "--json"))
    run("backup", "restore", kept["path"], "--yes")

    assert kept["origin"] == "before migration"
    assert "good, schema 2" in run("backup", "verify", kept["path"]).stdout
    assert texts(run) == []
    assert f"schema {MIGRATIONS[-1].number}" in run("health").stdout


def test_an_absent_copy_and_an_empty_list_say_what_to_do(run: Run) -> None:
    assert "Make one with 'memory-cli backup create'" in run("backup", "list").stdout
    result = run("backup", "restore", "nothing.db", "--yes", code=1)
    assert "there is no copy nothing.db; 'memory-cli backup list' shows those there are" in str(result.exception)
