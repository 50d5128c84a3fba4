"""The queue of the hooks always moves, and loses nothing: whatever its files hold, and wherever a process dies."""

import json
import os
import resource
import signal
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from memory_mcp.clock import SystemClock
from memory_mcp.errors import BusyError, ConflictError, DamagedError, StoreFullError
from memory_mcp.hooks import queue as queue_module
from memory_mcp.hooks import queue_files, set_aside, taken_lines
from memory_mcp.hooks.queue import HookQueue, Record, UnhandledError
from memory_mcp.hooks.replaying import drain
from memory_mcp.monitoring.diagnosis import waiting
from tests.hooks.agents import Agent
from tests.hooks.conftest import opened
from tests.server.conftest import RawServer

HOUR = 3_600_000_000
AT = 1_700_000_000_000_000
TRACED = {module.__file__ for module in (queue_module, queue_files, set_aside, taken_lines)}


def event(number: int) -> Record:
    return {"project": "here", "event": {"at": AT + number, "number": number}}


def line(number: int) -> bytes:
    return json.dumps(event(number)).encode() + b"\n"


class Handler:
    """Takes events, as far as it is let."""

    def __init__(self) -> None:
        self.taken: list[int] = []
        self.errors: dict[int, Exception] = {}

    def __call__(self, record: Record) -> None:
        number = record["event"]["number"]
        if number in self.errors:
            raise self.errors[number]
        self.taken.append(number)


@pytest.fixture
def handler() -> Handler:
    return Handler()


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    made = tmp_path / "hooks"
    made.mkdir()
    return made


@pytest.fixture
def queue(directory: Path) -> HookQueue:
    return HookQueue(directory)


def reasons(queue: HookQueue) -> list[str]:
    return [each.reason for each in queue.events_set_aside()]


@pytest.mark.parametrize("name", ["queue.jsonl", "taken.jsonl"])
@pytest.mark.parametrize("content", [b"", b"\n", b"\n\n\n", b" \n"])
def test_an_empty_file_stops_nothing(
    queue: HookQueue, directory: Path, handler: Handler, name: str, content: bytes
) -> None:
    (directory / name).write_bytes(content)
    queue.add(event(1))

    assert queue.drain(handler) == 1

    assert handler.taken == [1]
    assert queue.is_empty
    assert reasons(queue) == []


@pytest.mark.parametrize(
    "bad",
    [
        *(b'{"project": "he', b"null", b"[]", b'"text"', b"5", b"{}", b'{"event": 5}', b'{"event": {"number": {}}}'),
        *(b"\xff\xfe\x00", b"NaN", b"[" * 100_000, b"{" * 5_000, b"\x00" * 4_096, b'{"event": {"number": 1e400}}'),
    ],
)
def test_a_line_that_cannot_be_read_is_set_aside_and_the_others_go_on(
    queue: HookQueue, directory: Path, bad: bytes
) -> None:
    taken: list[int] = []

    def handle(record: Record) -> None:
        try:
            taken.append(int(record["event"]["number"]))
        except (KeyError, TypeError, OverflowError) as error:
            raise UnhandledError(repr(error)) from error

    (directory / "taken.jsonl").write_bytes(line(1) + bad + b"\n" + line(2))
    (directory / "queue.jsonl").write_bytes(line(3) + bad)
    queue.add(event(4))

    assert queue.drain(handle) == 4

    assert taken == [1, 2, 3, 4]
    assert len(reasons(queue)) == 2
    assert queue.state().waiting == 0
    assert queue.is_empty


def test_an_unforeseen_error_sets_its_line_aside(tmp_path: Path) -> None:
    agent = Agent(tmp_path / "home", "one")
    agent.prompt("deploy the site")
    with opened(agent) as memory, memory.store.database.write():
        agent.passed("make build", "ok")
        agent.passed("make deploy", "ok")
    file = tmp_path / "home" / "hooks" / "taken.jsonl"
    other = tmp_path / "home" / "hooks" / "queue.jsonl"
    good = (file if file.exists() else other).read_bytes().splitlines(keepends=True)[0]
    told = json.loads(good)
    bad: list[dict[str, Any]] = [
        {**told, "directory": "/nowhere\x00"},
        {**told, "directory": "/" + "a" * 5_000},
        {**told, "event": {**told["event"], "at": 2**70}},
        {**told, "event": {**told["event"], "call": {**told["event"]["call"], "tool": " "}}},
        {**told, "event": {**told["event"], "name": "wonder"}},
        {**told, "project": ["a"] * 3, "event": None},
    ]
    other.write_bytes(b"".join(json.dumps(each).encode() + b"\n" for each in bad) + other.read_bytes())

    with opened(agent) as memory:
        drain(memory)
        (row,) = memory.episodes.list().episodes
        actions = [step.action for step in memory.episodes.get(row.id).steps]

    assert actions[:2] == ["make build", "make deploy"]
    queue = HookQueue(tmp_path / "home" / "hooks")
    assert queue.is_empty
    assert len(reasons(queue)) >= 4


