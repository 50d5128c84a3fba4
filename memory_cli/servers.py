"""This module speaks to a server process over its pipes, line by line, without the SDK."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Self

from memory_mcp.errors import MemoryMcpError

_CLIENT = {"name": "memory-cli", "version": "1"}
_REVISION = "2025-11-25"
LIMIT_S = 30.0
_FIRST_KILL_S, _KILL_TIMES = 0.05, 5


class ServerGoneError(MemoryMcpError):
    """The server ended, or did not answer in time."""


class Server:
    """One server process, `memory-mcp` on a scratch memory if not told otherwise; left running, it is killed."""

    def __init__(
        self,
        environ: dict[str, str],
        *arguments: str,
        code: str = "",
        command: Sequence[str] = (),
        limit_s: float = LIMIT_S,
    ) -> None:
        start = (
            ["-P", "-c", code] if code else ["-P", "-m", "memory_mcp.server.app"]
        )  # -P: never import from the working directory
        self._limit_s = limit_s
        self._process = subprocess.Popen(  # noqa: S603 - our own server
            [*(command or [sys.executable, *start]), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environ,
        )
        self._number = 0

    def __enter__(self) -> Self:
        try:
            self.request("initialize", protocolVersion=_REVISION, capabilities={}, clientInfo=_CLIENT)
            self._send({"jsonrpc": "2.0", "method": "notifications/initialized"})
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                with suppress(OSError):  # what was written to a server that is gone
                    pipe.close()
        self._process.wait()

    def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Call a tool and return its structured answer; an anticipated failure is `{"error": sentence}`.

        Raises:
            ServerGoneError: there was no answer.

        """
        result: dict[str, Any] = self.request("tools/call", name=tool, arguments=arguments)
        answer: dict[str, Any] = result["structuredContent"]
        return answer

    def request(self, method: str, **params: Any) -> dict[str, Any]:
        """Send a request and return its result.

        Raises:
            ServerGoneError: there was no answer, or it was an error of the protocol.

        """
        self._number += 1
        self._send({"jsonrpc": "2.0", "id": self._number, "method": method, "params": params})
        watch = threading.Timer(self._limit_s, self._process.kill)  # a pipe has no time limit of its own
        watch.start()
        try:
            line = self._process.stdout.readline() if self._process.stdout else b""
        finally:
            watch.cancel()
        if not line:
            raise ServerGoneError(f"no answer to {method}")
        try:
            answer = json.loads(line)
        except ValueError as error:
            raise ServerGoneError(f"it answered '{line[:80].decode('utf-8', 'replace')}', which is no JSON") from error
        if "result" not in answer:
            raise ServerGoneError(f"{method} was refused: {answer.get('error')}")
        result: dict[str, Any] = answer["result"]
        return result

    def burst(self, tool: str, calls: Sequence[dict[str, Any]]) -> list[float]:
        """Send many calls at once and return how long each waited for its answer, in milliseconds, as they came.

        Raises:
            ServerGoneError: an answer did not come, or was a refusal.

        """
        started = time.perf_counter()
        for arguments in calls:
            self._number += 1
            params = {"name": tool, "arguments": arguments}
            self._send({"jsonrpc": "2.0", "id": self._number, "method": "tools/call", "params": params})
        waited = []
        for _ in calls:
            line = self._process.stdout.readline() if self._process.stdout else b""
            if not line or json.loads(line).get("result", {}).get("isError", True):
                raise ServerGoneError(f"a call of {tool} was not answered")
            waited.append((time.perf_counter() - started) * 1_000)
        return waited

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    def kill(self) -> None:
        """End it in the middle of whatever it does."""
        self._process.kill()
        self._process.wait()

    def close_input(self) -> int | None:
        """Close its standard input and return its exit code, None if it did not end in time."""
        if self._process.stdin:
            self._process.stdin.close()
        return self._ended()

    def signal(self, number: int) -> int | None:
        """Send a signal and return its exit code, None if it did not end in time."""
        self._process.send_signal(number)
        return self._ended()

    def _ended(self) -> int | None:
        try:
            return self._process.wait(timeout=LIMIT_S)
        except subprocess.TimeoutExpired:
            return None

    def _send(self, message: dict[str, Any]) -> None:
        try:
            if self._process.stdin:
                self._process.stdin.write(json.dumps(message).encode() + b"\n")
                self._process.stdin.flush()
        except OSError as error:
            raise ServerGoneError(f"the server has ended: {error.strerror}") from error


def listed(server: Server) -> Sequence[str]:
    """Return the ids of all episodes, page by page."""
    found: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = server.call("list_episodes", limit=100, **cursor)
        found += [row["episode_id"] for row in page["episodes"]]
        if page.get("next_cursor") is None:
            return found
        cursor = {"cursor": page["next_cursor"]}


def write_at_once(opened: Callable[[], Server], servers: int, writes: int) -> Sequence[str]:
    """Let several servers record episodes at the same time; return the ids that were acknowledged."""
    acknowledged: list[str] = []

    def write(number: int) -> None:
        with opened() as server:
            for count in range(writes):
                task = f"writer {number}, episode {count}"
                made = server.call("create_episode", task_description=task, task_type="check", domain="check")
                acknowledged.append(made["episode_id"])

    threads = [threading.Thread(target=write, args=(number,)) for number in range(servers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return acknowledged


def write_until_killed(opened: Callable[[], Server], rounds: int) -> Sequence[str]:
    """Kill a server in mid-write again and again, each time a little later; return the ids that were acknowledged."""
    acknowledged: list[str] = []
    for round_ in range(rounds):
        with opened() as server:
            killer = threading.Timer(_FIRST_KILL_S * (round_ % _KILL_TIMES + 1), server.kill)
            killer.start()
            try:
                while True:
                    task = f"round {round_}"
                    made = server.call("create_episode", task_description=task, task_type="check", domain="check")
                    acknowledged.append(made["episode_id"])
            except ServerGoneError:
                killer.join()
    return acknowledged
