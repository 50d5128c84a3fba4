"""This module writes lines to a client however slowly it reads, and holds up those that would make it too many."""

import os
import sys
import threading
from collections import deque

MOST_UNSENT = 64 << 20  # bytes that wait for a client that does not read
ENOUGH_UNSENT = 24 << 20  # from here on no call is begun: those that run add theirs
_NO_MORE_READ = 56 << 20  # from here on no line is read
_AT_ONCE = 4_096  # bytes that a pipe takes whole if it takes any (PIPE_BUF)


class Outgoing:
    """The writing end: lines go out in their order, short ones at once, others by a thread that may wait."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._lines: deque[bytes] = deque()
        self._unsent = 0
        self._changed = threading.Condition()
        self._is_writing = self._is_closed = self._has_writer = False

    @property
    def unsent(self) -> int:
        """The bytes that wait for the client."""
        return self._unsent

    def send(self, line: bytes, *, may_wait: bool = True) -> None:
        """Write a line, or leave it to the writer; only for room among unsent lines it waits, if it may."""
        with self._changed:
            while may_wait and self._unsent and self._unsent + len(line) > MOST_UNSENT and not self._is_closed:
                self._changed.wait()
            if self._is_closed:
                return
            self._unsent += len(line)
            if self._lines or self._is_writing or len(line) > _AT_ONCE or not _takes_some(self._fd):
                self._leave_to_writer(line)
                return
            self._is_writing = True
        self._write(line)

    def wait_for_room(self, most: int = _NO_MORE_READ, limit_s: float | None = None) -> bool:
        """Wait while the client leaves more than this unread; return whether there is room."""
        if self._unsent < most:
            return True
        with self._changed:
            return self._changed.wait_for(lambda: self._unsent < most or self._is_closed, limit_s)

    def flush(self, limit_s: float) -> bool:
        """Wait until everything is written, or a time has passed without any of it being read; return which."""
        with self._changed:
            while self._unsent and not self._is_closed:
                before = self._unsent
                if not self._changed.wait(limit_s) and self._unsent == before:
                    return False
        return True

    def close(self) -> None:
        """Drop what is unsent and whatever comes."""
        with self._changed:
            self._is_closed = True
            self._lines.clear()
            self._unsent = 0
            self._changed.notify_all()

    def _leave_to_writer(self, line: bytes) -> None:
        self._lines.append(line)
        if not self._has_writer:
            self._has_writer = True
            threading.Thread(target=self._write_all, name="writer", daemon=True).start()
        elif not self._is_writing:
            self._changed.notify_all()

    def _write_all(self) -> None:
        while True:
            with self._changed:
                while self._is_writing or not self._lines:
                    if self._is_closed:
                        return
                    self._changed.wait()
                line = self._lines.popleft()
                self._is_writing = True
            self._write(line)

    def _write(self, line: bytes) -> None:
        try:
            _write(self._fd, line)
        except OSError:  # the reader has gone; the end of input will follow
            self.close()
        with self._changed:
            self._is_writing = False
            self._unsent = max(self._unsent - len(line), 0)
            self._changed.notify_all()


def _write(fd: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(fd, left) :]


def _takes_some(fd: int) -> bool:
    """Whether a pipe would take a short line at once; Windows cannot tell."""
    if sys.platform == "win32":
        return False
    import select  # noqa: PLC0415 - Windows has none for pipes

    poll = select.poll()
    poll.register(fd, select.POLLOUT)
    return bool(poll.poll(0))