@pytest.mark.parametrize("error", [BusyError("busy"), StoreFullError("full"), OSError(28, "full"), MemoryError()])
def test_while_the_store_cannot_be_used_everything_waits_however_often_it_is_tried(
    queue: HookQueue, handler: Handler, error: Exception
) -> None:
    for number in range(3):
        queue.add(event(number))
    handler.errors[1] = error

    assert [queue.drain(handler) for _ in range(10)] == [1, *[0] * 9]
    assert (queue.state().waiting, queue.state().oldest_at) == (2, AT + 1)
    handler.errors.clear()

    assert queue.drain(handler) == 2
    assert handler.taken == [0, 1, 2]


@pytest.mark.parametrize("error", [DamagedError("episode 5 is damaged"), ConflictError("stored meanwhile")])
def test_an_event_over_a_damaged_record_is_set_aside_at_the_third_time(
    queue: HookQueue, handler: Handler, error: Exception
) -> None:
    for number in range(3):
        queue.add(event(number))
    handler.errors[0] = error

    assert [queue.drain(handler) for _ in range(3)] == [0, 0, 2]

    assert handler.taken == [1, 2]
    assert reasons(queue) == [f"it failed 3 times: {error}"]
    assert queue.put_back() == 1
    handler.errors.clear()
    assert queue.drain(handler) == 1
    assert handler.taken == [1, 2, 0]
    assert reasons(queue) == []


def test_an_event_over_which_every_process_dies_is_set_aside_at_the_third_time(
    queue: HookQueue, handler: Handler
) -> None:
    for number in range(3):
        queue.add(event(number))

    def die(record: Record) -> None:
        if record["event"]["number"] == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        os.write(told, b"%d" % record["event"]["number"])

    reading, told = os.pipe()
    for _ in range(3):
        assert in_a_child(lambda: queue.drain(die)) == -signal.SIGKILL
    os.close(told)

    assert queue.drain(handler) == 1
    with os.fdopen(reading, "rb") as stream:
        assert stream.read() == b"0"
    assert handler.taken == [2]
    assert reasons(queue) == ["the process that handled it died, 3 times"]


def in_a_child(work: Callable[[], object]) -> int:
    """Run work in a process of its own and return how it ended."""
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException:  # noqa: BLE001 - the child must never come back into the tests
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def killed_at(number: int, work: Callable[[], object]) -> bool:
    """Kill a child at the so-many-th line of the queue's code; say whether it came so far."""

    def run() -> None:
        left = number

        def count(frame: FrameType, what: str, _: object) -> Any:
            nonlocal left
            if frame.f_code.co_filename not in TRACED:
                return None
            left -= what == "line"
            if left < 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return count

        sys.settrace(count)
        work()

    return in_a_child(run) != 0


@pytest.mark.long
def test_a_drainer_may_be_killed_anywhere_and_only_the_current_event_is_handled_twice(tmp_path: Path) -> None:
    bad = b"no json\n"
    number, points = 0, 0
    while True:
        directory = tmp_path / f"at {number}"
        directory.mkdir()
        (directory / "taken.jsonl").write_bytes(line(0) + bad + line(1))
        (directory / "queue.jsonl").write_bytes(line(2) + line(3))
        queue, told = HookQueue(directory), directory / "told"

        def handle(record: Record, told: Path = told) -> None:
            with told.open("ab", buffering=0) as stream:
                stream.write(b"%d" % record["event"]["number"])

        was_killed = killed_at(number, partial(queue.drain, handle))
        queue.add(event(4))
        queue.drain(handle)

        order = told.read_bytes().decode()
        assert "".join(sorted(set(order))) == "01234"
        assert list(order) == sorted(order)
        assert len(order) - len(set(order)) <= 1
        assert len(reasons(queue)) in {1, 2}
        assert queue.is_empty
        if not was_killed:
            break
        number, points = number + 1, points + 1
    assert points > 100


