"""This module measures whole processes: servers over pipes, commands, memory, disk."""

import re
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from memory_cli.bench.figures import Figure, latency, percentile, timed
from memory_cli.bench.memories import Filled, add_sentence_vectors
from memory_cli.bench.peers import raw_commits
from memory_cli.bench.prompts import long_prompt
from memory_cli.servers import Server, listed, write_at_once, write_until_killed

_NO_OP = """
import asyncio
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server
import mcp_types as types
async def listed(context, params): return types.ListToolsResult(tools=[])
async def main():
    server = Server("no-op", on_list_tools=listed)
    async with stdio_server() as (read, write):
        await server.run(read, write, server.create_initialization_options())
asyncio.run(main())
"""
_QUERY_REACH = {10_000: 10.0, 100_000: 25.0}
_SENTENCE_REACH = {100_000: 35.0}
_PROMPT_REACH = 2.0  # times a title
_NEW = {"task_type": "benchmark", "domain": "benchmark"}
_SERVERS, _WRITES, _KILLS = 8, 25, 40
_SHARING = 4
_READY_TRIES = 10_000


def querying(memory: Filled, environ: dict[str, str]) -> Iterator[Figure]:
    """Call query_memory over stdio, whole tool calls."""
    titles = [memory.vocabulary.title() for _ in range(200)]
    texts = [memory.vocabulary.long_question(600) for _ in range(100)]
    longest = [memory.vocabulary.long_question(1_400) for _ in range(30)]
    with Server(memory.environ(environ)) as server:
        server.call("query_memory", query="warm up")
        for what, questions, reach in (
            ("a title", titles, _QUERY_REACH.get(memory.size)),
            ("600 characters", texts, 40.0 if memory.size == 10_000 else None),  # noqa: PLR2004 - as in DESIGN.md
            ("200 words and more", longest, None),
        ):
            times = [timed(lambda q=q: server.call("query_memory", query=q), 1)[0] for q in questions]  # type: ignore[misc]  # bound
            yield latency("query", f"query_memory over stdio, {what}, hashed", times, size=memory.size, reach=reach)
        yield _prompt_beside_title(server, titles[:100], memory.size, "hashed")


def _prompt_beside_title(server: Server, titles: list[str], size: int, vectors: str) -> Figure:
    """Ask each title bare and, in turns with that, as the last line of a prompt of 300 words."""
    bare, long = [], []
    for title in titles:
        prompt = long_prompt(title)
        bare += timed(lambda q=title: server.call("query_memory", query=q), 1)  # type: ignore[misc]  # bound
        long += timed(lambda q=prompt: server.call("query_memory", query=q), 1)  # type: ignore[misc]  # bound
    ours, title_ms = percentile(long, 0.5), percentile(bare, 0.5)
    beside = {
        "p50 ms": round(ours, 1),
        "p95 ms": round(percentile(long, 0.95), 1),
        "a title p50 ms": round(title_ms, 1),
    }
    what = f"query_memory over stdio, a prompt of 300 words, {vectors}, times a title"
    return Figure("query", what, "x", size, value=round(ours / title_ms, 2), beside=beside, reach=_PROMPT_REACH)


def recording(memory: Filled, environ: dict[str, str]) -> Iterator[Figure]:
    """Record steps, and fifty calls at once, over stdio; then eight servers at once."""
    with Server(memory.environ(environ)) as server:
        made = server.call("create_episode", task_description="steps", **_NEW)
        step = {"tool": "bash", "action": "ls", "result": {"type": "success", "output": "x" * 500}}
        times = timed(lambda: server.call("add_episode_steps", episode_id=made["episode_id"], steps=[step]), 300)
        peer = {"raw SQLite p95": percentile(raw_commits(memory.home / "raw.db", 300), 0.95)}
        yield latency("record", "a step over stdio, durable", times, reach=5.0, beside=peer)
        calls: list[dict[str, Any]] = [{"task_description": f"burst {number}", **_NEW} for number in range(50)]
        yield latency("record", "50 pipelined calls", server.burst("create_episode", calls), reach=40.0)
    acknowledged = write_at_once(lambda: Server(memory.environ(environ)), _SERVERS, _WRITES)
    missing = _SERVERS * _WRITES - len(set(acknowledged) & _readable(memory, environ))
    yield Figure("record", f"{_SERVERS} processes x {_WRITES} writes, not readable", "writes", value=missing, reach=0.0)


