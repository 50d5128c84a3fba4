"""A client may send anything, read nothing, and leave at any time; the server answers, stays small and lives on."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memory_mcp.memory import Memory
from tests.server.conftest import LIMIT_S, SERVER, RawServer
from tests.server.processes import resident

Start = Callable[..., RawServer]
PING = b'{"jsonrpc": "2.0", "id": "ping", "method": "ping"}'
NEW = {"task_type": "race", "domain": "test"}
MIB = 1 << 20


def nested(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


ODD_LINES = {
    "an integer of 5,000 digits": b'{"jsonrpc": "2.0", "id": 7, "method": "ping", "params": {"x": '
    + b"9" * 5_000
    + b"}}",
    "an id of 5,000 digits": b'{"jsonrpc": "2.0", "id": ' + b"9" * 5_000 + b', "method": "ping"}',
    "an id of 4,000 digits": b'{"jsonrpc": "2.0", "id": ' + b"9" * 4_000 + b', "method": "ping"}',
    "a null id": b'{"jsonrpc": "2.0", "id": null, "method": "ping"}',
    "a fractional id": b'{"jsonrpc": "2.0", "id": 1.5, "method": "ping"}',
    "an object for an id": b'{"jsonrpc": "2.0", "id": {}, "method": "ping"}',
    "a boolean id": b'{"jsonrpc": "2.0", "id": true, "method": "ping"}',
    "300 levels": b'{"jsonrpc": "2.0", "id": 7, "method": "ping", "params": {"x": ' + nested(300) + b"}}",
    "100,000 levels": b'{"jsonrpc": "2.0", "id": 7, "method": "ping", "params": {"x": ' + nested(100_000) + b"}}",
    "300 levels in a call": b'{"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": '
    b'{"name": "remember_note", "arguments": {"text": ' + nested(300) + b"}}}",
    "700 levels in metadata": b'{"jsonrpc": "2.0", "id": 7, "method": "ping", "params": {"_meta": '
    + nested(700)
    + b"}}",
    "a lone surrogate": b'{"jsonrpc": "2.0", "id": "\\ud83d", "method": "\\udc00", "params": {"\\ud83d": "\\ud83d"}}',
    "a lone surrogate in a name": b'{"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {"name": "\\ud83d"}}',
    "a byte-order mark": b'\xef\xbb\xbf{"jsonrpc": "2.0", "id": 7, "method": "ping"}',
    "UTF-16": PING.decode().encode("utf-16-le"),
    "a batch": b"[" + PING + b"]",
    "an escape that is none": b'{"jsonrpc": "2.0", "id": "\\q", "method": "ping"}',
    "a name of 1 MiB": b'{"jsonrpc": "2.0", "id": 7, "method": "' + b"m" * MIB + b'"}',
    "control characters": b'{"jsonrpc": "2.0", "id": "\\u0000\\u001b", "method": "\\u0000"}',
    "two ids": b'{"id": 1, "x": {"id": 2}, "jsonrpc": "2.0", "method": 5}',
}


@pytest.mark.parametrize("line", ODD_LINES.values(), ids=ODD_LINES)
@pytest.mark.parametrize("is_first", [True, False], ids=["first", "later"])
def test_an_odd_request_is_answered_once_and_the_server_lives_on(raw: Start, line: bytes, *, is_first: bool) -> None:
    server = raw()
    if not is_first:
        server.begin()

    server.send(line)
    answered = server.answer()
    server.send(PING)

    assert ("result" in answered) != ("error" in answered)
    assert server.answer()["id"] == "ping"
    code, rest, errors = server.finish()
    assert (code, rest, errors) == (0, b"", b"")


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RawServer]:
    """A server that all random lines go to."""
    server = RawServer(tmp_path_factory.mktemp("lasting"))
    server.begin()
    yield server
    assert server.finish()[::2] == (0, b"")


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)
METHODS = st.sampled_from(
    ("ping", "initialize", "tools/list", "tools/call", "resources/read", "prompts/get", "server/discover", "x")
)
PARAMS = st.dictionaries(st.sampled_from(("name", "arguments", "uri", "_meta", "cursor", "x")), VALUES, max_size=4)
MESSAGES = st.fixed_dictionaries(
    {},
    optional={
        "jsonrpc": st.just("2.0") | VALUES,
        "id": st.integers() | st.text(max_size=5) | VALUES,
        "method": METHODS | VALUES,
        "params": PARAMS | VALUES,
        "result": VALUES,
        "error": VALUES,
    },
)
REQUESTS = st.fixed_dictionaries(
    {"jsonrpc": st.just("2.0"), "id": st.integers() | st.text(max_size=9) | VALUES, "method": METHODS | st.text()},
    optional={"params": PARAMS | VALUES},
)


@settings(max_examples=400, deadline=None)
@given(value=VALUES | MESSAGES | REQUESTS)
def test_any_json_value_is_a_notification_or_a_response_or_is_answered_once(lasting: RawServer, value: Any) -> None:
    lasting.send(json.dumps(value).encode())
    lasting.send(b'{"jsonrpc": "2.0", "id": "after", "method": "ping"}')

    answers = [lasting.answer()]
    while answers[-1].get("id") != "after" or (answers[-1].get("result") != {} and len(answers) < 3):
        answers.append(lasting.answer())
    if is_blocking(value) and len(answers) == 1:  # its answer comes from another thread
        answers.append(lasting.answer())

    assert len(answers) - 1 == (0 if needs_no_answer(value) else 1), answers


def is_blocking(value: Any) -> bool:
    return isinstance(value, dict) and value.get("method") in ("tools/call", "resources/read") and "id" in value


def needs_no_answer(value: Any) -> bool:
    """Whether a value is a valid notification or response."""
    if not isinstance(value, dict) or value.get("jsonrpc") != "2.0":
        return False
    if not isinstance(value.get("params"), dict | None):
        return False
    if "method" in value:
        return isinstance(value["method"], str) and "id" not in value
    request_id, error = value.get("id"), value.get("error")
    is_id = isinstance(request_id, int | str) and not isinstance(request_id, bool)
    if is_id and isinstance(value.get("result"), dict):
        return True
    is_error = isinstance(error, dict) and isinstance(error.get("code"), int) and isinstance(error.get("message"), str)
    return is_error and "id" in value and (is_id or request_id is None)


def test_lines_of_64_mib_are_refused_one_after_the_other_and_nothing_grows(raw: Start) -> None:
    server = raw()
    server.begin()
    for number in range(3):
        server.send(
            b'{"jsonrpc": "2.0", "id": %d, "method": "ping", "params": {"x": "' % number + b"y" * (64 * MIB) + b'"}}'
        )
        assert server.answer()["error"]["code"] == -32600
    before = resident(server.process.pid)

    server.send(b"z" * (64 * MIB))
    server.answer()

    assert resident(server.process.pid) < before + 8 * MIB
    server.send(PING)
    assert server.answer()["id"] == "ping"


@pytest.mark.parametrize("stdin", ["/dev/null", "/dev/zero"])
def test_a_stdin_that_says_nothing_or_never_ends_a_line_does_not_hang_the_server(stdin: str, tmp_path: Path) -> None:
    environment = {**os.environ, "MEMORY_MCP_HOME": str(tmp_path / "home")}
    with Path(stdin).open("rb") as source:
        server = subprocess.Popen(
            SERVER, stdin=source, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
        )
        try:
            if stdin == "/dev/zero":
                assert server.stdout is not None
                assert b"longer than" in server.stdout.readline()
                server.send_signal(signal.SIGTERM)
            assert server.wait(LIMIT_S) == 0
        finally:
            server.kill()
            server.communicate()


@pytest.mark.long
def test_a_client_that_never_reads_does_not_make_the_server_grow_and_gets_all_answers_when_it_does(
    raw: Start,
) -> None:
    server = raw()
    server.begin()
    episode_id = server.call(1, "create_episode", **NEW, task_description="large")["structuredContent"]["episode_id"]
    step = {"tool": "bash", "action": "cat", "result": {"type": "success", "output": "lorem ipsum " * 8_000}}
    server.call(1, "add_episode_steps", episode_id=episode_id, steps=[step] * 8)
    before = resident(server.process.pid)
    wanted = 240  # answers of 1.5 MB each, which would be 360 MB
    for number in range(2, wanted + 2):
        arguments = {"episode_id": episode_id, "full_text": True}
        server.request(number, "tools/call", name="get_episode", arguments=arguments)

    wait_until_it_waits(server.process.pid)
    grown = resident(server.process.pid) - before

    answers = server.answers(wanted)
    print(f"\nunread answers made the server grow by {grown / MIB:.0f} MiB")  # noqa: T201 - a figure to report
    assert grown < 140 * MIB  # 64 MiB of answers, and what each thread is making
    assert sorted(answers) == list(range(2, wanted + 2))


@pytest.mark.long
def test_the_end_of_input_ends_a_server_that_has_stopped_reading(raw: Start) -> None:
    server = raw()
    server.begin()
    assert server.process.stdin is not None
    os.set_blocking(server.process.stdin.fileno(), False)
    listing = b'{"jsonrpc": "2.0", "id": 1, "method": "tools/list"}\n' * 100
    taken = 0
    while taken is not None:  # until it takes no more, which is after 64 MiB of answers
        wait_until_it_waits(server.process.pid)
        for _ in range(200):
            taken = server.process.stdin.raw.write(listing)  # type: ignore[attr-defined]  # the pipe behind the buffer
            if taken is None:
                break

    server.process.stdin.close()

    assert server.process.wait(LIMIT_S) == 0
    server.process.stdin = None


def wait_until_it_waits(pid: int) -> None:
    """Return when all threads of a process have slept for many looks in a row; nothing signals that."""
    asleep = 0
    while asleep < 2_000:
        states = {stat.read_text().rpartition(")")[2].split()[0] for stat in Path(f"/proc/{pid}/task").glob("*/stat")}
        asleep = asleep + 1 if states == {"S"} else 0


def test_a_client_that_writes_much_before_it_reads_is_served(raw: Start) -> None:
    server = raw()
    server.begin()
    for number in range(20_000):  # 2 MB of answers: many times what the pipe holds
        server.request(number, "ping")

    assert sorted(server.answers(20_000)) == list(range(20_000))


def test_a_stderr_that_nobody_reads_does_not_block_a_call(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    try:
        while True:
            os.write(writing, b"x" * 65_536)
    except BlockingIOError:
        os.set_blocking(writing, True)
    environment = {**os.environ, "MEMORY_MCP_HOME": str(tmp_path / "home")}
    lines = [PING, b"\n", *(b'{"jsonrpc": "2.0", "id": %d, "method": "ping"}\n' % number for number in range(50))]
    code = (
        "import logging\nfrom memory_mcp.server import methods\nfrom memory_mcp.server import app\n"
        "from memory_mcp.server.methods import Method, methods_of\n"
        "def loud(*_):\n    logging.getLogger('x').error('y' * 100_000)\n    return {}\n"
        "app.run.__defaults__ = (lambda desk: {**methods_of(desk), 'ping': Method(methods.Page, loud)},)\n"
        "app.main([])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code.replace("'ping'", "'prompts/list'")],
        input=b"".join(lines).replace(b'"ping"}', b'"prompts/list"}'),
        stdout=subprocess.PIPE,
        stderr=writing,
        env=environment,
        timeout=LIMIT_S,
        check=True,
    )
    os.close(reading)
    os.close(writing)

    assert len(done.stdout.splitlines()) == 51


@pytest.mark.parametrize("end", ["eof", "SIGINT", "SIGTERM"])
def test_an_end_comes_at_once_beside_a_client_that_does_not_read_and_keeps_what_was_acknowledged(
    raw: Start, tmp_path: Path, end: str
) -> None:
    server = raw()
    server.begin()
    acknowledged = [
        server.call(number, "create_episode", **NEW, task_description=f"t{number}")["structuredContent"]["episode_id"]
        for number in range(1, 6)
    ]
    for number in range(6, 400):
        server.request(number, "tools/list")  # 3 MB that nobody reads

    assert server.process.stdin is not None
    if end == "eof":
        server.process.stdin.close()
    else:
        server.process.send_signal(getattr(signal, end))

    assert server.process.wait(LIMIT_S) == 0
    with suppress(BrokenPipeError):  # what was written after it had ended
        server.process.stdin.close()
    server.process.stdin = None
    environ = {"MEMORY_MCP_HOME": str(tmp_path / "home"), "MEMORY_MCP_PROJECT_NAME": "raw"}
    with Memory.open(environ, tmp_path, actor="test") as memory:
        kept = {row.id[-8:] for row in memory.episodes.list(limit=100).episodes}
    assert set(acknowledged) <= kept


def test_a_signal_while_calls_wait_for_a_lock_ends_the_server(raw: Start, tmp_path: Path) -> None:
    server = raw("--set", "store.busy_timeout_s=30")
    server.begin()
    environ = {"MEMORY_MCP_HOME": str(tmp_path / "home"), "MEMORY_MCP_PROJECT_NAME": "raw"}
    with Memory.open(environ, tmp_path, actor="test") as memory, memory.store.database.write():
        for number in range(50):
            arguments = {**NEW, "task_description": f"t{number}"}
            server.request(number, "tools/call", name="create_episode", arguments=arguments)
        server.request(99, "ping")
        assert server.answer()["id"] == 99
        server.process.send_signal(signal.SIGTERM)

        assert server.process.wait(LIMIT_S) == 0


def test_an_id_that_comes_again_while_its_call_is_open_is_answered_twice(raw: Start, tmp_path: Path) -> None:
    server = raw()
    server.begin()
    environ = {"MEMORY_MCP_HOME": str(tmp_path / "home"), "MEMORY_MCP_PROJECT_NAME": "raw"}
    with Memory.open(environ, tmp_path, actor="test") as memory, memory.store.database.write():
        for task in ("one", "two"):
            server.request(7, "tools/call", name="create_episode", arguments={**NEW, "task_description": task})

    assert [server.answer()["id"], server.answer()["id"]] == [7, 7]


IMPORTED = """
import os, sys
from memory_mcp.server import app
def leave(code):
    print(*sys.modules, file=sys.stderr)
    sys.stderr.flush()
    leaving(code)
leaving, os._exit = os._exit, leave
app.main([])
"""


def test_a_server_that_was_asked_for_its_tools_has_imported_nothing_heavy(tmp_path: Path) -> None:
    client = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "f", "version": "1"}}
    lines = [
        {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": client},
        {"jsonrpc": "2.0", "id": 1, "method": "tools/list"},
        {"jsonrpc": "2.0", "id": 2, "method": "ping"},
    ]
    done = subprocess.run(
        [sys.executable, "-c", IMPORTED],
        input="".join(f"{json.dumps(line)}\n" for line in lines),
        capture_output=True,
        text=True,
        env={**os.environ, "MEMORY_MCP_HOME": str(tmp_path / "home"), "MEMORY_MCP_PROJECT_NAME": "x"},
        timeout=LIMIT_S,
        check=True,
    )

    imported = {name.partition(".")[0] for name in done.stderr.split()}
    assert len(done.stdout.splitlines()) == 3
    assert imported & HEAVY == set()


HEAVY = {
    *("mcp", "mcp_types", "pydantic", "anyio", "asyncio", "httpx", "starlette", "uvicorn", "numpy", "openai"),
    *("typer", "rich", "click", "argparse", "sqlite3", "subprocess", "typing_extensions", "lmdb"),
}
