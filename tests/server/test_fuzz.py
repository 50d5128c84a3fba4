"""No tool call ends in a fault of ours, and whatever was accepted stays readable in every way."""

import json
import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import pytest
import typer.testing

from memory_cli.app import app
from memory_mcp.memory import Memory
from memory_mcp.models.recall import Query
from memory_mcp.server.desk import Desk
from memory_mcp.server.methods import methods_of
from memory_mcp.server.protocol_errors import INTERNAL_ERROR
from tests.conftest import OpenMemory
from tests.fakes import FrozenClock
from tests.importers.test_archives import content, exported, taken_in
from tests.server.conftest import RawServer
from tests.server.fuzzing import Call, Fuzzer
from tests.server.in_process import Pipes
from tests.server.processes import resident

CALLS = int(os.environ.get("MEMORY_MCP_TEST_FUZZ_CALLS", "3000"))  # .ci/run --full makes 20,000
FAULT = "failed inside"


class Line:
    """A server in this process, spoken to in lines."""

    def __init__(self, desk: Desk) -> None:
        self._pipes = Pipes(methods_of(desk))
        self._answers = os.fdopen(self._pipes.reading, "rb")
        self._number = 0

    def __enter__(self) -> Self:
        client = '{"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "x", "version": "1"}}'
        self.request("initialize", client)
        return self

    def __exit__(self, *_: object) -> None:
        self._pipes.close_input()
        self._answers.close()

    def request(self, method: str, params: str) -> dict[str, Any]:
        """Send a request whose parameters are JSON text, and return the answer."""
        self._number += 1
        line = f'{{"jsonrpc": "2.0", "id": {self._number}, "method": "{method}", "params": {params}}}'
        self._pipes.send(line.encode())
        answer: dict[str, Any] = json.loads(self._answers.readline())
        assert answer["id"] in (self._number, None)  # None where the line is unreadable and names several ids
        return answer

    def call(self, call: Call) -> dict[str, Any]:
        return self.request("tools/call", f'{{"name": "{call.tool}", "arguments": {call.arguments}}}')


def told(answer: dict[str, Any]) -> str:
    """Say how a call went: accepted, refused, or a fault, with its sentence."""
    if "error" in answer:
        return f"fault: {answer['error']}" if answer["error"]["code"] == INTERNAL_ERROR else "refused"
    result = answer["result"]
    if not result.get("isError"):
        return "accepted"
    sentence = result["content"][0]["text"]
    return f"fault: {sentence}" if FAULT in sentence else "refused"


def schemas(answer: dict[str, Any]) -> dict[str, Any]:
    return {tool["name"]: tool["inputSchema"] for tool in answer["result"]["tools"]}


def tell(fuzzer: Fuzzer, answer: dict[str, Any]) -> None:
    if told(answer) == "accepted":
        fuzzer.learn(answer["result"]["structuredContent"])


@pytest.mark.long
def test_any_call_is_answered_and_what_is_accepted_stays_readable(
    desk: Desk, clock: FrozenClock, another_home: OpenMemory, tmp_path: Path
) -> None:
    counts: Counter[str] = Counter()
    by_tool: Counter[tuple[str, str]] = Counter()
    faults = []
    with Line(desk) as line:
        fuzzer = Fuzzer(schemas(line.request("tools/list", "{}")), seed=11)
        for _ in range(CALLS):
            clock.moment += 1_000
            call = fuzzer.call()
            answer = line.call(call)
            outcome = told(answer)
            tell(fuzzer, answer)
            counts[outcome.partition(":")[0]] += 1
            by_tool[call.tool, outcome.partition(":")[0]] += 1
            if outcome.startswith("fault"):
                faults.append((call.tool, call.arguments[:300], outcome))
        assert faults == []
        shown = listed(line)
        for episode_id in shown:
            call = Call("get_episode", json.dumps({"episode_id": episode_id, "full_text": True}))
            assert told(line.call(call)) == "accepted"

        resources_are_read(line)

    print(f"\n{CALLS} calls: {counts['accepted']} accepted, {counts['refused']} refused")  # noqa: T201 - a figure to report
    assert counts["accepted"] > CALLS // 4
    assert counts["refused"] > CALLS // 10
    assert {tool for (tool, outcome), _ in by_tool.items() if outcome == "accepted"} >= set(READ_ALWAYS)
    assert shown
    readable_in_every_way(desk.memory, another_home(), tmp_path)
    shown_in_a_terminal(tmp_path / "home", shown)


