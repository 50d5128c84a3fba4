"""The figures of speed and size, each beside a floor or peer measured in the same run.

    python benchmarks/figures.py [--episodes 10000] [--model DIRECTORY] [--only WORD]

Episodes are made from real commit messages (--data); machines are noisy, so read the ratios before the milliseconds.
"""

import argparse
import asyncio
import os
import random
import re
import shutil
import sqlite3
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters

from memory_mcp.config.places import places
from memory_mcp.config.settings import EmbeddingSettings, Settings, StoreSettings
from memory_mcp.embeddings.minilm import MiniLmProvider
from memory_mcp.importers.commits import Commit, read_json_lines
from memory_mcp.importers.git import episode_of
from memory_mcp.memory import Memory
from memory_mcp.models.episodes import Episode, Step, StepSuccess
from memory_mcp.retrieval.vectors import VectorMatrix

ROOT = Path(__file__).parent.parent
NO_OP = """
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
PROJECT = "benchmark"


class Bench:
    """A filled memory and what is measured on it."""

    def __init__(self, home: Path, commits: Sequence[Commit], count: int, model: Path | None) -> None:
        self.home = home
        self.count = count
        self.model = model
        self.random = random.Random(1)
        self.titles = [commit.subject for commit in commits]
        self.bodies = [commit.body for commit in commits if len(commit.body) > 600]
        settings = Settings(store=StoreSettings(home=str(home)), embeddings=EmbeddingSettings(provider="hash"))
        self.memory = Memory(settings, places(settings, settings_file=home / "none"), PROJECT, actor="benchmark")
        started = time.perf_counter()
        for start in range(0, count, 500):
            self.memory.episodes.record(list(self._episodes(commits, start, min(500, count - start))))
        stored = time.perf_counter() - started
        self.memory.index.follow_for_search(0)
        indexed = time.perf_counter() - started - stored
        row("fill", f"{count} episodes stored", f"{stored:.1f} s", f"indexed in {indexed:.1f} s")

    def _episodes(self, commits: Sequence[Commit], start: int, count: int) -> Iterator[Episode]:
        """Vary real commits so that no two tasks are the same."""
        for number in range(start, start + count):
            commit = commits[number % len(commits)]
            other = commits[self.random.randrange(len(commits))]
            varied = msgspec.structs.replace(
                commit,
                commit=f"{number:040x}",
                subject=f"{commit.subject} ({number})",
                body=f"{commit.body}\n{other.subject}",
            )
            yield episode_of(varied)

    def server(self) -> StdioServerParameters:
        """Return our server on the filled memory."""
        environment = {
            "MEMORY_MCP_HOME": str(self.home),
            "MEMORY_MCP_PROJECT_NAME": PROJECT,
            "MEMORY_MCP_EMBEDDINGS_PROVIDER": "hash",
        }
        return StdioServerParameters(command=sys.executable, args=["-m", "memory_mcp.server.app"], env=environment)


def row(part: str, what: str, measured: str, beside: str = "", reach: str = "") -> None:
    """Print one line of the table."""
    print(f"{part:<9} {what:<58} {measured:>22}   {beside:<44} {reach}", flush=True)


def percentiles(values: Sequence[float]) -> str:
    """Render p50 and p95 of seconds in milliseconds."""
    ordered = sorted(values)
    return f"p50 {ordered[len(ordered) // 2] * 1e3:.2f} p95 {ordered[int(len(ordered) * 0.95)] * 1e3:.2f} ms"


def timed(call: Callable[[], object], times: int) -> list[float]:
    """Time a call again and again, in seconds."""
    found = []
    for _ in range(times):
        started = time.perf_counter()
        call()
        found.append(time.perf_counter() - started)
    return found


def main() -> None:
    """Measure everything, or what `--only` names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--episodes", type=int, default=10_000)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data" / "git")
    parser.add_argument("--model", type=Path, help="directory of all-MiniLM-L6-v2; its rows are left out without it")
    parser.add_argument("--only", default="", help="only parts whose name contains this")
    chosen = parser.parse_args()
    files = sorted(chosen.data.glob("*.jsonl.gz")) or [ROOT / "examples" / "sample-history.jsonl"]
    commits = [commit for file in files for commit in read_json_lines(file)]
    row("part", "what", "measured", "beside it, same run", "to reach (DESIGN.md section 8)")
    with tempfile.TemporaryDirectory() as home:
        bench = Bench(Path(home), commits, chosen.episodes, chosen.model)
        for part in (query, ranking, hot, step, pipelined, spawn, listing, memory_use, sentence_model, size):
            if chosen.only in part.__name__:
                part(bench)
        bench.memory.close()
    print("recall: python benchmarks/recall.py; 8 x 25 writers and 40 kills: tests/server/test_stdio.py")


