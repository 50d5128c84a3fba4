"""This module serves the process's stdin and stdout until something ends it."""

import logging
import os
import select
import signal
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress

from memory_mcp.config.settings import ServerSettings
from memory_mcp.server.methods import Method
from memory_mcp.server.stdio.connection import Connection
from memory_mcp.server.stdio.lines import LineSplitter
from memory_mcp.server.stdio.outgoing import Outgoing
from memory_mcp.server.stdio.workers import Workers

logger = logging.getLogger(__name__)
_READ_BYTES = 1 << 16
_PARENT_CHECK_S = 5.0
_LOOK_S = 1.0  # between two looks whether a client that does not read has gone
_LAST_ANSWERS_S = 10.0  # after the end of input: for calls that were read
_LAST_READ_S = 1.0  # after that: for a client that still reads
_LAST_WRITES_S = 1.0  # after a signal: for calls that run
_LAST_ACKNOWLEDGED_S = 0.1  # after that: for their answers


def serve(methods: Mapping[str, Method], settings: ServerSettings) -> None:
    """Serve until end of input, SIGINT, SIGTERM or the parent's end; then let running calls finish."""
    source, target = _diverted()
    ends = Ends()
    outgoing, workers = Outgoing(target), Workers(settings.threads)
    reader = _Reader(source, settings.max_line_mb << 20, Connection(methods, outgoing, workers), outgoing, workers)
    threading.Thread(target=reader.read, args=(ends,), name="reader", daemon=True).start()
    ends.wait()
    workers.stop()
    workers.finish(_LAST_WRITES_S)
    outgoing.flush(_LAST_ACKNOWLEDGED_S)
    outgoing.close()


class Ends:
    """What ends a server: its input's end, a signal, or its parent's end without closing the pipes."""

    def __init__(self) -> None:
        self._reading, self._writing = os.pipe()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: self.come())
        if sys.platform != "win32":  # whichever thread the system hands a signal to, the byte wakes this one
            os.set_blocking(self._writing, False)
            signal.set_wakeup_fd(self._writing, warn_on_full_buffer=False)

    def come(self) -> None:
        """End the server."""
        with suppress(BlockingIOError):  # it is ending already
            os.write(self._writing, b"e")

    def wait(self) -> None:
        """Wait for the first end."""
        parent = os.getppid()
        while os.getppid() == parent and not self._has_come():
            pass

    def _has_come(self) -> bool:
        if sys.platform == "win32":
            return bool(os.read(self._reading, 1))
        poll = select.poll()
        poll.register(self._reading, select.POLLIN)
        return bool(poll.poll(_PARENT_CHECK_S * 1_000))


class _Reader:
    """Reads lines while there is room for what they lead to."""

    def __init__(self, fd: int, longest: int, connection: Connection, outgoing: Outgoing, workers: Workers) -> None:
        self._fd, self._splitter = fd, LineSplitter(longest)
        self._connection, self._outgoing, self._workers = connection, outgoing, workers

    def read(self, ends: Ends) -> None:
        """Serve every line, then wait for the last answers."""
        try:
            while data := self._chunk():
                for line in self._splitter.feed(data):
                    if not self._has_room():
                        return
                    self._connection.take(line)
            if rest := self._splitter.rest():
                self._connection.take(rest)
            if self._workers.finish(_LAST_ANSWERS_S):
                self._outgoing.flush(_LAST_READ_S)
        finally:
            ends.come()

    def _has_room(self) -> bool:
        """Wait for room; there will be none for a client that neither reads nor writes any more."""
        while not (self._outgoing.wait_for_room(limit_s=_LOOK_S) and self._workers.wait_for_room(_LOOK_S)):
            if _is_hung_up(self._fd):
                return False
        return True

    def _chunk(self) -> bytes:
        try:
            return os.read(self._fd, _READ_BYTES)
        except OSError as error:  # it was opened for writing, say
            logger.warning("stdin cannot be read: %s", error)
            return b""


def _is_hung_up(fd: int) -> bool:
    """Whether the other end of a pipe is closed, though what was written before is unread; Windows cannot tell."""
    if sys.platform == "win32":
        return False
    poll = select.poll()
    poll.register(fd, 0)  # a hang-up is told in any case
    return bool(poll.poll(0))


def _diverted() -> tuple[int, int]:
    """Keep private copies of stdin and stdout, and point 0 at nothing and 1 at stderr, so that nothing strays in."""
    source, target = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return source, target
