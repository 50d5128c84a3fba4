"""What the store makes of files: new, foreign, newer, damaged, locked, read-only and on a full disk."""

import os
import shutil
import sqlite3
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import apsw
import pytest

from memory_mcp.config.settings import Settings, StoreSettings
from memory_mcp.episodes.lifecycle import Episodes
from memory_mcp.errors import (
    BusyError,
    DamagedError,
    NewerSchemaError,
    NotAStoreError,
    StoreFullError,
    StoreGoneError,
)
from memory_mcp.memory import Memory
from memory_mcp.models.episodes import Step, StepError, StepSuccess, Success
from memory_mcp.models.recall import Query
from memory_mcp.storage.database import Database
from memory_mcp.storage.migrations import MIGRATIONS, Migration, migrate
from memory_mcp.storage.store import Store
from tests.conftest import OpenMemory
from tests.fakes import FrozenClock

NEWEST = MIGRATIONS[-1].number
AS_ROOT = os.geteuid() == 0


def open_store(path: Path, clock: FrozenClock, **settings: float) -> Store:
    return Store.open(path, "here", Settings(store=StoreSettings(**settings)), clock=clock, actor="test")  # type: ignore[arg-type]  # numbers


def run_elsewhere(code: str, *arguments: str, user: int | None = None) -> subprocess.CompletedProcess[str]:
    """Run Python in another process: two SQLite libraries in one process would drop each other's locks."""
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False, user=user
    )


def test_a_new_store_is_readable_by_its_owner_only(memory: Memory) -> None:
    path = memory.places.store

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(path.with_name("memory.db-wal").stat().st_mode) == 0o600


def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path, clock: FrozenClock) -> None:
    path = tmp_path / "memory.db"
    path.write_text("dear diary, " * 1000)

    with pytest.raises(NotAStoreError, match=r"memory\.db is not a database; move it away"):
        open_store(path, clock)

    assert path.read_text() == "dear diary, " * 1000


def test_a_database_of_something_else_is_refused_and_left_alone(tmp_path: Path, clock: FrozenClock) -> None:
    path = tmp_path / "memory.db"
    code = "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute('CREATE TABLE cats (name)')"
    run_elsewhere(code, str(path))
    before = path.read_bytes()

    with pytest.raises(NotAStoreError, match="something else"):
        open_store(path, clock)

    assert path.read_bytes() == before


def test_a_newer_schema_is_refused_with_the_way_out(tmp_path: Path, clock: FrozenClock) -> None:
    path = tmp_path / "memory.db"
    store = open_store(path, clock)
    migrate(store.database, clock, (*MIGRATIONS, Migration(NEWEST + 1, "later", ("CREATE TABLE later (x)",))))
    store.close()

    with pytest.raises(
        NewerSchemaError, match=rf"has schema {NEWEST + 1}, this memory-mcp knows up to {NEWEST}; upgrade"
    ):
        open_store(path, clock)


def test_a_migration_keeps_a_copy_and_its_record(tmp_path: Path, clock: FrozenClock) -> None:
    path = tmp_path / "memory.db"
    store = open_store(path, clock)
    later = Migration(NEWEST + 1, "later", ("CREATE TABLE later (x)",))

    assert migrate(store.database, clock, (*MIGRATIONS, later)) == NEWEST + 1
    assert migrate(store.database, clock, (*MIGRATIONS, later)) == NEWEST + 1

    copies = list(tmp_path.glob(f"memory.db.before-{NEWEST + 1}-*"))
    assert len(copies) == 1
    with store.database.read() as session:
        assert session.rows("SELECT number, name FROM migrations") == [
            *((each.number, each.name) for each in MIGRATIONS),
            (NEWEST + 1, "later"),
        ]
    store.close()
    reopened = open_store(copies[0], clock)
    assert reopened.schema == NEWEST
    reopened.close()


def test_a_failed_migration_changes_nothing(tmp_path: Path, clock: FrozenClock) -> None:
    store = open_store(tmp_path / "memory.db", clock)
    broken = Migration(NEWEST + 1, "broken", ("CREATE TABLE half (x)", "INSERT INTO half VALUES (1)"))
    clash = Migration(NEWEST + 2, "clash", ("CREATE TABLE half (x)",))

    with pytest.raises(apsw.SQLError, match="table half already exists"):
        migrate(store.database, clock, (*MIGRATIONS, broken, clash))

    with store.database.read() as session:
        assert session.value("SELECT count(*) FROM sqlite_schema WHERE name = 'half'") == 0
        assert session.value("PRAGMA user_version") == NEWEST
    store.close()