def test_whoever_adds_may_be_killed_anywhere_and_spoils_no_other_event(tmp_path: Path) -> None:
    number = 0
    while True:
        directory = tmp_path / f"at {number}"
        queue, handler = HookQueue(directory), Handler()
        queue.add(event(0))
        was_killed = killed_at(number, partial(queue.add, event(1)))
        queue.add(event(2))

        queue.drain(handler)

        assert handler.taken in ([0, 1, 2], [0, 2])
        if not was_killed:
            assert handler.taken == [0, 1, 2]
            break
        number += 1
    assert number > 10


def test_a_line_that_was_cut_off_in_the_middle_spoils_only_itself(
    queue: HookQueue, directory: Path, handler: Handler
) -> None:
    (directory / "queue.jsonl").write_bytes(line(1) + line(2)[:-9])
    queue.add(event(3))

    queue.drain(handler)

    assert handler.taken == [1, 3]
    assert [each.line for each in queue.events_set_aside()] == [line(2)[:-9].decode()]


def with_no_room_beyond(size: int, work: Callable[[], object]) -> int:
    """Run work in a child whose files may not grow beyond a size, as on a full disk."""

    def run() -> None:
        sys.dont_write_bytecode = True  # Python would keep a module that it could write in part only
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
        work()

    return in_a_child(run)


def test_on_a_full_disk_what_waits_stays_and_goes_on_afterwards(
    queue: HookQueue, directory: Path, handler: Handler
) -> None:
    queue.add(event(0))
    queue.add(event(1))
    size = (directory / "queue.jsonl").stat().st_size

    for room in (size, size + 1, size + 20):  # none for a line that would be appended, and for a part of it
        assert with_no_room_beyond(room, lambda: queue.add(event(2))) == 1
        assert (directory / "queue.jsonl").stat().st_size == size
    assert with_no_room_beyond(0, lambda: queue.drain(handler)) == 1
    assert with_no_room_beyond(10, lambda: queue.drain(handler)) == 1
    queue.add(event(2))

    assert queue.drain(handler) == 3
    assert handler.taken == [0, 1, 2]
    assert reasons(queue) == []


def test_a_full_disk_while_an_event_is_set_aside_loses_neither_it_nor_the_rest(
    queue: HookQueue, directory: Path, handler: Handler
) -> None:
    (directory / "queue.jsonl").write_bytes(b"no json" * 99 + b"\n" + line(1))

    for _ in range(5):
        assert with_no_room_beyond(100, lambda: queue.drain(handler)) == 1
    queue.drain(handler)

    assert handler.taken == [1]
    assert [each.line for each in queue.events_set_aside()] == ["no json" * 99]


def make_directory(path: Path) -> None:
    path.mkdir()
    (path / "something").write_text("kept", encoding="utf-8")


def make_link(path: Path) -> None:
    (path.parent / "target").write_text("somebody's file\n", encoding="utf-8")
    path.symlink_to(path.parent / "target")


OBSTACLES: list[Callable[[Path], None]] = [
    make_directory,
    os.mkfifo,
    make_link,
    lambda path: path.symlink_to("/nowhere/at/all"),
]


@pytest.mark.parametrize("make", OBSTACLES, ids=["directory", "fifo", "link", "broken link"])
@pytest.mark.parametrize(
    "name",
    [
        *("queue.jsonl", "taken.jsonl", "taken.place", "refused.jsonl", "refused.dropped"),
        *("adding.lock", "handling.lock", "refusing.lock"),
    ],
)
def test_anything_but_a_regular_file_is_moved_out_of_the_way(
    queue: HookQueue, directory: Path, handler: Handler, make: Callable[[Path], None], name: str
) -> None:
    make(directory / name)
    queue.add(event(1))
    with (directory / "queue.jsonl").open("ab") as stream:
        stream.write(b"no json\n")
    queue.add(event(2))

    assert queue.drain(handler) == 2

    assert handler.taken == [1, 2]
    assert len(reasons(queue)) == 1
    if name != "refused.dropped":
        (obstacle,) = queue.state().obstacles
        assert obstacle.startswith(f"{directory.name}/{name}")
    if (directory / "target").exists():
        assert (directory / "target").read_text(encoding="utf-8") == "somebody's file\n"


def test_a_line_of_many_megabytes_is_handled_and_one_beyond_all_bounds_is_cut_and_set_aside(
    queue: HookQueue, directory: Path, handler: Handler
) -> None:
    big = json.dumps({**event(1), "text": "x" * (32 << 20)}).encode()
    (directory / "queue.jsonl").write_bytes(big + b"\n" + b"y" * (70 << 20) + b"\n" + line(2))

    assert queue.drain(handler) == 2

    assert handler.taken == [1, 2]
    (event_aside,) = queue.events_set_aside()
    assert (event_aside.is_cut, len(event_aside.line)) == (True, 1 << 16)
    assert queue.put_back() == 0


