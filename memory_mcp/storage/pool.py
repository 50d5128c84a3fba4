"""This module keeps one connection to a database per thread, and knows whether any of them is in use."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import apsw


class Pool:
    """The connections of a process to one file; a connection may be used by another thread while none is in use."""

    def __init__(self, connect: Callable[[], apsw.Connection]) -> None:
        self._connect = connect
        self._local = threading.local()
        self._open: list[apsw.Connection] = []
        self._in_use = 0
        self._changed = threading.Condition()

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Count a use of this thread's connection, so that nobody else touches any connection meanwhile."""
        with self._changed:
            self._in_use += 1
        try:
            yield
        finally:
            with self._changed:
                self._in_use -= 1
                self._changed.notify_all()

    def own(self) -> apsw.Connection:
        """Return this thread's connection, opening it if there is none."""
        connection = self.find_own()
        if connection is None:
            connection = self._connect()
            self._local.connection = connection
            with self._changed:
                self._open.append(connection)
        return connection

    def find_own(self) -> apsw.Connection | None:
        """Return this thread's connection, or None."""
        found: apsw.Connection | None = getattr(self._local, "connection", None)
        return found

    def any(self) -> apsw.Connection | None:
        """Return some open connection, or None if all are closed."""
        with self._changed:
            return self._open[0] if self._open else None

    def wait_until_idle(self, timeout_s: float) -> bool:
        """Wait until no thread uses a connection; return whether that came about."""
        with self._changed:
            return self._changed.wait_for(lambda: self._in_use == 0, timeout_s)

    def close(self, *, keep_log: bool) -> None:
        """Close every connection; a connection that another thread is using is left to that thread."""
        with self._changed:
            for connection in self._open:
                with contextlib.suppress(apsw.ThreadingViolationError):
                    if keep_log:
                        connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
                    connection.close()
            self._open.clear()
            self._local = threading.local()