def killing(memory: Filled, environ: dict[str, str]) -> Iterator[Figure]:
    """Kill servers in mid-write, and look for what they had acknowledged."""
    acknowledged = write_until_killed(lambda: Server(memory.environ(environ)), _KILLS)
    lost = set(acknowledged) - _readable(memory, environ)
    note = f"{len(acknowledged)} were acknowledged"
    yield Figure("kill", f"acknowledged writes lost in {_KILLS} kills", "writes", value=len(lost), reach=0.0, note=note)


def _readable(memory: Filled, environ: dict[str, str]) -> set[str]:
    """Let a fresh process list every episode."""
    with Server(memory.environ(environ), "--toolsets", "records") as fresh:
        return set(listed(fresh))


def starting(memory: Filled, environ: dict[str, str]) -> Iterator[Figure]:
    """From spawn to the first answer, beside a server on the official SDK that does nothing."""
    where = memory.environ(environ)

    def first_answer(code: str = "") -> None:
        with Server(where, code=code) as server:
            server.request("tools/list")

    ours, peer = [], []
    for _ in range(8):
        ours += timed(first_answer, 1)
        peer += timed(lambda: first_answer(_NO_OP), 1)
    ratio = statistics.median(ours) / statistics.median(peer)
    beside = {"ours p50 ms": round(percentile(ours, 0.5), 1), "no-op p50 ms": round(percentile(peer, 0.5), 1)}
    yield Figure(
        "spawn", "first answer, times a no-op server on the SDK", "x", value=round(ratio, 2), beside=beside, reach=0.3
    )


def commands(memory: Filled, environ: dict[str, str]) -> Iterator[Figure]:
    """Run a listing and a search as whole processes, beside an interpreter that does nothing."""
    where = memory.environ(environ)
    floor = {"python -c pass p50": percentile(timed(_process(where, "-c", "pass"), 10), 0.5)}
    for what, words, reach in (
        ("episode list", ("episode", "list"), 150.0 if memory.size == 10_000 else None),  # noqa: PLR2004 - DESIGN.md
        ("episode list --json", ("episode", "list", "--json"), None),
        ("episode search, hashed", ("episode", "search", "fix the option parser"), 250.0),
    ):
        times = timed(_command(where, *words), 10)
        yield latency("command", f"memory-cli {what}", times, size=memory.size, reach=reach, held_to=0.5, beside=floor)


def _command(where: dict[str, str], *words: str) -> Callable[[], object]:
    return _process(where, "-m", "memory_cli.app", *words)


def _process(where: dict[str, str], *words: str) -> Callable[[], object]:
    command = [sys.executable, "-P", *words]
    return lambda: subprocess.run(command, env=where, check=True, capture_output=True)  # noqa: S603 - our own


def resident(memory: Filled, environ: dict[str, str], model: Path | None) -> Iterator[Figure]:
    """Ask the system how much memory a server takes, where /proc tells."""
    if not Path("/proc/self/smaps_rollup").exists():
        yield Figure("memory", "resident memory", "MB", note="this system has no /proc")
        return
    with Server(memory.environ(environ)) as server:
        server.request("tools/list")
        yield Figure("memory", "idle server, before any search", "MB", value=_rss(server.pid), reach=50.0)
        _until_vectors_serve(server)
        what = f"after a hashed search at {memory.size:,} episodes"
        yield Figure("memory", what, "MB", value=_rss(server.pid))
    if model is None:
        yield Figure("memory", "after first use of the sentence model", "MB", note="the model is not installed")
        return
    empty = Filled(memory.home / "empty", 0, memory.vocabulary, 0, 0)
    with Server(empty.environ(environ, "minilm", model)) as server:
        server.call("remember_note", text="a fact about the option parser")
        _until_vectors_serve(server)
        yield Figure("memory", "after first use of the sentence model", "MB", value=_rss(server.pid), reach=200.0)