def test_a_queue_of_many_lines_is_taken_up_where_it_was_left(
    queue: HookQueue, directory: Path, handler: Handler
) -> None:
    (directory / "queue.jsonl").write_bytes(b"".join(line(number) for number in range(200_000)))
    before = (directory / "queue.jsonl").stat()

    rounds = 0
    while not queue.is_empty and rounds < 5:
        queue.drain(handler, 0.01)
        rounds += 1
    kept = directory / "taken.jsonl"
    assert kept.stat().st_ino == before.st_ino
    assert kept.stat().st_size == before.st_size  # the rest is not written again and again
    state = queue.state()
    queue.drain(handler)

    assert handler.taken == list(range(200_000))
    assert 0 < state.waiting < 200_000
    assert state.oldest_at == AT + 200_000 - state.waiting


def test_events_set_aside_are_bounded_and_dropped_ones_are_counted(
    queue: HookQueue, directory: Path, handler: Handler
) -> None:
    for number in range(3):
        bad = b"".join(b"bad %d %s\n" % (number, b"z" * 1_000_000) for _ in range(10))
        (directory / "queue.jsonl").write_bytes(bad)
        queue.drain(handler)

    files = [directory / name for name in ("refused.jsonl", "refused.1.jsonl")]
    assert sum(file.stat().st_size for file in files) < 22_000_000
    state = queue.state()
    assert state.dropped > 0
    assert state.set_aside + state.dropped == 30
    assert queue.forget_set_aside() == state.set_aside
    assert queue.state().set_aside == queue.state().dropped == 0


def test_two_drainers_at_once_handle_each_event_once(queue: HookQueue, directory: Path) -> None:
    taken: list[int] = []
    (directory / "queue.jsonl").write_bytes(b"".join(line(number) for number in range(3_000)))

    def work() -> None:
        for number in range(3_000, 3_010):
            HookQueue(directory).add(event(number))
            HookQueue(directory).drain(lambda record: taken.append(record["event"]["number"]))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    queue.drain(lambda record: taken.append(record["event"]["number"]))

    assert taken[:3_000] == list(range(3_000))
    assert sorted(taken[3_000:]) == sorted([*range(3_000, 3_010)] * 4)


def test_a_place_that_is_not_the_beginning_of_a_line_is_ignored(
    queue: HookQueue, directory: Path, handler: Handler
) -> None:
    for place in (b"", b"\x00\x00", b"99999999999999999999 0\n", b"00000000000000000005 000000\n", b"-1 0\n", b"x y z"):
        (directory / "taken.jsonl").write_bytes(line(1) + line(2))
        (directory / "taken.place").write_bytes(place)
        queue.drain(handler)

    assert handler.taken == [1, 2] * 6