def resources_are_read(line: Line) -> None:
    listed_resources = line.request("resources/list", "{}")
    for resource in listed_resources["result"]["resources"]:
        found = line.request("resources/read", json.dumps({"uri": resource["uri"]}))
        assert "contents" in found["result"]


def shown_in_a_terminal(home: Path, episodes: list[str]) -> None:
    """Run every command that shows records."""
    runner = typer.testing.CliRunner(env={"MEMORY_MCP_HOME": str(home), "MEMORY_MCP_PROJECT_NAME": "here"})
    nouns = ("episode", "note", "conversation", "pattern", "handoff", "tag", "queue")
    commands = [[noun, "list", *flags] for noun in nouns for flags in ([], ["--json"])]
    views = [["episode", "view", each, *flags] for each in episodes[:30] for flags in ([], ["--json"], ["--timeline"])]
    for words in [*commands, *views, ["health"], ["doctor"], ["episode", "search", "deploy tests"]]:
        result = runner.invoke(app, words)
        assert result.exit_code == 0, (words, result.output, result.exception)


READ_ALWAYS = ("create_episode", "add_episode_steps", "complete_episode", "remember_note", "query_memory")


def listed(line: Line) -> list[str]:
    """Return the ids of every task, page by page."""
    found: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        answer = line.call(Call("list_episodes", json.dumps({"limit": 100, **cursor})))
        assert told(answer) == "accepted"
        page = answer["result"]["structuredContent"]
        found += [row["episode_id"] for row in page["episodes"]]
        assert "damaged" not in page
        if page["next_cursor"] is None:
            return found
        cursor = {"cursor": page["next_cursor"]}


def told_in(export: Path) -> list[str]:
    """Return the lines of an export without the links that learning makes by itself, also where one was removed."""
    return [line for line in content(export) if '"kind":"duplicates"' not in line]


def readable_in_every_way(memory: Memory, other: Memory, tmp_path: Path) -> None:
    """Read, search, export and import every record, and compare."""
    first = exported(memory, tmp_path / "first.jsonl")
    summary = taken_in(other, first)
    second = exported(other, tmp_path / "second.jsonl")
    assert summary.reports == []
    assert told_in(second) == told_in(first)
    cursor = None
    tasks = []
    while True:
        page = memory.episodes.list(limit=1_000, cursor=cursor)
        assert page.damaged == 0
        tasks += [(row.id, row.task) for row in page.episodes]
        cursor = page.next_cursor
        if cursor is None:
            break
    for each, task in tasks:
        episode = memory.episodes.get(each)
        brought = other.episodes.get(each)
        assert [step.parameters for step in brought.steps] == [step.parameters for step in episode.steps]
        assert memory.recall.search(Query(task[:2_000], limit=3)).mode == "hybrid"


@pytest.mark.long
def test_a_server_on_pipes_answers_each_call_once_and_does_not_grow(raw: Callable[..., RawServer]) -> None:
    server = raw("--toolsets", "all")
    server.begin()
    server.request(1, "tools/list")
    fuzzer = Fuzzer(schemas(server.answer()), seed=7)
    outcomes: Counter[str] = Counter()
    sizes = []

    for number in range(2, CALLS + 2):
        call = fuzzer.call()
        server.send(
            f'{{"jsonrpc": "2.0", "id": {number}, "method": "tools/call", "params": {{"name": "{call.tool}", '
            f'"arguments": {call.arguments}}}}}'.encode()
        )
        answer = server.answer()
        assert answer["id"] in (number, None)  # None where the line is unreadable and names several ids
        tell(fuzzer, answer)
        outcomes[told(answer)] += 1
        if number % (CALLS // 10) == 0:
            sizes.append(resident(server.process.pid) >> 20)

    print(f"\n{CALLS} calls: {dict(outcomes)}; MiB after each tenth: {sizes}")  # noqa: T201 - a figure to report
    assert set(outcomes) == {"accepted", "refused"}
    assert outcomes["accepted"] > CALLS // 4
    assert sizes[-1] < sizes[-4] + 24
    assert sizes[-1] < 256  # caches are full
    code, rest, errors = server.finish()
    assert (code, rest, b"Traceback" in errors) == (0, b"", False)