def sharing(memory: Filled, environ: dict[str, str], model: Path | None) -> Iterator[Figure]:
    """Let four servers with vectors of 384 dimensions work on one store, and see what each has for itself."""
    what = f"each of {_SHARING} servers has for itself"
    if model is None or not Path("/proc/self/smaps_rollup").exists():
        why = "the sentence model is not installed" if model is None else "this system has no /proc"
        yield Figure("sharing", what, "MB", memory.size, note=why)
        return
    add_sentence_vectors(memory.home)
    where = memory.environ(environ, "minilm", model)
    build = timed(_command(where, "cache", "warm"), 1)
    yield latency("sharing", "memory-cli cache warm, whole process", build, size=memory.size)
    with ExitStack() as stack:
        servers = [stack.enter_context(Server(where)) for _ in range(_SHARING)]
        before = [_own(server.pid) for server in servers]
        for server in servers:
            _until_vectors_serve(server)
        questions = [memory.vocabulary.title() for _ in range(100)]
        times = [timed(lambda q=q: servers[0].call("query_memory", query=q), 1)[0] for q in questions]  # type: ignore[misc]  # bound
        for server in servers[1:]:
            for question in questions[:10]:
                server.call("query_memory", query=question)
        after = [_own(server.pid) for server in servers]
        shown = {"before any search": round(statistics.mean(before), 1), "resident": _rss(servers[0].pid)}
        added = max(now - then for now, then in zip(after, before, strict=True))
        yield Figure(
            "sharing", f"{what}, added by searching", "MB", memory.size, round(added, 1), beside=shown, reach=60.0
        )
        name = "query_memory over stdio, a title, sentence model"
        yield latency("query", name, times, size=memory.size, reach=_SENTENCE_REACH.get(memory.size))
        yield _prompt_beside_title(servers[0], questions, memory.size, "sentence model")
    first = timed(_command(where, "episode", "search", "fix the option parser"), 10)
    yield latency(
        "command", "memory-cli episode search, sentence model", first, size=memory.size, reach=250.0, held_to=0.5
    )


def installed() -> Iterator[Figure]:
    """Add up the files of this distribution and of all that it needs."""
    sizes: dict[str, int] = {}
    waiting = ["memory-mcp"]
    while waiting:
        name = waiting.pop()
        if name in sizes:
            continue
        try:
            found = distribution(name)
        except PackageNotFoundError:
            sizes[name] = 0
            continue
        sizes[name] = _size(found)
        waiting += [_plain(need) for need in found.requires or () if "extra ==" not in need]
    total = sum(sizes.values()) / 1e6
    largest = {name: round(size / 1e6, 1) for name, size in sorted(sizes.items(), key=lambda pair: -pair[1])[:4]}
    yield Figure(
        "size", "installed, everything but the model", "MB", value=round(total, 1), beside=largest, reach=110.0
    )


def _size(found: Distribution) -> int:
    paths = [Path(str(found.locate_file(file))) for file in found.files or ()]
    return sum(path.stat().st_size for path in paths if path.is_file() and "__pycache__" not in path.parts)


def _plain(need: str) -> str:
    match = re.match(r"[\w.-]+", need)
    return match[0].lower().replace("_", "-") if match else need


def _until_vectors_serve(server: Server) -> None:
    """Ask again until what is made in the background took part in the answer."""
    for _ in range(_READY_TRIES):
        answer = server.call("query_memory", query="fix the option parser")
        if answer.get("mode") == "hybrid" and "degraded" not in answer:
            return


def _rss(pid: int) -> float:
    return _megabytes(pid, "Rss")


def _own(pid: int) -> float:
    """Return what a process cannot share: not the pages of mapped files, whether others have touched them or not."""
    return _megabytes(pid, "Anonymous")


def _megabytes(pid: int, field: str) -> float:
    """Return megabytes by the system's own account."""
    told = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    return round(int(re.findall(rf"^{field}:\s+(\d+)", told, re.MULTILINE)[0]) / 1024, 1)
