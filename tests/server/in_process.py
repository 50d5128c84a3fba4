"""Our stdio core on pipes of this process."""

import os
import threading
from collections.abc import Mapping

from memory_mcp.server.methods import Method
from memory_mcp.server.stdio.connection import Connection
from memory_mcp.server.stdio.lines import LineSplitter
from memory_mcp.server.stdio.outgoing import Outgoing
from memory_mcp.server.stdio.workers import Workers

LIMIT_S = 60.0
LONGEST = 16 << 20


class Pipes:
    """A server on a thread, and the two ends of pipes that its client holds."""

    def __init__(self, methods: Mapping[str, Method], *, threads: int = 2, longest: int = LONGEST) -> None:
        source, self.writing = os.pipe()
        self.reading, target = os.pipe()
        self._thread = threading.Thread(target=serve, args=(methods, source, target, threads, longest))
        self._thread.start()
        self._is_open = True

    def send(self, line: bytes) -> None:
        left = line + b"\n"
        while left:
            left = left[os.write(self.writing, left) :]

    def close_input(self) -> None:
        """Let the server answer what it has read, and end."""
        if self._is_open:
            self._is_open = False
            os.close(self.writing)
            self._thread.join(LIMIT_S)


def serve(methods: Mapping[str, Method], source: int, target: int, threads: int, longest: int) -> None:
    outgoing, workers = Outgoing(target), Workers(threads)
    connection, splitter = Connection(methods, outgoing, workers), LineSplitter(longest)
    while data := os.read(source, 1 << 16):
        for line in splitter.feed(data):
            connection.take(line)
    if rest := splitter.rest():
        connection.take(rest)
    workers.finish(LIMIT_S)
    workers.stop()
    outgoing.flush(LIMIT_S)
    os.close(source)
    os.close(target)