def test_doctor_says_what_waits_since_when_what_was_set_aside_and_what_to_do(
    queue: HookQueue, directory: Path, handler: Handler
) -> None:
    assert waiting(queue.state(), directory, AT).severity == "ok"
    queue.add(event(0))
    fresh = waiting(queue.state(), directory, AT + HOUR // 2)
    stale = waiting(queue.state(), directory, AT + 2 * HOUR)
    (directory / "queue.jsonl").write_bytes(line(0) + b"no json\n")
    queue.drain(handler)
    (directory / "taken.jsonl").mkdir()
    queue.drain(handler)
    after = waiting(queue.state(), directory, AT)

    assert (fresh.severity, fresh.detail.split(";")[0]) == (
        "ok",
        "1 events wait, the oldest since 2023-11-14T22:13:20Z",
    )
    assert (stale.severity, "memory-cli queue drain" in stale.advice) == ("warning", True)
    assert after.severity == "warning"
    assert f"1 events set aside in {directory / 'refused.jsonl'}" in after.detail
    assert "moved out of the queue's way: hooks/taken.jsonl." in after.detail
    assert "memory-cli queue list" in after.advice


def test_events_that_an_earlier_version_refused_can_be_put_back(
    queue: HookQueue, directory: Path, handler: Handler
) -> None:
    (directory / "refused.jsonl").write_bytes(line(5))

    assert reasons(queue) == ["refused by an earlier version"]
    assert queue.put_back() == 1
    assert queue.drain(handler) == 1
    assert handler.taken == [5]


def test_a_hook_that_fails_over_its_own_event_keeps_it(tmp_path: Path) -> None:
    agent = Agent(tmp_path / "home", "one")
    agent.event("PostToolUse", tool_name="\t", tool_input={}, tool_response="ok")

    (kept,) = HookQueue(tmp_path / "home" / "hooks").events_set_aside()

    assert "InvalidInputError: tool of step 1 is empty" in kept.reason
    assert "InvalidInputError" in agent.log


def test_an_idle_server_records_the_queued_events_of_all_projects(
    tmp_path: Path, raw: Callable[..., RawServer]
) -> None:
    home = tmp_path / "home"
    agents = [Agent(home, "one", "raw"), Agent(home, "two", "another")]
    never = threading.Event()
    for agent in agents:
        agent.prompt("deploy the site")
    server = raw()
    server.begin()
    server.request(1, "tools/list")
    server.answer()
    server.call(2, "health_check")
    queue = HookQueue(home / "hooks")

    for command in ("make build", "make deploy"):  # the second one while the server has nothing to do
        with opened(agents[0]) as memory, memory.store.database.write():
            for agent in agents:
                agent.passed(command, "ok")
        assert not queue.is_empty
        for _ in range(600):
            if queue.is_empty:
                break
            never.wait(0.1)

    for agent in agents:
        with opened(agent) as memory:
            (row,) = memory.episodes.list().episodes
            assert [step.action for step in memory.episodes.get(row.id).steps] == ["make build", "make deploy"]
    assert server.finish()[0] == 0


def test_the_clock_of_an_event_set_aside_is_the_machines(queue: HookQueue) -> None:
    before = SystemClock().now()

    queue.set_aside(event(1), "why not")

    (kept,) = queue.events_set_aside()
    assert before <= kept.at <= SystemClock().now()
    assert (kept.reason, json.loads(kept.line)) == ("why not", event(1))


def test_without_a_place_for_a_queue_events_are_recorded_at_once(tmp_path: Path) -> None:
    agent = Agent(tmp_path / "home", "one")
    agent.home.mkdir()
    (agent.home / "hooks").write_text("in the way", encoding="utf-8")

    agent.prompt("deploy the site")
    agent.passed("make build", "ok")

    with opened(agent) as memory:
        (row,) = memory.episodes.list().episodes
        assert drain(memory) == 0
    assert row.step_count == 1
    queue = HookQueue(agent.home / "hooks")
    assert waiting(queue.state(), agent.home / "hooks", AT).severity == "warning"


def test_events_wait_until_a_damaged_store_is_mended(tmp_path: Path) -> None:
    agent = Agent(tmp_path / "home", "one")
    agent.prompt("deploy the site")
    store = agent.home / "memory.db"
    with opened(agent) as memory, memory.store.database.write():
        agent.passed("make build", "ok")
    good = store.read_bytes()
    store.write_bytes(good[:100] + b"\xff" * 3_996 + good[4_096:])
    for _ in range(2):
        agent.passed("make deploy", "ok")
    store.write_bytes(good)
    queue = HookQueue(agent.home / "hooks")
    queue.put_back()

    with opened(agent) as memory:
        drain(memory)
        (row,) = memory.episodes.list().episodes
        actions = {step.action for step in memory.episodes.get(row.id).steps}

    assert actions == {"make build", "make deploy"}
    assert queue.is_empty


@pytest.mark.parametrize("obstacle", ["file", "pipe", "link to nowhere"])
def test_what_lies_in_place_of_the_directory_is_moved_away_and_told(
    obstacle: str, directory: Path, tmp_path: Path
) -> None:
    if directory.is_dir():
        directory.rmdir()
    directory.parent.mkdir(exist_ok=True)
    match obstacle:
        case "file":
            directory.write_bytes(b"")
        case "pipe":
            os.mkfifo(directory)
        case _:
            directory.symlink_to(tmp_path / "nowhere" / "else")
    queue = HookQueue(directory)
    before = waiting(queue.state(), directory, AT)

    queue.add(event(1))

    after = waiting(queue.state(), directory, AT)
    assert (before.severity, after.severity) == ("warning", "warning")
    assert f"{directory} cannot be used" in before.detail
    assert f"moved out of the queue's way: {directory.name}." in after.detail
    handler = Handler()
    assert queue.drain(handler) == 1


def test_a_log_that_cannot_be_written_is_told(directory: Path) -> None:
    (directory / "hook.log").mkdir(parents=True)

    found = waiting(HookQueue(directory).state(), directory, AT)

    assert found.severity == "warning"
    assert f"{directory / 'hook.log'} cannot be used" in found.detail
