"""This module writes answers to a client, however slowly it reads, and says when it has too many unread ones."""

import os
import sys
import threading
from collections import deque

MOST_UNSENT = 64 << 20  # bytes that wait for a client that does not read
ENOUGH_UNSENT = 24 << 20  # from here on no call is begun: those that run add theirs
_NO_MORE_READ = 56 << 20  # from here on no line is read
_AT_ONCE = 4_096  # bytes that a pipe takes whole if it takes any (PIPE_BUF)


class Outgoing:
    """The writing end; whoever finds it free writes for all, in the order in which lines came."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._lines: deque[bytes] = deque()
        self._unsent = 0
        self._changed = threading.Condition()
        self._is_writing = False
        self._is_closed = False

    @property
    def unsent(self) -> int:
        """The bytes that wait for the client."""
        return self._unsent

    def send(self, line: bytes, *, may_block: bool = True) -> None:
        """Write a line, or leave it to a thread that is writing; the reader of lines must not block."""
        with self._changed:
            while may_block and self._unsent and self._unsent + len(line) > MOST_UNSENT and not self._is_closed:
                self._changed.wait()
            if self._is_closed:
                return
            self._lines.append(line)
            self._unsent += len(line)
            if self._is_writing:
                return
            self._is_writing = True
        if may_block or (len(line) <= _AT_ONCE and _takes_some(self._fd)):
            self._write()
        else:
            threading.Thread(target=self._write, name="writer", daemon=True).start()

    def wait_for_room(self, most: int = _NO_MORE_READ) -> None:
        """Wait while the client leaves more than this unread."""
        if self._unsent < most:
            return
        with self._changed:
            while self._unsent >= most and not self._is_closed:
                self._changed.wait()

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

    def _write(self) -> None:
        """Write until nothing waits."""
        while True:
            with self._changed:
                if not self._lines:
                    self._is_writing = False
                    self._changed.notify_all()
                    return
                line = self._lines.popleft()
            try:
                _write_all(self._fd, line)
            except OSError:  # the reader has gone; the end of input will follow
                self.close()
                continue
            with self._changed:
                self._unsent = max(self._unsent - len(line), 0)
                self._changed.notify_all()


def _write_all(fd: int, data: bytes) -> None:
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