def test_a_store_of_the_first_schema_is_upgraded_with_its_records_and_learns(
    tmp_path: Path, clock: FrozenClock, open_memory: OpenMemory
) -> None:
    path = tmp_path / "home" / "memory.db"
    database = Database(path, busy_timeout_s=5)
    migrate(database, clock, MIGRATIONS[:1])
    with database.write() as session:
        session.run("INSERT INTO projects (name, created_at) VALUES ('here', 1)")
    database.close()

    memory = open_memory()
    episode, _ = memory.episodes.start("a task")
    memory.episodes.append(episode.id, [Step("bash", "pytest a.py", result=StepError("KeyError: user"))])
    memory.learning.complete(episode.id, Success())

    assert memory.store.schema == NEWEST
    assert [failed.action for _, failed in memory.store.digests.latest_failures(3)] == ["pytest a.py"]
    assert memory.store.is_intact()


def test_two_processes_may_open_a_new_file_at_the_same_moment(tmp_path: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path; from memory_mcp.memory import Memory\n"
        "sys.stdin.readline()\n"
        "with Memory.open(os.environ, Path.cwd(), actor='race') as memory:\n"
        " print(memory.episodes.start('t')[1].sequence)"
    )
    environment = {**os.environ, "MEMORY_MCP_HOME": str(tmp_path / "home"), "MEMORY_MCP_PROJECT_NAME": "race"}
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )
        for _ in range(6)
    ]
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    answers = [racer.communicate(timeout=60) for racer in racers]

    assert [stderr for _, stderr in answers] == [""] * 6
    assert sorted(int(stdout) for stdout, _ in answers) == [1, 2, 3, 4, 5, 6]


def test_a_locked_file_is_a_busy_error_that_names_the_path(open_memory: OpenMemory) -> None:
    patient = open_memory()
    hasty = open_memory(busy_timeout_s=0.05)

    with patient.store.database.write(), pytest.raises(BusyError, match=r"memory\.db is busy: .* 0\.05 s"):
        hasty.episodes.start("a task")

    assert hasty.episodes.start("a task")[1].sequence == 1


@pytest.mark.skipif(not AS_ROOT, reason="a full disk is made by mounting a small one, which needs root")
def test_a_full_disk_is_a_clear_error_and_nothing_written_before_is_lost(tmp_path: Path, clock: FrozenClock) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(disk)], check=False)
    if mounted.returncode:
        pytest.skip("this machine does not let root mount a tmpfs")
    try:
        store = open_store(disk / "memory.db", clock)
        episodes = Episodes(store.episodes, clock, "here")
        episode, _ = episodes.start("fill the disk")
        kept = 0
        with pytest.raises(StoreFullError, match=r"no room left for .*memory\.db; nothing of this change was kept"):
            while True:
                episodes.append(episode.id, [Step("bash", "cat big", result=StepSuccess("x" * 200_000))])
                kept += 1
        assert len(episodes.get(episode.id).steps) == kept
        store.close()
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


@pytest.mark.skipif(not AS_ROOT, reason="needs root to become a user without rights")
def test_a_read_only_store_is_read_and_refuses_writes_with_a_sentence(tmp_path: Path, memory: Memory) -> None:
    note, _ = memory.notes.add("the deploy key lives in the vault")
    memory.recall.search(Query("deploy key"))
    memory.close()
    public = Path("/tmp") / f"memory-mcp-read-only-{os.getpid()}"  # noqa: S108 - pytest's own is closed to other users
    shutil.copytree(tmp_path / "home", public)
    public.chmod(0o555)
    (public / "memory.db").chmod(0o444)
    code = (
        "import os; os.setuid(65534)\n"
        "from memory_mcp.errors import ReadOnlyStoreError\n"
        "from memory_mcp.models.recall import Query\n"
        "import sys; from pathlib import Path; from memory_mcp.memory import Memory\n"
        "environment = {'MEMORY_MCP_HOME': sys.argv[1], 'MEMORY_MCP_PROJECT_NAME': 'here'}\n"
        "memory = Memory.open(environment, Path('/'), actor='test')\n"
        "print(memory.notes.list().notes[0].id, memory.recall.search(Query('deploy key')).hits[0].id)\n"
        "try: memory.notes.add('more')\n"
        "except ReadOnlyStoreError as error: print(error)\n"
    )
    preload = (  # that user cannot read the directory of the package
        "import numpy, encodings.idna, urllib.parse, importlib, pkgutil, memory_mcp\n"
        "for each in pkgutil.walk_packages(memory_mcp.__path__, 'memory_mcp.'): importlib.import_module(each.name)\n"
    )
    try:
        done = run_elsewhere(preload + code, str(public))
    finally:
        public.chmod(0o755)
        shutil.rmtree(public)

    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        f"{note.id} {note.id}",
        f"{public}/memory.db is read-only; make it and its directory writable to record anything",
    ]


