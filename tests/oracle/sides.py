"""A client of either server in this process: it writes lines, and keeps the answers."""

import asyncio
import json
import os
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from memory_mcp.server.methods import Method
from tests.oracle.adapter import build
from tests.oracle.pipes import served
from tests.server.in_process import LIMIT_S, serve

LONGEST = 1 << 20
THREADS = 2
Methods = Mapping[str, Method]


class Side:
    """One client; `theirs` talks to the SDK, else to our core."""

    def __init__(self, methods: Methods, *, theirs: bool) -> None:
        source, self._writing = os.pipe()
        self._reading, target = os.pipe()
        self.answers: list[dict[str, Any]] = []
        self._changed = threading.Condition()
        self._threads = [
            threading.Thread(
                target=serve_theirs if theirs else serve, args=(methods, source, target, THREADS, LONGEST)
            ),
            threading.Thread(target=self._collect),
        ]
        for thread in self._threads:
            thread.start()

    def send(self, line: bytes) -> None:
        os.write(self._writing, line + b"\n")

    def wait_for(self, request_id: int | str) -> None:
        """Wait until there is an answer with this id."""
        with self._changed:
            assert self._changed.wait_for(lambda: any(each.get("id") == request_id for each in self.answers), LIMIT_S)

    def finish(self) -> list[dict[str, Any]]:
        """Close the input, and return all answers."""
        os.close(self._writing)
        for thread in self._threads:
            thread.join(LIMIT_S)
        os.close(self._reading)
        return self.answers

    def _collect(self) -> None:
        with os.fdopen(self._reading, "rb", closefd=False) as lines:
            for line in lines:
                with self._changed:
                    self.answers.append(json.loads(line))
                    self._changed.notify_all()


def serve_theirs(methods: Methods, source: int, target: int, threads: int, longest: int) -> None:
    async def serve() -> None:
        with ThreadPoolExecutor(threads) as pool:
            server = build(methods, pool)
            async with served(source, target, longest) as (incoming, outgoing):
                await server.run(incoming, outgoing, server.create_initialization_options())

    asyncio.run(serve())
