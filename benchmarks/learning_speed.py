"""How fast learning is: completing, recommending and checking, with ten thousand episodes and five thousand patterns.

    python benchmarks/learning_speed.py [--episodes 10000] [--data DIRECTORY]

Episodes are real commits (--data) with commands, failures and fixes added; two of three have an error of their own.
"""

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec
from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters

from memory_mcp.config.places import places
from memory_mcp.config.settings import EmbeddingSettings, Settings, StoreSettings
from memory_mcp.facts.surveying import survey
from memory_mcp.importers.commits import Commit, read_json_lines
from memory_mcp.importers.git import episode_of
from memory_mcp.memory import Memory
from memory_mcp.models.episodes import Episode, Failure, Step, StepError, StepSuccess, Success
from memory_mcp.patterns.error_recoveries import error_recoveries
from memory_mcp.patterns.observations import observe

ROOT = Path(__file__).parent.parent
PROJECT = "benchmark"
OK = StepSuccess("ok")
CHAINS = (
    ("pytest tests", "ruff check .", "git commit -m done"),
    ("make build", "pytest tests", "git push"),
    ("pip install -e .", "python tools/check.py", "git commit -m done"),
    ("npm run build", "npm run test", "git commit -m done"),
)
TIMES = 100


def main() -> None:
    """Fill a store and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--episodes", type=int, default=10_000)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data" / "git")
    chosen = parser.parse_args()
    files = sorted(chosen.data.glob("*.jsonl.gz")) or [ROOT / "examples" / "sample-history.jsonl"]
    commits = [commit for file in files for commit in read_json_lines(file)]
    with tempfile.TemporaryDirectory() as home:
        settings = Settings(store=StoreSettings(home=home), embeddings=EmbeddingSettings(provider="hash"))
        where = places(settings, settings_file=Path(home) / "none")
        with Memory(settings, where, PROJECT, actor="benchmark") as memory:
            fill(memory, commits, chosen.episodes)
            completing(memory, commits)
        asyncio.run(asking(home, commits))


def fill(memory: Memory, commits: Sequence[Commit], count: int) -> None:
    """Store and learn episodes."""
    chance = random.Random(1)
    started = time.perf_counter()
    for first in range(0, count, 500):
        numbers = range(first, min(first + 500, count))
        memory.episodes.record([episode(commits, number, chance) for number in numbers])
    stored = time.perf_counter()
    memory.learning.follow()
    learnt = time.perf_counter()
    memory.index.follow_for_search(0)
    patterns = sum(numbers[0] for numbers in memory.store.patterns.counts().values())
    print(
        f"{count} episodes stored in {stored - started:.1f} s, learnt in {learnt - stored:.1f} s: {patterns} patterns"
    )


def episode(commits: Sequence[Commit], number: int, chance: random.Random) -> Episode:
    """Return a commit as an episode with what its author may have run."""
    commit = commits[number % len(commits)]
    named = msgspec.structs.replace(commit, commit=f"{number:040x}", subject=f"{commit.subject} ({number})")
    made = episode_of(named)
    own_error = number % 3 != 0
    steps = (*made.steps[:8], *run_of(chance, commit.subject if own_error else "", 1))
    outcome = Success(evidence="shown") if chance.random() < 0.8 else Failure(reason="gave up")
    return msgspec.structs.replace(made, steps=steps, outcome=outcome)


def run_of(chance: random.Random, error: str, rounds: int) -> Iterator[Step]:
    """Yield commands, some of them failing first."""
    for _ in range(rounds):
        for command in chance.choice(CHAINS):
            if error or chance.random() < 0.1:
                message = f"ValueError: {error}" if error else f"TimeoutError: no answer after {chance.random():.2f} s"
                yield Step("bash", command, result=StepError(message))
                yield Step("edit", "mend it", {"file": "src/app.py"}, OK)
                error = ""
            yield Step("bash", command, result=OK)


def completing(memory: Memory, commits: Sequence[Commit]) -> None:
    """Complete episodes of a hundred steps."""
    chance = random.Random(2)
    extracting, completed = [], []
    for number in range(30):
        steps = list(run_of(chance, commits[number * 31].subject, 40))[:100]
        started, _ = memory.episodes.start(f"task {number} of the benchmark", task_type="benchmark")
        memory.episodes.append(started.id, steps)
        begun = time.perf_counter()
        done = memory.learning.complete(started.id, Success(evidence="shown"))
        completed.append(time.perf_counter() - begun)
        begun = time.perf_counter()
        seen = observe(done.episode)
        survey(done.episode)
        error_recoveries(seen)
        extracting.append(time.perf_counter() - begun)
    print(f"extract patterns from 100 steps            {percentiles(extracting):<36} to reach: < 10 ms")
    print(f"complete: score, reflect, learn, store     {percentiles(completed)}")


async def asking(home: str, commits: Sequence[Commit]) -> None:
    """Ask a real server over stdio."""
    environment = {
        "MEMORY_MCP_HOME": home,
        "MEMORY_MCP_PROJECT_NAME": PROJECT,
        "MEMORY_MCP_EMBEDDINGS_PROVIDER": "hash",
        "MEMORY_MCP_SERVER_TOOLSETS": "all",
    }
    server = StdioServerParameters(command=sys.executable, args=["-m", "memory_mcp.server.app"], env=environment)
    titles = [commit.subject for commit in commits]
    calls: dict[str, Callable[[int], dict[str, str]]] = {
        "recommend_patterns": lambda at: {"task_description": titles[at * 37 % len(titles)]},
        "recommend_playbook": lambda at: {"task_description": titles[at * 37 % len(titles)]},
        "check_action": lambda at: {"command": CHAINS[at % 4][at % 3]},
        "query_memory": lambda at: {"query": titles[at * 37 % len(titles)]},
    }
    async with Client(server, mode="legacy") as client:
        for name, arguments in calls.items():
            await client.call_tool(name, arguments(0))
            found = []
            for at in range(TIMES):
                started = time.perf_counter()
                result = await client.call_tool(name, arguments(at))
                found.append(time.perf_counter() - started)
                assert not result.is_error, result.content
            reach = "" if name == "query_memory" else "to reach: p95 < 20 ms"
            print(f"{name:<42} {percentiles(found):<36} {reach}")


def percentiles(values: Sequence[float]) -> str:
    """Render p50 and p95 of seconds in milliseconds."""
    ordered = sorted(values)
    return f"p50 {ordered[len(ordered) // 2] * 1e3:.1f} p95 {ordered[int(len(ordered) * 0.95)] * 1e3:.1f} ms"


if __name__ == "__main__":
    main()
