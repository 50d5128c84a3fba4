"""What was acknowledged stays readable when the file of a store is moved while it is open."""

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from memory_mcp.errors import StoreError, StoreGoneError
from memory_mcp.memory import Memory
from memory_mcp.storage.database import Database
from tests.conftest import OpenMemory

Move = Callable[[Path], Path]

IDS = """
import sys
from pathlib import Path
from memory_mcp.errors import MemoryMcpError
from memory_mcp.storage.database import Database
try:
    database = Database(Path(sys.argv[1]), busy_timeout_s=1)
    with database.read() as session:
        print(*(row[0] for row in session.rows("SELECT id FROM documents WHERE kind = 'episode'")), sep="\\n")
    database.close()
except MemoryMcpError as error:
    print(error)
"""

WRITER = """
import sys
from pathlib import Path
from memory_mcp.config.places import places
from memory_mcp.config.settings import EmbeddingSettings, Settings, StoreSettings
from memory_mcp.errors import StoreGoneError
from memory_mcp.memory import Memory
home = Path(sys.argv[1])
settings = Settings(store=StoreSettings(home=str(home)), embeddings=EmbeddingSettings(provider="hash"))
memory = Memory(settings, places(settings, settings_file=home / "none.toml"), "here", actor="writer")
for line in sys.stdin:
    try:
        print(memory.episodes.start(line)[0].id, flush=True)
    except StoreGoneError as error:
        print(error, flush=True)
        memory = memory.reopened()
memory.close()
"""

READER = """
import sys
import apsw
connection = apsw.Connection(sys.argv[1])
connection.execute("BEGIN").fetchall()
print(connection.execute("SELECT count(*) FROM documents").get, flush=True)
sys.stdin.readline()
"""


