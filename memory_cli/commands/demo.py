"""This module is `memory-cli demo`: the main job from end to end, in a scratch memory."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import msgspec

import memory_cli
from memory_cli import show
from memory_cli.commands.imports import import_history
from memory_cli.opening import Opening, scratch_environ
from memory_mcp.errors import GitError, MemoryMcpError
from memory_mcp.models.rehearsal import Rehearsal
from memory_mcp.worktrees.git import run_git
from memory_mcp.worktrees.trees import find_work_tree

_SAMPLE = "sample-history.jsonl"
_LIMIT_S = 120
_BOOSTS = ("success", "recency", "date")


def demo(json: show.Json = False) -> None:
    """Import this repository's history into a scratch memory, record an episode over MCP and find it again.

    Exit code 0 only if the recorded episode came back first.
    """
    with tempfile.TemporaryDirectory(prefix="memory-mcp-demo-") as home:
        started = time.perf_counter()
        source, imported, question = _history(Path(home))
        imported_s = time.perf_counter() - started
        rehearsal = _rehearse(Path(home), question)
    timings = {"import and index": imported_s, **rehearsal.timings_s}
    if json:
        show.as_json({"source": source, "imported": imported, "rehearsal": rehearsal, "timings_s": timings})
    else:
        show.line(f"scratch memory with {imported} commits of {source}; server memory-mcp {rehearsal.server_version}\n")
        for asked in rehearsal.questions:
            show.table(
                f"? {asked.question}",
                ("score", "keyword", "similarity", "boosts", "relevance", "outcome", "text"),
                (
                    (
                        f"{hit['explain']['score']:.2f}",
                        f"{hit['explain'].get('keyword', 0):.2f}",
                        f"{hit['explain'].get('similarity', 0):.2f}",
                        " ".join(f"{b} {hit['explain'][b]:.2f}" for b in _BOOSTS if b in hit["explain"]),
                        f"{hit['relevance']:.2f}",
                        hit.get("outcome", hit["kind"]),
                        show.first_line(hit["text"], 70),
                    )
                    for hit in asked.hits
                ),
            )
            show.line("" if asked.hits else "  nothing relevant is remembered\n")
        show.table("Where the time went", ("what", "ms"), ((k, f"{v * 1_000:.0f}") for k, v in timings.items()))
    if not rehearsal.found_first:
        raise MemoryMcpError("the recorded episode did not come back first")
    (show.note if json else show.line)("The recorded episode came back first.")


def _history(home: Path) -> tuple[str, int, str]:
    """Fill the scratch memory; return what was imported, how much, and a question about it."""
    here = Path.cwd()
    source = here if find_work_tree(here) and _has_commits(here) else sample_history()
    opening = Opening(environ=scratch_environ(os.environ, home, "demo"), directory=here, flags={}, config_file=None)
    with opening.memory() as memory:
        summary = import_history(memory, source)
        rows = memory.episodes.list(limit=200).episodes
    middle = show.first_line(rows[len(rows) // 2].task) if rows else "first commit"
    return str(source), summary.imported, middle


def _has_commits(directory: Path) -> bool:
    try:
        return run_git(directory, "rev-parse", "--verify", "--quiet", "HEAD").returncode == 0
    except GitError:
        return False


def sample_history() -> Path:
    """Return the recorded history: inside the wheel, or in examples/ of a checkout."""
    packaged = Path(memory_cli.__file__).with_name(_SAMPLE)
    return packaged if packaged.is_file() else Path(memory_cli.__file__).parent.parent / "examples" / _SAMPLE


def _rehearse(home: Path, question: str) -> Rehearsal:
    """Let the official MCP client talk to the installed server, in a process of its own."""
    command = [sys.executable, "-P", "-m", "memory_mcp.server.rehearsal", question]  # a clone may hold such a package
    done = subprocess.run(  # noqa: S603 - our own module
        command,
        capture_output=True,
        text=True,
        env=scratch_environ(os.environ, home, "demo"),
        timeout=_LIMIT_S,
        check=False,
    )
    if done.returncode:
        reason = done.stderr.strip().splitlines()
        raise MemoryMcpError(f"the rehearsal failed: {reason[-1] if reason else f'exit code {done.returncode}'}")
    return msgspec.json.decode(done.stdout, type=Rehearsal)
