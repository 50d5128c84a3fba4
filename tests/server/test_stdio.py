"""The server over real pipes: odd lines, signals, ends, many processes, and kill -9."""

import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters

from memory_mcp.memory import Memory
from memory_mcp.models.episodes import EpisodeFilter
from tests.server.conftest import LIMIT_S, SERVER, RawServer

Start = Callable[..., RawServer]
NEW = {"task_type": "race", "domain": "test"}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def reopened(tmp_path: Path) -> Memory:
    environ = {"MEMORY_MCP_HOME": str(tmp_path / "home"), "MEMORY_MCP_PROJECT_NAME": "raw"}
    return Memory.open(environ, tmp_path, actor="test")


DEEP = b'{"jsonrpc": "2.0", "id": 7, "method": "ping", "params": ' + b"[" * 5_000 + b"]" * 5_000 + b"}"


@pytest.mark.parametrize(
    ("line", "expected_id", "code"),
    [
        (b"hello", None, -32700),
        (b'{"jsonrpc": "2.0", "id": 7, "method": "ping"', 7, -32700),
        (DEEP, 7, -32700),
        (b"[]", None, -32600),
        (b'{"id": 7}', 7, -32600),
        (b'{"jsonrpc": "2.0", "id": 7, "method": 5}', 7, -32600),
        (b"\xff\xfe\x00", None, -32700),
    ],
)
def test_a_line_that_is_no_message_gets_an_error_and_the_server_lives_on(
    raw: Start, line: bytes, expected_id: int | None, code: int
) -> None:
    server = raw()
    server.begin()

    server.send(line)

    refused = server.answer()
    assert (refused["id"], refused["error"]["code"]) == (expected_id, code)
    server.request(8, "ping")
    assert server.answer() == {"jsonrpc": "2.0", "id": 8, "result": {}}


def test_a_byte_order_mark_and_blank_lines_are_passed_over(raw: Start) -> None:
    server = raw()
    server.begin()

    server.send(b"")
    server.send(b'\xef\xbb\xbf{"jsonrpc": "2.0", "id": 1, "method": "ping"}\r')

    assert server.answer()["id"] == 1


def test_a_lone_surrogate_is_stored_as_the_replacement_character(raw: Start) -> None:
    server = raw()
    server.begin()
    line = json.dumps(
        {
            "jsonrpc": "2.0",
            "id": 1,
            "method": "tools/call",
            "params": {"name": "create_episode", "arguments": {**NEW, "task_description": "cut \ud83d emoji"}},
        }
    )

    server.send(line.encode())

    episode_id = server.answer()["result"]["structuredContent"]["episode_id"]
    shown = server.call(2, "get_episode", episode_id=episode_id)
    assert shown["structuredContent"]["task_description"] == "cut \ufffd emoji"


def test_a_line_of_64_mib_is_refused_by_its_id_without_growing_the_server(raw: Start) -> None:
    server = raw()
    server.begin()
    status = Path(f"/proc/{server.process.pid}/status")
    head = b'{"jsonrpc": "2.0", "id": 9, "method": "tools/call", "params": {"x": "'

    server.send(head + b"y" * (64 << 20) + b'"}}')

    refused = server.answer()
    assert (refused["id"], refused["error"]["code"]) == (9, -32600)
    assert "longer than 16777216 bytes" in refused["error"]["message"]
    server.request(10, "ping")
    assert server.answer()["id"] == 10
    if status.exists():
        peak_kib = int(next(line.split()[1] for line in status.read_text().splitlines() if line.startswith("VmHWM")))
        assert peak_kib < 180 * 1024


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_server_cleanly_and_what_was_acknowledged_is_there(
    raw: Start, tmp_path: Path, number: signal.Signals
) -> None:
    server = raw()
    server.begin()
    server.call(1, "create_episode", **NEW, task_description="keep me")

    server.process.send_signal(number)

    assert server.process.wait(timeout=LIMIT_S) == 0
    with reopened(tmp_path) as memory:
        assert [row.task for row in memory.episodes.list().episodes] == ["keep me"]


def test_the_end_of_input_ends_the_server_after_the_last_answer(raw: Start, tmp_path: Path) -> None:
    server = raw()
    server.begin()
    for number in range(1, 21):
        server.request(number, "tools/call", name="create_episode", arguments={**NEW, "task_description": f"t{number}"})

    code, out, errors = server.finish()

    answers = [json.loads(line) for line in out.splitlines()]
    assert (code, errors) == (0, b"")
    assert sorted(each["id"] for each in answers) == list(range(1, 21))
    with reopened(tmp_path) as memory:
        assert len(memory.episodes.list(limit=100).episodes) == 20