class Process:
    """A process that answers each line that it is sent with one line."""

    def __init__(self, code: str, *arguments: str) -> None:
        self.popen = subprocess.Popen(
            [sys.executable, "-c", code, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def read(self) -> str:
        assert self.popen.stdout is not None
        return self.popen.stdout.readline().strip()

    def ask(self, line: str) -> str:
        assert self.popen.stdin is not None
        self.popen.stdin.write(f"{line}\n")
        self.popen.stdin.flush()
        return self.read()

    def kill(self) -> None:
        self.popen.send_signal(signal.SIGKILL)
        self.popen.communicate()

    def end(self) -> None:
        self.popen.communicate()


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """The path at which a store is used."""
    return tmp_path / "home" / "memory.db"


@pytest.fixture
def writer(store: Path) -> Iterator[Process]:
    """A process that records an episode for each line that it is sent."""
    process = Process(WRITER, str(store.parent))
    yield process
    process.kill()


def log_of(path: Path) -> Path:
    return path.with_name(f"{path.name}-wal")


def told(path: Path) -> list[str]:
    """Return the episodes that a fresh process finds in a store, or the sentence of its refusal."""
    done = subprocess.run([sys.executable, "-c", IDS, str(path)], capture_output=True, text=True, check=True)
    return sorted(done.stdout.split("\n")[:-1])


def fold_by_sqlite(store: Path) -> None:
    code = "import apsw, sys; apsw.Connection(sys.argv[1]).execute('PRAGMA wal_checkpoint(TRUNCATE)').fetchall()"
    subprocess.run([sys.executable, "-c", code, str(store)], check=True)


def rename(store: Path) -> Path:
    return store.rename(store.with_name("real.db"))


def rename_into_another_directory(store: Path) -> Path:
    other = store.parent.with_name("elsewhere")
    other.mkdir()
    return store.rename(other / "real.db")


def rename_and_link(store: Path) -> Path:
    real = rename(store)
    store.symlink_to(real)
    return real


def rename_into_another_directory_and_link(store: Path) -> Path:
    real = rename_into_another_directory(store)
    store.symlink_to(real)
    return real


def rename_and_link_twice(store: Path) -> Path:
    """Leave a link to the name that is left in use, which is a link by then."""
    between = store.rename(store.with_name("between.db"))
    real = between.rename(store.with_name("real.db"))
    store.symlink_to("between.db")
    between.symlink_to("real.db")
    return real


MOVES = [rename, rename_into_another_directory]
HELD_UP = r"memory\.db-wal holds changes of .*\.db that could not be brought into it"
LINKS = [rename_and_link, rename_into_another_directory_and_link, rename_and_link_twice]


def record(memory: Memory, count: int = 3) -> list[str]:
    return sorted(memory.episodes.start(f"task {number}")[0].id for number in range(count))


@contextmanager
def reading_thread(memory: Memory) -> Iterator[None]:
    """Hold a snapshot in another thread, as it was before an episode that is recorded now."""
    begun, finished = threading.Event(), threading.Event()

    def hold() -> None:
        with memory.store.database.read() as session:
            session.value("SELECT count(*) FROM documents")
            begun.set()
            finished.wait(60)

    with ThreadPoolExecutor(1) as pool:
        held = pool.submit(hold)
        begun.wait(60)
        try:
            yield
        finally:
            finished.set()
            held.result()


@contextmanager
def reading_process(store: Path) -> Iterator[None]:
    """Hold a snapshot of an empty store in another process."""
    process = Process(READER, str(store))
    try:
        assert process.read() == "0"
        yield
    finally:
        process.end()


@pytest.mark.parametrize("move", MOVES + LINKS)
def test_a_thread_without_a_connection_that_notices_a_move_loses_nothing(memory: Memory, move: Move) -> None:
    ids = record(memory)
    real = move(memory.places.store)

    with ThreadPoolExecutor(1) as pool, pytest.raises(StoreGoneError):
        pool.submit(memory.episodes.list).result()
    memory.reopened().close()

    assert told(real) == ids


@pytest.mark.parametrize("move", MOVES + LINKS)
def test_a_reader_in_another_thread_delays_opening_again_and_loses_nothing(open_memory: OpenMemory, move: Move) -> None:
    memory = open_memory(busy_timeout_s=0.2)
    with reading_thread(memory):
        ids = record(memory)
        real = move(memory.places.store)

        for _ in range(2):
            with pytest.raises(StoreGoneError, match=HELD_UP):
                memory.episodes.start("not acknowledged")
            with pytest.raises(StoreGoneError, match=HELD_UP):
                memory.reopened()

    memory.reopened().close()
    assert told(real) == ids


@pytest.mark.parametrize("move", MOVES + LINKS)
def test_a_reader_in_another_process_delays_opening_again_and_loses_nothing(
    open_memory: OpenMemory, move: Move
) -> None:
    memory = open_memory(busy_timeout_s=0.2)
    with reading_process(memory.places.store):
        ids = record(memory)
        real = move(memory.places.store)

        with pytest.raises(StoreGoneError, match=HELD_UP):
            memory.episodes.start("not acknowledged")
        with pytest.raises(StoreGoneError, match=HELD_UP):
            memory.reopened()

    memory.reopened().close()
    assert told(real) == ids


@pytest.mark.parametrize("move", MOVES + LINKS)
def test_closing_a_store_that_was_moved_unnoticed_loses_nothing(memory: Memory, move: Move) -> None:
    ids = record(memory)
    real = move(memory.places.store)

    memory.close()

    assert told(real) == ids


def test_a_write_that_waited_for_the_lock_while_the_store_was_moved_is_not_kept(memory: Memory) -> None:
    ids = record(memory)
    with memory.store.database.read() as session:
        connection = session._connection  # noqa: SLF001 - nothing else tells that a transaction begins

    def move(_: object, sql: str, __: object) -> bool:
        if sql == "BEGIN IMMEDIATE":
            rename_and_link(memory.places.store)
        return True

    connection.exec_trace = move
    with pytest.raises(StoreGoneError):
        memory.episodes.start("too late")
    memory.reopened().close()

    assert told(memory.places.store) == ids


@pytest.mark.parametrize("move", LINKS)
def test_a_write_in_the_middle_of_a_move_is_acknowledged_if_the_link_leads_to_it(memory: Memory, move: Move) -> None:
    ids = record(memory)

    with memory.store.database.write() as session:
        session.run("UPDATE documents SET id = 'renamed' WHERE id = ?", (ids[0],))
        real = move(memory.places.store)
    memory.reopened().close()

    assert told(real) == sorted(["renamed", *ids[1:]])


def test_a_write_in_the_middle_of_a_move_is_not_acknowledged_if_the_path_leads_nowhere(memory: Memory) -> None:
    with pytest.raises(StoreGoneError, match="while this was written"), memory.store.database.write() as session:
        session.run("DELETE FROM documents")
        rename(memory.places.store)


@pytest.mark.parametrize("move", LINKS)
def test_a_log_that_a_killed_process_left_beside_a_link_is_folded_into_the_moved_file(
    writer: Process, store: Path, move: Move
) -> None:
    ids = sorted(writer.ask(f"task {number}") for number in range(3))
    real = move(store)
    writer.kill()

    assert told(store) == ids
    assert told(real) == ids
    assert not log_of(store).exists()


@pytest.mark.parametrize("move", MOVES)
def test_a_log_that_a_killed_process_left_of_a_moved_file_is_kept_and_named(
    writer: Process, store: Path, move: Move
) -> None:
    ids = sorted(writer.ask(f"task {number}") for number in range(3))
    real = move(store)
    writer.kill()

    assert [f"{store} is gone, but {log_of(store)} holds changes of it" in line for line in told(store)] == [True]
    real.rename(store)

    assert told(store) == ids


def copy_and_link(store: Path) -> Path:
    """Do what `mv` does between two file systems."""
    real = Path(shutil.copy(store, store.with_name("real.db")))
    store.unlink()
    store.symlink_to(real)
    return real


def test_a_store_that_a_link_to_its_copy_replaced_keeps_what_its_log_held(memory: Memory, store: Path) -> None:
    ids = record(memory)
    fold_by_sqlite(store)
    ids += record(memory)
    real = copy_and_link(store)

    with pytest.raises(StoreGoneError, match="was replaced by another file"):
        memory.episodes.list()
    memory.reopened().close()

    assert told(real) == sorted(ids)


def test_closing_a_store_that_a_link_to_its_copy_replaced_loses_nothing(memory: Memory, store: Path) -> None:
    ids = record(memory)
    copy_and_link(store)

    memory.close()

    assert told(store) == ids


def test_processes_that_open_a_moved_store_at_the_same_moment_all_see_it_whole(writer: Process, store: Path) -> None:
    ids = sorted(writer.ask(f"task {number}") for number in range(3))
    rename_and_link(store)
    writer.kill()

    with ThreadPoolExecutor(6) as pool:
        seen = list(pool.map(told, [store] * 6))

    assert seen == [ids] * 6


def test_an_idle_process_and_a_fresh_one_agree_about_a_moved_store(writer: Process, store: Path) -> None:
    ids = sorted(writer.ask(f"task {number}") for number in range(3))
    real = rename_and_link(store)

    assert told(store) == ids
    assert "call again" in writer.ask("refused once")
    later = writer.ask("kept")
    writer.end()

    assert told(store) == told(real) == sorted([*ids, later])


def test_opening_waits_for_a_write_that_began_before_the_move(memory: Memory, store: Path) -> None:
    ids = record(memory)
    fold_by_sqlite(store)

    with memory.store.database.write() as session:
        session.run("UPDATE documents SET id = 'renamed' WHERE id = ?", (ids[0],))
        real = rename_and_link(store)
        assert log_of(store).stat().st_size == 0
        (said,) = told(store)
    memory.reopened().close()

    assert f"{log_of(store)} holds changes of {real} that cannot be brought into it" in said
    assert told(store) == sorted(["renamed", *ids[1:]])


def test_several_processes_go_on_although_only_one_notices_the_move_at_first(
    writer: Process, store: Path, memory: Memory
) -> None:
    ids = [writer.ask("first"), *record(memory), writer.ask("second")]
    rename_and_link(store)

    with pytest.raises(StoreGoneError):
        memory.episodes.list()
    reopened = memory.reopened()
    ids += record(reopened)
    assert "call again" in writer.ask("refused once")
    ids += [writer.ask("third"), *record(reopened), writer.ask("fourth")]
    reopened.close()
    writer.end()

    assert told(store) == sorted(ids)


def test_a_log_of_another_store_beside_a_link_is_refused_and_changes_nothing(
    writer: Process, store: Path, another_home: OpenMemory
) -> None:
    other = another_home()
    record(other)
    other.close()
    writer.ask("a task")
    writer.kill()
    store.rename(store.with_name("away.db"))
    store.symlink_to(other.places.store)
    before = other.places.store.read_bytes()

    (said,) = told(store)

    assert f"{log_of(store)} holds changes of another file than {other.places.store}" in said
    assert other.places.store.read_bytes() == before
    assert log_of(store).stat().st_size > 0


def test_two_logs_of_one_store_are_refused_with_both_names(writer: Process, store: Path) -> None:
    writer.ask("a task")
    real = rename_and_link(store)
    writer.kill()
    code = (
        "import apsw, os, sys\n"
        "connection = apsw.Connection(sys.argv[1])\n"
        "connection.execute('CREATE TABLE odd (a)').fetchall()\n"
        "os.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", code, str(real)], check=False)

    (said,) = told(store)

    assert f"{log_of(store)} and {log_of(real)} both hold changes of {real}" in said


@pytest.mark.parametrize(
    "change",
    [
        "CREATE TABLE odd (a)",
        "INSERT INTO changes (document_key, kind, id) VALUES (1, 'episode', 'another')",
        "UPDATE changes SET id = 'another' WHERE sequence = (SELECT max(sequence) FROM changes)",
    ],
)
def test_a_log_is_not_folded_into_a_file_that_has_changed_since(writer: Process, store: Path, change: str) -> None:
    writer.ask("in the file")
    fold_by_sqlite(store)
    writer.ask("in the log")
    real = rename_and_link(store)
    writer.kill()
    code = "import apsw, sys; apsw.Connection(sys.argv[1]).execute(sys.argv[2]).fetchall()"
    subprocess.run([sys.executable, "-c", code, str(real), change], check=True)
    before = real.read_bytes()

    (said,) = told(store)

    assert f"{log_of(store)} holds changes of another file than {real}" in said
    assert real.read_bytes() == before
    assert log_of(store).stat().st_size > 0


def test_a_log_whose_store_was_replaced_by_an_empty_link_target_is_kept(writer: Process, store: Path) -> None:
    writer.ask("a task")
    rename(store)
    writer.kill()
    store.symlink_to(store.with_name("new.db"))

    (said,) = told(store)

    assert f"{log_of(store)} holds changes" in said
    assert log_of(store).stat().st_size > 0


def test_opening_refuses_a_log_without_its_store_with_a_typed_error(store: Path) -> None:
    store.parent.mkdir()
    log_of(store).write_bytes(b"changes")

    with pytest.raises(StoreError, match="put that file back"):
        Database(store, busy_timeout_s=1)

    assert log_of(store).read_bytes() == b"changes"
    assert not store.exists()


SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - a file system beside that of the temporary files


@pytest.mark.skipif(not os.access(SHARED_MEMORY, os.W_OK), reason="needs a second file system")
def test_a_store_that_was_moved_to_another_file_system_is_refused_until_its_log_follows(
    writer: Process, store: Path
) -> None:
    ids = sorted(writer.ask(f"task {number}") for number in range(3))
    target = SHARED_MEMORY / f"memory-mcp-{os.getpid()}.db"
    try:
        subprocess.run(["mv", str(store), str(target)], check=True)
        store.symlink_to(target)
        writer.kill()

        (said,) = told(store)
        assert f"{log_of(store)} holds changes of {target}" in said
        subprocess.run(["mv", str(log_of(store)), str(log_of(target))], check=True)
        store.with_name("memory.db-shm").unlink()

        assert told(store) == ids
    finally:
        for path in target.parent.glob(f"{target.name}*"):
            path.unlink()