def query(bench: Bench) -> None:
    """Whole tool calls over stdio, beside stock FTS5 in process on the same texts."""

    async def ask(texts: Sequence[str]) -> list[float]:
        async with Client(bench.server(), mode="legacy") as client:
            await client.call_tool("query_memory", {"query": "warm up"})
            found = []
            for text in texts:
                started = time.perf_counter()
                result = await client.call_tool("query_memory", {"query": text})
                found.append(time.perf_counter() - started)
                assert not result.is_error, result.content
            return found

    stock = sqlite3.connect(":memory:")
    stock.execute("CREATE VIRTUAL TABLE documents USING fts5 (text)")
    with bench.memory.store.database.read() as session:
        tasks = session.rows("SELECT task FROM episodes")
    stock.executemany("INSERT INTO documents VALUES (?)", tasks)

    def stock_search(text: str) -> None:
        match = " OR ".join(f'"{term}"' for term in re.findall(r"\w+", text)) or '""'
        stock.execute(
            "SELECT rowid FROM documents WHERE documents MATCH ? ORDER BY bm25(documents) LIMIT 5", (match,)
        ).fetchall()

    titles = bench.random.sample(bench.titles, 200)
    bodies = [bench.random.choice(bench.bodies)[:600] for _ in range(100)]
    for name, texts, reach in (("title-long", titles, "p95 <= 10 ms"), ("600 characters", bodies, "p95 <= 40 ms")):
        ours = asyncio.run(ask(texts))
        peer = [timed(lambda text=text: stock_search(text), 1)[0] for text in texts]  # type: ignore[misc]  # bound at once
        row("query", f"query_memory over stdio, {name}", percentiles(ours), f"stock FTS5 {percentiles(peer)}", reach)


def ranking(bench: Bench) -> None:
    """Cosine ranking alone, beside the plain matrix product."""
    for count, reach in ((10_000, "<= 0.2 ms"), (100_000, "<= 4 ms")):
        vectors = np.random.default_rng(1).normal(size=(count, 384)).astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        matrix = VectorMatrix(384)
        blobs = vectors.astype(np.float16)
        matrix.replace([(number + 1, blobs[number].tobytes()) for number in range(count)])
        asked = vectors[7]
        ours = timed(lambda m=matrix, q=asked: m.rank(m.scores(q), 200, allowed=None, barred=[]), 50)  # type: ignore[misc]  # bound
        floor = timed(lambda v=vectors, q=asked: v @ q, 50)  # type: ignore[misc]  # bound at once
        row(
            "ranking",
            f"rank {count} vectors of 384, top 200",
            percentiles(ours),
            f"product {percentiles(floor)}",
            reach,
        )
    del bench


def hot(bench: Bench) -> None:
    """A 50-step episode from the store; the hot cache comes with a later issue."""
    episode, _ = bench.memory.episodes.start("fifty steps")
    bench.memory.episodes.append(
        episode.id, [Step("bash", f"step {number}", result=StepSuccess("x" * 200)) for number in range(50)]
    )
    ours = timed(lambda: bench.memory.episodes.get(episode.id), 300)
    row("get", "get a 50-step episode from SQLite, in process", percentiles(ours), "", "<= 5 us from the hot cache")