def test_stdin_may_be_a_plain_file(tmp_path: Path) -> None:
    client = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "f", "version": "1"}}
    lines = [
        {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": client},
        {"jsonrpc": "2.0", "id": 1, "method": "ping"},
    ]
    script = tmp_path / "script.jsonl"
    script.write_text("\n".join(json.dumps(line) for line in lines), encoding="utf-8")

    with script.open("rb") as stdin, (tmp_path / "out").open("wb") as stdout:
        environment = {**os.environ, "MEMORY_MCP_HOME": str(tmp_path / "home")}
        subprocess.run(SERVER, stdin=stdin, stdout=stdout, env=environment, check=True, timeout=LIMIT_S)

    assert [json.loads(line)["id"] for line in (tmp_path / "out").read_text().splitlines()] == [0, 1]


def test_a_start_that_fails_says_why_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "memory.db").write_text("dear diary")

    done = subprocess.run([*SERVER, "--home", str(tmp_path)], capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == (
        f"memory-mcp cannot start: {tmp_path}/memory.db is not a database; "
        "move it away, or point MEMORY_MCP_HOME somewhere else\n"
    )


def test_fifty_pipelined_calls_are_all_stored(raw: Start, tmp_path: Path) -> None:
    server = raw()
    server.begin()
    for number in range(1, 51):
        server.request(number, "tools/call", name="create_episode", arguments={**NEW, "task_description": f"t{number}"})

    answers = server.answers(50)

    acknowledged = {each["result"]["structuredContent"]["episode_id"] for each in answers.values()}
    with reopened(tmp_path) as memory:
        assert {row.id[-8:] for row in memory.episodes.list(limit=100).episodes} == acknowledged
    assert len(acknowledged) == 50


def test_fifty_slow_calls_do_not_delay_a_ping(raw: Start, tmp_path: Path) -> None:
    server = raw("--set", "store.busy_timeout_s=30")
    server.begin()
    with reopened(tmp_path) as memory:
        with memory.store.database.write():  # every one of the calls now waits for this lock
            for number in range(1, 51):
                arguments = {**NEW, "task_description": f"t{number}"}
                server.request(number, "tools/call", name="create_episode", arguments=arguments)
            server.request(99, "ping")
            assert server.answer()["id"] == 99
        answers = server.answers(50)
        assert all(not each["result"].get("isError") for each in answers.values())


def test_a_cancelled_call_gets_no_answer_and_does_not_run_if_it_has_not_begun(raw: Start, tmp_path: Path) -> None:
    server = raw("--set", "server.threads=1")
    server.begin()
    with reopened(tmp_path) as memory, memory.store.database.write():
        for number in (1, 2):
            arguments = {**NEW, "task_description": f"t{number}"}
            server.request(number, "tools/call", name="create_episode", arguments=arguments)
        cancel = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 2}}
        server.send(json.dumps(cancel).encode())
        server.request(3, "ping")
        assert server.answer()["id"] == 3

    assert server.answer()["id"] == 1
    server.request(4, "ping")
    assert server.answer()["id"] == 4
    with reopened(tmp_path) as memory:
        assert [row.task for row in memory.episodes.list().episodes] == ["t1"]


WRITER = """
import asyncio, os, sys
from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters
async def main(name):
    environment = {key: value for key, value in os.environ.items() if key.startswith("MEMORY_MCP_")}
    server = StdioServerParameters(command=sys.executable, args=["-m", "memory_mcp.server.app"], env=environment)
    async with Client(server) as client:
        for number in range(25):
            task = {"task_description": f"{name}-{number}", "task_type": "race", "domain": "test"}
            result = await client.call_tool("create_episode", task)
            assert not result.is_error, result.content
            print(result.structured_content["episode_id"])
asyncio.run(main(sys.argv[1]))
"""


