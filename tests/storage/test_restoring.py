"""A copy is brought back: nothing acknowledged is lost, a kill leaves a whole store, only ours come in."""

import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import apsw
import pytest

from memory_mcp.clock import SystemClock
from memory_mcp.config.settings import Settings
from memory_mcp.errors import DamagedError, NewerSchemaError, NotAStoreError
from memory_mcp.memory import Memory
from memory_mcp.models.recall import Query
from memory_mcp.storage import copies
from memory_mcp.storage.copies import Copy
from memory_mcp.storage.database import Database
from memory_mcp.storage.leftovers import clear, unfinished
from memory_mcp.storage.migrations import MIGRATIONS, migrate
from memory_mcp.storage.restoring import restore
from memory_mcp.storage.store import Store
from tests.conftest import OpenMemory
from tests.fakes import FrozenClock

NEWEST = MIGRATIONS[-1].number
WRITER = """
import sys
from pathlib import Path
from memory_mcp.clock import SystemClock
from memory_mcp.config.settings import Settings
from memory_mcp.errors import BusyError, StoreGoneError
from memory_mcp.notes.notebook import Notes
from memory_mcp.storage.store import Store
store, told, name, stop = Path(sys.argv[1]), open(sys.argv[2], "a"), sys.argv[3], Path(sys.argv[4])
number, opened = 0, None
while not stop.exists():
    number += 1
    try:
        opened = opened or Store.open(store, "here", Settings(), clock=SystemClock(), actor="writer")
        Notes(opened.notes, SystemClock(), "here").add(f"{name} {number}")
    except BusyError:
        continue
    except StoreGoneError:  # restored from a copy: a server opens it again
        opened.close()
        opened = None
        continue
    print(f"{name} {number}", file=told, flush=True)
"""
RESTORER = """
import sys
from pathlib import Path
from memory_mcp.clock import SystemClock
from memory_mcp.storage import copies
from memory_mcp.storage.restoring import restore
store, directory = Path(sys.argv[1]), Path(sys.argv[2])
print("ready", flush=True)
while True:
    for name in sys.argv[3:]:
        restore(store, copies.find(name, store, directory), directory, SystemClock(), lambda done, total: None)
"""
Make = Callable[[str], Path]


def start(code: str, *arguments: str, out: int = subprocess.DEVNULL) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", code, *arguments], stdout=out, text=True)


def brought_back(store: Path, source: Path) -> Copy | None:
    directory = store.parent / "backups"
    return restore(store, copies.find(str(source), store, directory), directory, SystemClock(), lambda *_: None)


def texts(path: Path) -> set[str]:
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        return {str(row[0]) for row in connection.execute("SELECT text FROM notes").fetchall()}
    finally:
        connection.close()


def left_in(*directories: Path) -> list[str]:
    return [path.name for each in directories for path in each.iterdir() if path.name.startswith(".")]


def test_what_others_write_while_copies_are_brought_back_is_in_the_store_or_in_a_copy(
    memory: Memory, tmp_path: Path
) -> None:
    store, directory, stop = memory.places.store, memory.places.home / "backups", tmp_path / "stop"
    memory.notes.add("at the beginning")
    copy = copies.create(memory.store.database, directory, SystemClock())
    told = [tmp_path / f"told-{number}" for number in range(4)]
    writers = [start(WRITER, str(store), str(path), path.name, str(stop)) for path in told]
    acknowledged: set[str] = set()
    restores = 0

    while restores < 15 or len(acknowledged) < 2_000:
        brought_back(store, Path(copy.path))
        restores += 1
        assert [writer.poll() for writer in writers] == [None] * 4
        acknowledged = {line for path in told if path.exists() for line in path.read_text().splitlines()}
    stop.touch()
    codes = [writer.wait(60) for writer in writers]

    acknowledged = {line for path in told for line in path.read_text().splitlines()}
    kept = set().union(*(texts(path) for path in directory.glob("before-restore-*.db")), texts(store))
    assert codes == [0, 0, 0, 0]
    assert len(acknowledged - kept) == 0, (len(acknowledged), restores)
    assert memory.store.is_intact()