def step(bench: Bench) -> None:
    """Durable steps over stdio, beside a raw SQLite commit."""

    async def append() -> list[float]:
        async with Client(bench.server(), mode="legacy") as client:
            task = {"task_description": "steps", "task_type": "benchmark", "domain": "benchmark"}
            created = (await client.call_tool("create_episode", task)).structured_content or {}
            arguments: dict[str, Any] = {
                "episode_id": created["episode_id"],
                "steps": [{"tool": "bash", "action": "ls", "result": {"type": "success", "output": "x" * 500}}],
            }
            found = []
            for _ in range(300):
                started = time.perf_counter()
                await client.call_tool("add_episode_steps", arguments)
                found.append(time.perf_counter() - started)
            return found

    path = bench.home / "raw.db"
    raw = sqlite3.connect(path, isolation_level=None)
    raw.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; CREATE TABLE steps (text)")
    peer = timed(lambda: raw.execute("INSERT INTO steps VALUES (?)", ("x" * 500,)).fetchall(), 300)
    row(
        "step",
        "record a step over stdio",
        percentiles(asyncio.run(append())),
        f"raw SQLite {percentiles(peer)}",
        "p95 <= 5 ms",
    )


def pipelined(bench: Bench) -> None:
    """Fifty calls at once on one connection."""

    async def burst() -> list[float]:
        async with Client(bench.server(), mode="legacy") as client:

            async def one(number: int) -> float:
                started = time.perf_counter()
                task = {"task_description": f"burst {number}", "task_type": "benchmark", "domain": "benchmark"}
                await client.call_tool("create_episode", task)
                return time.perf_counter() - started

            await one(0)
            return list(await asyncio.gather(*(one(number) for number in range(50))))

    row("burst", "50 pipelined create_episode calls", percentiles(asyncio.run(burst())), "", "p95 < 50 ms")


def spawn(bench: Bench) -> None:
    """From spawn to the first answer, beside a server that does nothing."""

    async def first_answer(server: StdioServerParameters) -> float:
        started = time.perf_counter()
        async with Client(server, mode="legacy") as client:
            await client.list_tools()
            return time.perf_counter() - started

    script = bench.home / "no_op.py"
    script.write_text(NO_OP, encoding="utf-8")
    empty = StdioServerParameters(command=sys.executable, args=[str(script)])
    ours, peer = [], []
    for _ in range(8):
        ours.append(asyncio.run(first_answer(bench.server())))
        peer.append(asyncio.run(first_answer(empty)))
    ratio = statistics.median(ours) / statistics.median(peer)
    row(
        "spawn",
        "spawn to first answer",
        percentiles(ours),
        f"no-op server {percentiles(peer)}, x {ratio:.2f}",
        "<= 1.1 x",
    )


def listing(bench: Bench) -> None:
    """A listing and a search as whole processes, beside an interpreter that does nothing."""
    environment = {**os.environ, "MEMORY_MCP_HOME": str(bench.home), "MEMORY_MCP_PROJECT_NAME": PROJECT}
    environment["MEMORY_MCP_EMBEDDINGS_PROVIDER"] = "hash"

    def process(*words: str) -> Callable[[], object]:
        return lambda: subprocess.run([sys.executable, *words], env=environment, check=True, capture_output=True)

    floor = percentiles(timed(process("-c", "pass"), 10))
    listed = timed(process("-m", "memory_cli.app", "episode", "list"), 10)
    row(
        "listing", "memory-cli episode list, whole process", percentiles(listed), f"python -c pass {floor}", "<= 150 ms"
    )
    found = timed(process("-m", "memory_cli.app", "episode", "search", "fix the option parser"), 10)
    what = f"memory-cli episode search at {bench.count}, whole process"
    row("listing", what, percentiles(found), f"python -c pass {floor}", "<= 250 ms at 100k")


