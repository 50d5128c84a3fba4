"""This module measures what an agent waits for: its hooks, each a whole process, and the freshness of ten hits."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from memory_cli.bench.figures import Figure, latency, percentile, timed
from memory_cli.bench.memories import Filled
from memory_mcp.models.snapshots import Snapshot
from memory_mcp.worktrees.clones import clone_around, own_program
from memory_mcp.worktrees.snapshots import freshness, take
from memory_mcp.worktrees.trees import find_work_tree

_TIMES = 40
_REACH_MS = 80.0
_REACH_TIMES = 5.0
_HITS, _FILES = 10, 5
_FRESHNESS_REACH_MS = 10.0
_TOOL = {"tool_name": "Bash", "tool_input": {"command": "pytest tests/options -q"}}
_EVENTS: dict[str, dict[str, Any]] = {
    "session start": {"hook_event_name": "SessionStart", "source": "startup"},
    "user prompt": {"hook_event_name": "UserPromptSubmit"},
    "before a tool": {"hook_event_name": "PreToolUse", **_TOOL},
    "after a tool": {"hook_event_name": "PostToolUse", **_TOOL, "tool_response": {"stdout": "ok\n" * 100}},
    "stop": {"hook_event_name": "Stop"},
}


def hooks(memory: Filled, environ: dict[str, str]) -> Iterator[Figure]:
    """Run every hook as a process, in turns with an interpreter that does nothing."""
    where = memory.environ(environ)
    times: dict[str, list[float]] = {name: [] for name in _EVENTS}
    floor: list[float] = []
    for _ in range(_TIMES):
        floor += timed(lambda: _run(where, ["-c", "pass"], b""), 1)
        for name, event in _EVENTS.items():
            prompt = {"prompt": memory.vocabulary.title()} if name == "user prompt" else {}
            told = json.dumps({"session_id": "benchmark", **event, **prompt}).encode()
            times[name] += timed(lambda told=told: _run(where, ["-m", "memory_cli.entrance", "hook"], told), 1)  # type: ignore[misc]  # bound
    beside = {"python -c pass p50": percentile(floor, 0.5), "p95": percentile(floor, 0.95)}
    for name, values in times.items():
        yield latency("hooks", f"{name}, whole process", values, size=memory.size, reach=_REACH_MS, beside=beside)
        yield times_nothing(name, values, floor, size=memory.size)


def times_nothing(name: str, values: list[float], floor: list[float], *, size: int) -> Figure:
    """Compare the median time of a hook with that of an interpreter that does nothing, in the same run."""
    ours, nothing = percentile(values, 0.5), percentile(floor, 0.5)
    beside = {"p50 ms": round(ours, 1), "python -c pass p50 ms": round(nothing, 1)}
    what = f"{name}, times python -c pass"
    return Figure("hooks", what, "x", size, value=round(ours / nothing, 2), beside=beside, reach=_REACH_TIMES)


def fresh(memory: Filled, environ: dict[str, str]) -> Iterator[Figure]:
    """Compare the files of ten hits with a work tree: as they were, and all written anew since."""
    root = memory.home / "work-tree"
    files = [f"src/file{number}.py" for number in range(_HITS * _FILES)]
    for number, name in enumerate(files):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{memory.vocabulary.title()} {number}\n" * 300, encoding="utf-8")
    git = own_program("git", environ.get("PATH", os.defpath), clone_around(Path.cwd(), Path.home()))
    if git:
        for words in (["init", "-q"], ["add", "-A"]):
            subprocess.run([git, "-C", str(root), *words], check=True)  # noqa: S603 - fixed words
    tree = find_work_tree(root)
    if tree is None:
        yield Figure("fresh", "freshness of 10 hits", "ms", note="git made no work tree here")
        return
    parts = [files[start : start + _FILES] for start in range(0, len(files), _FILES)]
    snapshots = [take(tree, root, part, 0) for part in parts]
    what = f"freshness of {_HITS} hits with {_FILES} files each"

    def compare() -> None:
        for snapshot in snapshots:
            freshness(tree, snapshot)

    yield latency("fresh", f"{what}, unchanged", timed(compare, 100), reach=_FRESHNESS_REACH_MS)
    changed = []
    for turn in range(30):
        _rewrite(root, files, turn)
        changed += timed(compare, 1)
    size = sum((root / name).stat().st_size for name in files) // len(files)
    yield latency(
        "fresh",
        f"{what}, all changed ({size // 1000} KB)",
        changed,
        reach=_FRESHNESS_REACH_MS,
        beside=_count(snapshots),
    )


def _rewrite(root: Path, files: list[str], turn: int) -> None:
    for name in files:
        with (root / name).open("a", encoding="utf-8") as stream:
            stream.write(f"{turn}\n")


def _count(snapshots: list[Snapshot | None]) -> dict[str, float]:
    return {"files compared": float(sum(len(each.files) for each in snapshots if each))}


def _run(where: dict[str, str], words: list[str], told: bytes) -> None:
    subprocess.run([sys.executable, "-P", *words], input=told, env=where, check=True, capture_output=True)  # noqa: S603 - our own