def test_nothing_acknowledged_is_lost_when_restores_are_killed_while_others_write(
    memory: Memory, tmp_path: Path
) -> None:
    store, directory, stop = memory.places.store, memory.places.home / "backups", tmp_path / "stop"
    memory.notes.add("at the beginning")
    copy = copies.create(memory.store.database, directory, SystemClock())
    told, dice = [tmp_path / f"told-{number}" for number in range(2)], random.Random(5)  # noqa: S311 - moments of death
    writers = [start(WRITER, str(store), str(path), path.name, str(stop)) for path in told]

    for _ in range(10):
        with start(RESTORER, str(store), str(directory), copy.path, out=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(dice.random() * 0.3)
            process.kill()
    stop.touch()
    codes = [writer.wait(60) for writer in writers]

    acknowledged = {line for path in told for line in path.read_text().splitlines()}
    kept = set().union(*(texts(path) for path in directory.glob("before-restore-*.db")), texts(store))
    assert codes == [0, 0]
    assert len(acknowledged) > 100
    assert acknowledged - kept == set()
    assert memory.store.faults() == []


@pytest.mark.parametrize("others", ["nobody", "a server"])
def test_a_restore_that_is_killed_leaves_all_of_one_content_and_the_next_start_clears_up(
    open_memory: OpenMemory, clock: FrozenClock, others: str
) -> None:
    memory = open_memory()
    store, home, dice = memory.places.store, memory.places.home, random.Random(7)  # noqa: S311 - moments of death
    contents, names = [], []
    for name in ("first", "second"):
        for number in range(150):
            memory.notes.add(f"{name} {number} " + "x" * 500)
        clock.moment += 1_000_000
        names.append(copies.create(memory.store.database, home / "backups", clock).path)
        contents.append(texts(store))
    if others == "nobody":
        memory.close()
    seen = set()

    for _ in range(20):
        process = start(RESTORER, str(store), str(home / "backups"), *names, out=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.readline()
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(dice.random() * 0.2)
        process.kill()
        process.wait()
        process.stdout.close()
        seen.add(len(left_in(home, home / "backups")) > 0)
        opened = Store.open(store, "here", Settings(), clock=SystemClock(), actor="test")
        intact, found = opened.faults(), texts(store)
        opened.close()

        assert intact == []
        assert found in contents
        assert left_in(home, home / "backups") == []
        for path in (home / "backups").glob("before-restore-*.db"):
            assert copies.verify(copies.find(str(path), store, home / "backups")).faults == ()
            path.unlink()
    assert True in seen  # some died with unfinished files


def test_what_a_living_process_has_not_finished_is_left_alone(tmp_path: Path) -> None:
    with unfinished(tmp_path) as mine:
        mine.touch()
        clear(tmp_path)
        assert mine.exists()
    assert left_in(tmp_path) == []

    (tmp_path / ".restoring-12.db").touch()
    (tmp_path / "memory-1.part").touch()
    (tmp_path / ".unfinished-12-ab.lock").touch()
    (tmp_path / ".unfinished-12-ab.db-wal").touch()
    clear(tmp_path, tmp_path / "absent")
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_store_is_replaced_in_one_move(memory: Memory, tmp_path: Path) -> None:
    memory.notes.add("kept")
    copy = copies.create(memory.store.database, tmp_path, SystemClock())
    memory.close()
    store = memory.places.store
    store.write_bytes(b"no database " * 1_000)

    assert brought_back(store, Path(copy.path)) is None

    assert texts(store) == {"kept"}
    (aside,) = store.parent.glob("memory.db.damaged-*")
    assert aside.read_bytes().startswith(b"no database ")
    assert left_in(store.parent, store.parent / "backups") == []


def test_a_copy_is_brought_back_where_there_is_no_store_yet(memory: Memory, tmp_path: Path) -> None:
    memory.notes.add("kept")
    copy = copies.create(memory.store.database, tmp_path, SystemClock())
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "memory.db").touch()

    for directory in ("absent", "empty"):
        assert brought_back(tmp_path / directory / "memory.db", Path(copy.path)) is None
        assert texts(tmp_path / directory / "memory.db") == {"kept"}


def test_numbers_go_on_after_a_restore_so_that_no_cache_takes_a_new_state_for_one_that_it_knows(
    open_memory: OpenMemory, tmp_path: Path
) -> None:
    memory = open_memory()
    memory.notes.add("old")
    copy = copies.create(memory.store.database, tmp_path, SystemClock())
    gone, _ = memory.notes.add("gone")
    after = memory.store.head()

    brought_back(memory.places.store, Path(copy.path))
    _, receipt = memory.notes.add("new")

    assert receipt.sequence > after
    assert [hit.text for hit in memory.recall.search(Query("gone new old")).hits if hit.id == gone.id] == []


@pytest.fixture
def make(memory: Memory, tmp_path: Path) -> Make:
    """Make a copy of a store with some content that was changed by a script."""
    memory.notes.add("the build needs node 22", tags=["build"])
    memory.recall.search(Query("node"))
    made = copies.create(memory.store.database, tmp_path / "made", SystemClock())

    def changed(script: str) -> Path:
        path = tmp_path / "copy.db"
        shutil.copyfile(made.path, path)
        connection = apsw.Connection(str(path))
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute(script)
        connection.close()
        return path

    return changed


FOREIGN = {
    "its trigger greed is not ours": (
        "CREATE TRIGGER greed AFTER INSERT ON notes BEGIN DELETE FROM documents WHERE key <> new.key; END"
    ),
    "its view watch is not ours": "CREATE VIEW watch AS SELECT * FROM notes",
    "its table extra is not ours": "CREATE TABLE extra (x)",
    "its index more is not ours": "CREATE INDEX more ON notes (source)",
    "its index tags_by_name is missing": "DROP INDEX tags_by_name",
    "its trigger document_deleted is missing": "DROP TRIGGER document_deleted",
    "its table notes differs from that of memory-mcp": "ALTER TABLE notes ADD COLUMN more TEXT",
    "its trigger document_revised differs": (
        "DROP TRIGGER document_revised; CREATE TRIGGER document_revised AFTER UPDATE OF revision ON documents BEGIN"
        " SELECT 1; END"
    ),
    "its index episodes_by_task is missing": (
        "PRAGMA foreign_keys = OFF; DROP TABLE episodes; CREATE VIEW episodes AS SELECT 1"
    ),
    "its pages have 8192 bytes, ours 4096": "PRAGMA page_size = 8192; VACUUM",
    "its pages are laid out in another way": "PRAGMA auto_vacuum = FULL; VACUUM",
    "it is no store of memory-mcp": "PRAGMA application_id = 5",
    "it does not match schema 0": "PRAGMA user_version = 0",
    "it does not match schema -3": "PRAGMA user_version = -3",
    "it does not match schema 1": "PRAGMA user_version = 1",
    "its records have impossible numbers": (
        "INSERT INTO documents (key, id, kind, project_key, created_at) VALUES (9223372036854775807, 'x', 'note', 1, 1)"
    ),
}


@pytest.mark.parametrize(("reason", "script"), FOREIGN.items())
def test_a_file_whose_schema_is_not_exactly_ours_is_refused_with_the_first_difference(
    memory: Memory, make: Make, reason: str, script: str
) -> None:
    before = memory.store.counts()

    with pytest.raises(DamagedError, match=reason):
        brought_back(memory.places.store, make(script))

    assert memory.store.counts() == before
    assert left_in(memory.places.home, memory.places.home / "backups") == []


def test_a_newer_file_and_one_with_an_open_log_beside_it_are_refused(memory: Memory, make: Make) -> None:
    with pytest.raises(NewerSchemaError, match="is of a newer memory-mcp"):
        brought_back(memory.places.store, make(f"PRAGMA user_version = {NEWEST + 1}"))
    path = make("SELECT 1")
    path.with_name("copy.db-wal").write_bytes(b"x" * 100)
    with pytest.raises(DamagedError, match="a write-ahead log lies beside it"):
        brought_back(memory.places.store, path)


@pytest.mark.parametrize(
    "script",
    [
        "UPDATE sqlite_sequence SET seq = 9223372036854775807",
        "UPDATE sqlite_sequence SET seq = 'many'; INSERT INTO sqlite_sequence VALUES ('changes', -5)",
        "UPDATE changes SET sequence = 9223372036854775807 WHERE sequence = 1",
        "UPDATE changes SET sequence = -7 WHERE sequence = 1",
        "UPDATE followers SET followed = 9000000000",
        "UPDATE followers SET followed = 'far'",
        "UPDATE vectors SET vector = x'00'; UPDATE vector_sets SET dimension = 100000000",
        "UPDATE vectors SET vector = 'text'",
        "UPDATE vector_sets SET followed = 1 << 60, ready_at = 1",
        "INSERT INTO keywords_config VALUES ('rank', 'nothing()')",
        "ANALYZE",
    ],
)
def test_absurd_numbers_inside_a_copy_leave_a_store_that_writes_and_finds(
    memory: Memory, make: Make, script: str
) -> None:
    brought_back(memory.places.store, make(script))

    memory.notes.add("the deploy needs a token")

    assert [hit.text for hit in memory.recall.search(Query("node for the build")).hits] == ["the build needs node 22"]
    assert "the deploy needs a token" in {hit.text for hit in memory.recall.search(Query("token deploy")).hits}
    assert memory.store.faults() == []


def test_copies_of_every_schema_are_known_as_ours(tmp_path: Path, clock: FrozenClock, memory: Memory) -> None:
    for number in range(1, NEWEST + 1):
        path = tmp_path / f"schema-{number}.db"
        database = Database(path, busy_timeout_s=1)
        migrate(database, clock, MIGRATIONS[:number])
        database.close()

        assert copies.verify(copies.find(str(path), path, tmp_path)).faults == ()
        brought_back(memory.places.store, path)


def test_a_store_with_a_strange_trigger_is_not_migrated_and_one_with_a_users_view_is(
    tmp_path: Path, clock: FrozenClock
) -> None:
    path = tmp_path / "memory.db"
    database = Database(path, busy_timeout_s=1)
    migrate(database, clock, MIGRATIONS[:1])
    with database.write() as session:
        session.run("CREATE VIEW mine AS SELECT text FROM notes")
        session.run("CREATE TRIGGER greed AFTER INSERT ON notes BEGIN DELETE FROM documents; END")

    with pytest.raises(NotAStoreError, match="its trigger greed is not ours; remove that by hand"):
        migrate(database, clock)
    with database.write() as session:
        session.run("DROP TRIGGER greed")
    assert migrate(database, clock) == NEWEST
    database.close()


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
def test_a_copy_that_cannot_be_read_is_named(memory: Memory, make: Make) -> None:
    path = make("SELECT 1")
    path.chmod(0o000)

    with pytest.raises(DamagedError, match="Permission denied"):
        brought_back(memory.places.store, path)