def memory_use(bench: Bench) -> None:
    """Resident memory of an idle server, where /proc tells."""
    if not Path("/proc/self/status").exists():
        row("memory", "resident memory", "not measured", "no /proc on this system")
        return

    async def resident(server: StdioServerParameters, query_: str | None) -> float:
        async with Client(server, mode="legacy") as client:
            await client.list_tools()
            if query_:
                await client.call_tool("remember_note", {"text": "a fact about the option parser"})
                await ask_until_vectors_serve(client, query_)
            with _child(server.args[-1]) as pid:
                status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
            return int(re.findall(r"VmRSS:\s+(\d+)", status)[0]) / 1024

    before = asyncio.run(resident(bench.server(), None))
    row("memory", "idle server, before any search", f"{before:.0f} MB", "", "<= 80 MB")
    after = asyncio.run(resident(bench.server(), "option parser"))
    row("memory", f"after a hashed search at {bench.count} episodes", f"{after:.0f} MB")
    if bench.model:
        with tempfile.TemporaryDirectory() as home:
            server = bench.server()
            assert server.env is not None
            server.env |= {
                "MEMORY_MCP_HOME": home,
                "MEMORY_MCP_EMBEDDINGS_PROVIDER": "minilm",
                "MEMORY_MCP_EMBEDDINGS_MODEL_DIRECTORY": str(bench.model),
            }
            used = asyncio.run(resident(server, "a fact"))
        row("memory", "after first use of the sentence model", f"{used:.0f} MB", "", "<= 200 MB")


async def ask_until_vectors_serve(client: Client, text: str) -> None:
    """Ask again until the model in the background is ready and took part in the answer."""
    for _ in range(10_000):
        answer = (await client.call_tool("query_memory", {"query": text})).structured_content or {}
        if answer["mode"] == "hybrid" and "degraded" not in answer:
            return
    raise SystemExit(f"no vectors came: {answer}")


@contextmanager
def _child(module: str) -> Iterator[int]:
    """Find the server among this process's children."""
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text(encoding="utf-8").split()
    yield next(int(pid) for pid in children if module in Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8"))


def sentence_model(bench: Bench) -> None:
    """The sentence model in numpy."""
    if not bench.model:
        row("model", "sentence model", "not measured", "give --model")
        return
    provider = MiniLmProvider(bench.model)
    loaded = timed(provider.load, 1)[0]
    row("model", "load the weights", f"{loaded * 1e3:.0f} ms")
    title = timed(lambda: provider.embed_query("Fix the flaky login test in CI", lambda _: 1.0), 50)
    row("model", "one title", percentiles(title), "", "<= 5 ms")
    texts = [(bench.random.choice(bench.bodies) * 2)[:512] for _ in range(1_000)]
    many = timed(lambda: provider.embed_documents(texts), 1)[0]
    row("model", "1,000 texts of 512 characters", f"{many:.1f} s", "", "<= 25 s")


def size(bench: Bench) -> None:
    """Disk taken by an installation of the wheel with all its dependencies."""
    del bench
    with tempfile.TemporaryDirectory() as scratch:
        target = Path(scratch) / "installed"
        source = Path(scratch) / "source"
        shutil.copytree(ROOT, source, ignore=shutil.ignore_patterns(".git", ".venv", "node_modules", ".mypy_cache"))
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(target), str(source)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            row("size", "installed size", "not measured", done.stderr.strip().splitlines()[-1][:44])
            return
        sizes: dict[str, int] = {}
        for file in target.rglob("*"):
            if file.is_file() and "__pycache__" not in file.parts:
                top = file.relative_to(target).parts[0]
                sizes[top] = sizes.get(top, 0) + file.stat().st_size
        largest = ", ".join(
            f"{name} {count / 1e6:.0f}" for name, count in sorted(sizes.items(), key=lambda p: -p[1])[:4]
        )
        row(
            "size",
            f"installed on {sysconfig.get_platform()}",
            f"{sum(sizes.values()) / 1e6:.0f} MB",
            largest,
            "<= 110 MB",
        )


if __name__ == "__main__":
    main()