@pytest.mark.long
def test_eight_servers_write_to_one_new_file_and_a_ninth_lists_all(raw: Start, tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "MEMORY_MCP_HOME": str(tmp_path / "home"),
        "MEMORY_MCP_PROJECT_NAME": "raw",
    }
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(number)], env=environment, stdout=subprocess.PIPE, text=True
        )
        for number in range(8)
    ]
    acknowledged = [line for writer in writers for line in writer.communicate(timeout=120)[0].split()]

    ninth = raw("--toolsets", "records")
    ninth.begin()
    listed: list[str] = []
    arguments: dict[str, Any] = {"limit": 100}
    while True:
        page = ninth.call(1, "list_episodes", **arguments)["structuredContent"]
        listed += [row["episode_id"] for row in page["episodes"]]
        if page["next_cursor"] is None:
            break
        arguments["cursor"] = page["next_cursor"]

    assert len(acknowledged) == 200
    assert sorted(listed) == sorted(acknowledged)


VICTIM = """
import os, sys
from pathlib import Path
from memory_mcp.memory import Memory
from memory_mcp.models.episodes import Step, StepSuccess
memory = Memory.open(os.environ, Path.cwd(), actor="victim")
number = 0
while True:
    episode, _ = memory.episodes.start(f"{sys.argv[1]}-{number}", task_type="victim")
    memory.episodes.append(episode.id, [Step("bash", "write", result=StepSuccess("x" * 2000))] * 5)
    print(episode.id, flush=True)
    number += 1
"""


@pytest.mark.long
def test_forty_kills_in_mid_write_lose_nothing_acknowledged(tmp_path: Path) -> None:
    environment = {**os.environ, "MEMORY_MCP_HOME": str(tmp_path / "home"), "MEMORY_MCP_PROJECT_NAME": "raw"}
    chance = random.Random(40)  # noqa: S311 - where to strike, not a secret
    acknowledged: set[str] = set()
    for round_ in range(40):
        victim = subprocess.Popen(
            [sys.executable, "-c", VICTIM, str(round_)], env=environment, stdout=subprocess.PIPE, text=True
        )
        assert victim.stdout is not None
        for _ in range(chance.randrange(1, 12)):
            acknowledged.add(victim.stdout.readline().strip())
        victim.kill()
        acknowledged.update(line for line in victim.stdout.read().split() if len(line) == 32)
        victim.stdout.close()
        victim.wait()

    with reopened(tmp_path) as memory:
        assert memory.store.is_intact()
        found: set[str] = set()
        cursor = None
        while True:
            page = memory.episodes.list(EpisodeFilter(task_type="victim"), limit=500, cursor=cursor)
            found |= {row.id for row in page.episodes}
            assert page.damaged == 0
            cursor = page.next_cursor
            if cursor is None:
                break
        assert acknowledged <= found
        assert all(len(memory.episodes.get(each).steps) == 5 for each in acknowledged)


@pytest.mark.anyio
@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_the_official_client_works_over_pipes_at_both_revisions(tmp_path: Path, mode: str) -> None:
    server = StdioServerParameters(
        command=SERVER[0], args=SERVER[1:], env={"MEMORY_MCP_HOME": str(tmp_path), "MEMORY_MCP_PROJECT_NAME": "raw"}
    )
    async with Client(server, mode=mode) as client:
        result = await client.call_tool("remember_note", {"text": "pipes work"})
        assert not result.is_error
        assert client.protocol_version == {"auto": "2026-07-28", "legacy": "2025-11-25"}[mode]


OLD_CLIENT = """
import asyncio, sys
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
async def main(python, home):
    server = StdioServerParameters(command=python, args=["-m", "memory_mcp.server.app", "--home", home])
    async with stdio_client(server) as (read, write), ClientSession(read, write) as session:
        started = await session.initialize()
        assert started.protocolVersion == "2025-11-25", started
        assert len((await session.list_tools()).tools) == 16
        await session.send_ping()
        made = await session.call_tool("remember_note", {"text": "an old client wrote this"})
        assert not made.isError, made
        print((await session.call_tool("query_memory", {"query": "old client"})).structuredContent["hits"][0]["text"])
asyncio.run(main(*sys.argv[1:]))
"""
OLD_PYTHON = Path(os.environ.get("MEMORY_MCP_TEST_OLD_CLIENT", "absent"))


@pytest.mark.skipif(
    not OLD_PYTHON.exists(),
    reason="needs a Python with mcp 1.30: set MEMORY_MCP_TEST_OLD_CLIENT to it, as .ci/run does",
)
def test_a_client_of_the_first_sdk_generation_works(tmp_path: Path) -> None:
    command = [str(OLD_PYTHON), "-c", OLD_CLIENT, sys.executable, str(tmp_path)]

    done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, check=False)

    assert done.stdout == "an old client wrote this\n", done.stderr