def test_a_flipped_bit_is_found_and_the_rest_is_served(memory: Memory, open_memory: OpenMemory) -> None:
    good, _ = memory.episodes.start("a good one")
    bad, _ = memory.episodes.start("a bad one")
    with memory.store.database.write() as session:
        session.run("UPDATE episodes SET task = 'a bed one' WHERE task = 'a bad one'")

    page = memory.episodes.list()

    assert [row.id for row in page.episodes] == [good.id]
    assert page.damaged == 1
    with pytest.raises(DamagedError, match=f"episode {bad.id} does not match its checksum"):
        open_memory().episodes.get(bad.id)
    assert memory.episodes.get(bad.id) == bad, "who has it at hand still serves what was written"
    assert memory.store.counts()["damaged"] == 1


def test_another_sqlite_in_another_process_reads_the_file(memory: Memory) -> None:
    episode, _ = memory.episodes.start("readable by any SQLite")
    path = memory.places.store
    memory.close()

    code = "import sqlite3, sys; print(sqlite3.connect(sys.argv[1]).execute('SELECT task FROM episodes').fetchall())"
    done = run_elsewhere(code, str(path))

    assert done.stdout.strip() == "[('readable by any SQLite',)]"
    assert episode.task == "readable by any SQLite"
    assert sqlite3.sqlite_version  # the standard library's engine, told apart from ours


LIBSQL = """
import sys, libsql
connection = libsql.connect(sys.argv[1])
print(connection.execute("SELECT task FROM episodes").fetchall())
print(connection.execute("SELECT count(*) FROM keywords WHERE keywords MATCH 'readable'").fetchall())
connection.execute("UPDATE documents SET revision = revision + 1")
connection.commit()
"""
LIBSQL_PYTHON = Path(os.environ.get("MEMORY_MCP_TEST_LIBSQL", "absent"))


@pytest.mark.skipif(
    not LIBSQL_PYTHON.exists(), reason="needs a Python with libsql: set MEMORY_MCP_TEST_LIBSQL, as .ci/run does"
)
def test_libsql_reads_searches_and_writes_the_file(memory: Memory) -> None:
    memory.episodes.start("readable by libSQL")
    memory.recall.search(Query("readable"))
    memory.close()

    command = [str(LIBSQL_PYTHON), "-c", LIBSQL, str(memory.places.store)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.stdout == "[('readable by libSQL',)]\n[(1,)]\n", done.stderr
    assert memory.store.head() == 2
    assert memory.store.is_intact()


def test_every_change_has_one_sequence_number_and_one_audit_row(memory: Memory) -> None:
    episode, created = memory.episodes.start("count me")
    appended = memory.episodes.append(episode.id, [Step("bash", "ls")])
    deleted = memory.episodes.delete(episode.id)

    assert [created.sequence, appended.sequence, deleted.sequence] == [1, 2, 3]
    assert [(action, sequence) for _, _, action, sequence in memory.store.audit(episode.id)] == [
        ("create", 1),
        ("append_steps", 2),
        ("delete", 3),
    ]


def test_a_deletion_reaches_every_table_and_index(memory: Memory) -> None:
    episode, _ = memory.episodes.start("the zebra crossing task")
    memory.episodes.append(episode.id, [Step("bash", "zebra")])
    assert [hit.id for hit in memory.recall.search(Query("zebra")).hits] == [episode.id]

    memory.episodes.delete(episode.id)

    assert memory.recall.search(Query("zebra")).hits == ()
    with memory.store.database.read() as session:
        tables = ("documents", "episodes", "steps", "tags", "vectors", "keywords_docsize")
        assert {table: session.value(f"SELECT count(*) FROM {table}") for table in tables} == dict.fromkeys(tables, 0)


def test_reading_a_log_that_was_cut_reports_the_cut(memory: Memory) -> None:
    memory.notes.add("one")
    os.truncate(memory.places.store.with_name("memory.db-wal"), 0)

    with pytest.raises(StoreGoneError, match="was cut short while it was in use"), ThreadPoolExecutor(1) as pool:
        pool.submit(memory.notes.list).result()  # another thread has another connection, whose pages are not cached


BEGIN = """
import sys
from pathlib import Path
from memory_mcp.storage.database import Database
print("ready", flush=True)
go = Path(sys.argv[2])
while not go.exists():
    pass
Database(Path(sys.argv[1]), busy_timeout_s=30).close()
"""


@pytest.mark.parametrize("round_", range(4))
def test_processes_that_begin_a_new_store_at_the_same_moment_wait_for_each_other(tmp_path: Path, round_: int) -> None:
    go = tmp_path / f"go-{round_}"
    command = [sys.executable, "-c", BEGIN, str(tmp_path / "memory.db"), str(go)]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(6)]
    for process in processes:
        assert process.stdout is not None
        process.stdout.readline()

    go.touch()

    assert [process.communicate()[1] for process in processes] == [""] * 6
