"""This module starts servers: real ones over real pipes, and desks for servers in memory."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from memory_mcp.server.desk import Desk
from tests.conftest import OpenMemory

SERVER = [sys.executable, "-m", "memory_mcp.server.app"]
LIMIT_S = 60


class RawServer:
    """A server process spoken to line by line, for what the official client would never send."""

    def __init__(self, home: Path, *arguments: str) -> None:
        self.environment = {**os.environ, "MEMORY_MCP_HOME": str(home), "MEMORY_MCP_PROJECT_NAME": "raw"}
        self.process = subprocess.Popen(
            [*SERVER, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=self.environment,
        )

    def send(self, line: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + b"\n")
        self.process.stdin.flush()

    def request(self, number: int, method: str, **params: Any) -> None:
        self.send(json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params}).encode())

    def answer(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.process.stderr.read().decode() if self.process.stderr else ""
        found: dict[str, Any] = json.loads(line)
        return found

    def answers(self, count: int) -> dict[Any, dict[str, Any]]:
        """Read answers in whatever order they come."""
        return {each["id"]: each for each in (self.answer() for _ in range(count))}

    def begin(self) -> None:
        """Shake hands as a client of 2025-11-25 does."""
        client = {"name": "raw", "version": "1"}
        self.request(0, "initialize", protocolVersion="2025-11-25", capabilities={}, clientInfo=client)
        assert self.answer()["result"]["serverInfo"]["name"] == "memory-mcp"
        self.send(b'{"jsonrpc": "2.0", "method": "notifications/initialized"}')

    def call(self, number: int, tool: str, **arguments: Any) -> dict[str, Any]:
        self.request(number, "tools/call", name=tool, arguments=arguments)
        answered = self.answer()
        assert answered["id"] == number
        result: dict[str, Any] = answered["result"]
        return result

    def finish(self) -> tuple[int, bytes, bytes]:
        """Close its stdin and return exit code, what was left on stdout, and stderr."""
        out, errors = self.process.communicate(timeout=LIMIT_S)
        return self.process.returncode, out, errors


@pytest.fixture
def raw(tmp_path: Path) -> Iterator[Callable[..., RawServer]]:
    """Start servers on this test's own memory; whatever still runs at the end is killed."""
    started: list[RawServer] = []

    def start(*arguments: str) -> RawServer:
        started.append(RawServer(tmp_path / "home", *arguments))
        return started[-1]

    yield start
    for server in started:
        if server.process.poll() is None:
            server.process.kill()
        server.process.communicate()


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(params=["auto", "legacy"])
def mode(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def desk(open_memory: OpenMemory) -> Iterator[Desk]:
    desk = Desk(open_memory(toolsets=("all",)))
    yield desk
    desk.close()
