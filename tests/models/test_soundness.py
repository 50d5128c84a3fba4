"""Whatever stands in an export, what is taken in of it poisons nothing."""

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from memory_mcp.errors import MemoryMcpError
from memory_mcp.hooks.briefing import session_briefing
from memory_mcp.memory import Memory
from memory_mcp.models.patterns import PatternFilter
from memory_mcp.models.recall import Query
from memory_mcp.models.recommendations import Wanted
from memory_mcp.server.desk import Desk
from memory_mcp.server.tools.catalogue import TOOLS
from tests.conftest import OpenMemory
from tests.fakes import FrozenClock
from tests.importers.test_archives import exported, live, taken_in

STRANGE: tuple[Any, ...] = (
    *(None, True, -1, 0, 1.5, 1e308, 2**31, 2**53, 2**62, 2**63 - 1, 2**63, 2**64, -(2**63), 10**30),
    *("", " ", "\x00", "\u202e", "x" * 20_000, "../../etc/passwd", [], {}, [[]], {"a": 2**64}, ["\x00"]),
)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the way to each value inside a line."""
    if path:
        yield path
    for name, inner in (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    ):
        yield from places(inner, (*path, name))


def changed(line: dict[str, Any], path: tuple[Any, ...], value: Any, suffix: str) -> dict[str, Any]:
    """Return a copy of a line with one value replaced, under an id of its own."""
    copy: dict[str, Any] = json.loads(json.dumps(line))
    for holder in (copy, copy.get("episode"), copy.get("note"), copy.get("recommendation")):
        if isinstance(holder, dict) and isinstance(holder.get("id"), str):
            holder["id"] += suffix
    for turn in copy.get("turns", []):
        turn["id"] += suffix
    inner = copy
    for name in path[:-1]:
        inner = inner[name]
    inner[path[-1]] = value
    return copy


def read_every_way(memory: Memory, tmp_path: Path) -> None:
    """Ask everything that reads; sentences are fine, faults are not."""
    for kind in ("task", "conversation"):
        cursor = None
        while True:
            page = memory.episodes.list(kind=kind, limit=100, cursor=cursor)
            for row in page.episodes:
                memory.episodes.get(row.id)
            cursor = page.next_cursor
            if cursor is None:
                break
    for question in ("repair the module", "drain the stuck deploy", "the build needs node"):
        assert memory.recall.search(Query(question, limit=100)).hits
    memory.learning.follow()
    memory.store.patterns.list(PatternFilter(include_retired=True), limit=100, cursor=None)
    memory.advice.playbook(Wanted("repair module 2"))
    memory.advice.patterns(Wanted("repair module 2"))
    for handoff in memory.handoffs.list(100):
        memory.handoffs.get(handoff.id)
    session_briefing(memory)
    exported(memory, tmp_path / "again.jsonl")
    desk = Desk(memory)
    for name, given in (
        ("list_episodes", {"limit": 100}),
        ("query_memory", {"query": "repair the module", "limit": 100}),
        ("analyze_patterns", {"limit": 100}),
        ("list_tags", {}),
        ("get_metrics", {}),
        ("health_check", {}),
        ("order_episodes", {"kind": "follows"}),
    ):
        tool = TOOLS[name]
        json.dumps(tool.run(desk, tool.arguments(**given)))
    for row in memory.episodes.list(limit=1_000).episodes:
        tool = TOOLS["get_episode"]
        json.dumps(tool.run(desk, tool.arguments(episode_id=row.id)))


@pytest.mark.parametrize("seed", range(3))
def test_an_export_changed_in_any_place_breaks_no_later_call(
    open_memory: OpenMemory, clock: FrozenClock, tmp_path: Path, another_home: OpenMemory, seed: int
) -> None:
    live(open_memory(), clock, seed=1)
    first = exported(open_memory(), tmp_path / "first.jsonl")
    lines = [json.loads(line) for line in first.read_text(encoding="utf-8").splitlines()]
    records = [line for line in lines if line["line"] in {"episode", "note"}]
    dice = random.Random(seed)  # noqa: S311 - changes to replay
    other, path = another_home(), tmp_path / "changed.jsonl"
    taken_in(other, first)
    taken = refused = 0
    for number in range(600):
        line = dice.choice(records if dice.random() < 0.7 else lines[1:])
        strange = changed(line, dice.choice(list(places(line))), dice.choice(STRANGE), f"x{number}")
        path.write_text(f"{json.dumps(lines[0])}\n{json.dumps(strange)}\n", encoding="utf-8")
        try:
            summary = taken_in(other, path)
        except MemoryMcpError:
            refused += 1
        else:
            taken += summary.imported
            refused += summary.bad

    assert taken > 50
    assert refused > 50
    read_every_way(other, tmp_path)
