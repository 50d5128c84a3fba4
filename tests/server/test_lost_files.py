"""What a running server does when its store is deleted, moved, replaced, overwritten or cut under it."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from memory_mcp.errors import StoreGoneError
from memory_mcp.memory import Memory
from tests.conftest import OpenMemory
from tests.server.conftest import RawServer

Start = Callable[..., RawServer]
Fault = Callable[[Path], None]
AS_ROOT = os.geteuid() == 0
IDS = """
import os, sys
from pathlib import Path
from memory_mcp.errors import StoreGoneError
from memory_mcp.memory import Memory
from memory_mcp.errors import MemoryMcpError
try:
    with Memory.open(os.environ, Path("/"), actor="reader") as memory:
        for id in sys.argv[1:]:
            print(memory.episodes.get(memory.store.ids.full(id)).id)
except MemoryMcpError as error:
    print(error)
"""


class Client:
    """A server at work, and the ids of what it has acknowledged."""

    def __init__(self, server: RawServer, store: Path) -> None:
        self.server = server
        self.store = store
        self.acknowledged: list[str] = []
        self.refusals: list[str] = []
        self._calls = 0
        server.begin()

    def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        self._calls += 1
        result = self.server.call(self._calls, tool, **arguments)
        content: dict[str, Any] = result["structuredContent"]
        return content

    def record(self) -> str | None:
        """Begin an episode; return its id if that was acknowledged."""
        answer = self.call(
            "create_episode", task_description=f"task {self._calls}", task_type="bugfix", domain="faults"
        )
        if "error" in answer:
            assert "failed inside" not in answer["error"]
            self.refusals.append(answer["error"])
            return None
        self.acknowledged.append(answer["episode_id"])
        return self.acknowledged[-1]

    def record_until_acknowledged(self) -> str:
        for _ in range(3):
            made = self.record()
            if made is not None:
                return made
        pytest.fail(f"three calls were refused: {self.refusals}")

    def unreadable(self, ids: list[str]) -> list[str]:
        """Return which of some episodes a fresh process does not find by the path."""
        done = subprocess.run(
            [sys.executable, "-c", IDS, *ids],
            capture_output=True,
            text=True,
            check=True,
            env=self.server.environment,
        )
        found = {line[-8:] for line in done.stdout.splitlines()}
        return [each for each in ids if each[-8:] not in found]


@pytest.fixture
def client(raw: Start, tmp_path: Path) -> Client:
    """A server that has recorded five episodes."""
    client = Client(raw(), tmp_path / "home" / "memory.db")
    for _ in range(5):
        assert client.record(), client.refusals
    return client


@pytest.fixture
def other_store(another_home: OpenMemory) -> tuple[Path, str]:
    """Another store, closed, with the id of its episode; it knows no project that the server is in."""
    memory: Memory = another_home(project="elsewhere")
    episode, _ = memory.episodes.start("another life")
    memory.close()
    return memory.places.store, episode.id


def side_files(store: Path) -> list[Path]:
    return [store.with_name(store.name + ending) for ending in ("-wal", "-shm")]


def delete(store: Path) -> None:
    store.unlink()


def delete_all(store: Path) -> None:
    for path in [store, *side_files(store)]:
        path.unlink()


def rename_directory(store: Path) -> None:
    store.parent.rename(store.parent.with_name("moved"))


def replace_by_directory(store: Path) -> None:
    delete_all(store)
    store.mkdir()


def replace_by_dangling_link(store: Path) -> None:
    delete_all(store)
    store.symlink_to(store.parent / "no" / "where.db")


@pytest.mark.parametrize("fault", [delete, delete_all, rename_directory])
def test_a_deleted_store_is_reported_once_and_then_created_again(client: Client, fault: Fault) -> None:
    before = list(client.acknowledged)
    fault(client.store)

    assert client.record() is None
    assert f"{client.store} was deleted, moved or closed off while it was open" in client.refusals[0]
    after = [client.record_until_acknowledged() for _ in range(3)]

    assert len(client.refusals) == 1
    assert client.unreadable(after) == []
    assert client.unreadable(before) == before


def test_reads_do_not_go_on_from_a_deleted_store(client: Client) -> None:
    held = client.acknowledged[0]
    assert client.call("get_episode", episode_id=held)["episode_id"] == held
    delete_all(client.store)

    told = [client.call("get_episode", episode_id=held) for _ in range(2)]

    assert "was deleted, moved or closed off" in told[0]["error"]
    assert f"no episode {held}" in told[1]["error"]


def test_what_was_just_recorded_is_not_read_from_memory_after_the_store_was_deleted(memory: Memory) -> None:
    episode, _ = memory.episodes.start("a task")
    delete_all(memory.places.store)

    with pytest.raises(StoreGoneError, match="was deleted, moved or closed off while it was open"):
        memory.episodes.get(episode.id)


def test_a_store_that_is_moved_takes_all_that_was_acknowledged_with_it_and_is_used_again_when_it_is_back(
    client: Client,
) -> None:
    before = list(client.acknowledged)
    away = client.store.with_name("away.db")
    client.store.rename(away)
    assert client.record() is None

    away.rename(client.store)
    client.record_until_acknowledged()

    assert client.unreadable(client.acknowledged) == []
    assert len(client.acknowledged) == len(before) + 1


def test_a_store_that_was_moved_away_and_back_between_two_calls_is_not_noticed(client: Client) -> None:
    away = client.store.with_name("away.db")
    client.store.rename(away)
    away.rename(client.store)

    assert client.record()
    assert client.unreadable(client.acknowledged) == []


def test_another_store_moved_in_place_is_used_from_the_next_call_on(
    client: Client, other_store: tuple[Path, str]
) -> None:
    other_store[0].replace(client.store)

    assert client.record() is None
    assert "was replaced by another file while it was open" in client.refusals[0]
    made = client.record_until_acknowledged()

    assert client.unreadable([made]) == []
    assert client.call("get_episode", episode_id=made)["status"] == "active"
    assert "no episode" in client.call("get_episode", episode_id=other_store[1])["error"], "the wall still stands"


def test_another_store_copied_over_it_is_never_mixed_with_the_log_of_the_first(
    client: Client, other_store: tuple[Path, str]
) -> None:
    before = len(client.acknowledged)
    with client.store.open("r+b") as file:
        file.truncate(0)
        file.write(other_store[0].read_bytes())

    assert client.record() is None
    assert client.record() is None
    assert "was overwritten or emptied while it was open, and" in client.refusals[0]
    assert "-wal belongs to what it held before" in client.refusals[1]
    for path in side_files(client.store):
        path.unlink()
    client.record_until_acknowledged()

    assert client.unreadable(client.acknowledged[before:]) == []


@pytest.mark.parametrize("share", [0, 0.5])
def test_a_store_that_is_cut_acknowledges_nothing_that_cannot_be_read(client: Client, share: float) -> None:
    os.truncate(client.store, int(client.store.stat().st_size * share))

    made = [made for made in (client.record() for _ in range(5)) if made]

    assert client.unreadable(made) == []
    for path in [client.store, *side_files(client.store)]:
        path.unlink(missing_ok=True)
    again = client.record_until_acknowledged()
    assert client.unreadable([again]) == []


def test_a_removed_log_loses_nothing(client: Client) -> None:
    side_files(client.store)[0].unlink()

    for _ in range(3):
        client.record_until_acknowledged()

    assert client.unreadable(client.acknowledged) == []
    assert len(client.refusals) <= 1


def test_a_log_and_shared_memory_that_are_removed_lose_nothing(client: Client) -> None:
    for path in side_files(client.store):
        path.unlink()

    for _ in range(3):
        client.record_until_acknowledged()

    assert client.unreadable(client.acknowledged) == []


def test_removed_shared_memory_loses_nothing(client: Client) -> None:
    side_files(client.store)[1].unlink()

    for _ in range(3):
        client.record_until_acknowledged()

    assert client.unreadable(client.acknowledged) == []


def test_a_log_that_was_cut_is_reported_and_later_writes_are_kept(client: Client) -> None:
    os.truncate(side_files(client.store)[0], 0)

    assert client.record() is None
    assert "-wal was cut short while it was in use, so the latest changes may be lost" in client.refusals[0]
    made = [client.record_until_acknowledged() for _ in range(3)]

    assert client.unreadable(made) == []


def test_a_log_that_another_process_folded_loses_nothing(client: Client) -> None:
    code = "import sys, apsw; apsw.Connection(sys.argv[1]).execute('PRAGMA wal_checkpoint(TRUNCATE)').fetchall()"
    subprocess.run([sys.executable, "-c", code, str(client.store)], check=True)

    assert client.record()
    assert client.unreadable(client.acknowledged) == []


@pytest.mark.parametrize("fault", [replace_by_directory, replace_by_dangling_link])
def test_a_store_path_that_is_not_a_file_is_refused_until_it_is_repaired(client: Client, fault: Fault) -> None:
    fault(client.store)

    assert [client.record() for _ in range(3)] == [None, None, None]
    if client.store.is_dir():
        client.store.rmdir()
    else:
        client.store.unlink()
    made = client.record_until_acknowledged()

    assert client.unreadable([made]) == []


def test_a_link_to_the_moved_file_is_followed(client: Client) -> None:
    real = client.store.with_name("real.db")
    client.store.rename(real)
    client.store.symlink_to(real)

    client.record_until_acknowledged()

    assert client.unreadable(client.acknowledged) == []


def test_a_store_without_permissions_keeps_what_is_acknowledged(client: Client) -> None:
    client.store.chmod(0)
    client.record()
    client.store.chmod(0o600)
    client.record_until_acknowledged()

    assert client.unreadable(client.acknowledged) == []


def test_a_store_restored_by_sqlite_is_opened_again(client: Client, other_store: tuple[Path, str]) -> None:
    before = len(client.acknowledged)
    code = (
        "import sys, apsw\n"
        "source, target = map(apsw.Connection, sys.argv[1:])\n"
        "with target.backup('main', source, 'main') as copy: copy.step()\n"
        "target.execute('PRAGMA wal_checkpoint(FULL)').fetchall()\n"
    )
    subprocess.run([sys.executable, "-c", code, str(other_store[0]), str(client.store)], check=True)

    made = [client.record_until_acknowledged() for _ in range(2)]

    assert "was restored from a copy while it was open" in client.refusals[0]
    assert client.unreadable(made) == []
    assert client.unreadable(client.acknowledged[:before]) == client.acknowledged[:before]


def test_a_store_that_a_newer_version_has_migrated_is_refused(client: Client) -> None:
    code = "import sys, apsw; apsw.Connection(sys.argv[1]).execute('PRAGMA user_version = 999').fetchall()"
    subprocess.run([sys.executable, "-c", code, str(client.store)], check=True)

    assert client.record() is None
    assert "was brought to schema 999 while it was open" in client.refusals[0]


def test_two_servers_survive_that_their_store_is_deleted(raw: Start, client: Client) -> None:
    second = Client(raw(), client.store)
    assert second.record()
    delete(client.store)

    made = [each.record_until_acknowledged() for each in (client, second, client, second)]

    assert client.unreadable(made) == []


def test_the_resource_of_health_answers_after_the_store_came_back(client: Client) -> None:
    delete_all(client.store)
    client.record()
    client.server.request(900, "resources/read", uri="memory://health")

    found = client.server.answer()["result"]["contents"][0]

    assert json.loads(found["text"])["status"] in {"ok", "degraded"}
    shutil.rmtree(client.store.parent)
