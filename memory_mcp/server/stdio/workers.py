"""This module runs calls that block on threads, started as they are needed."""

import logging
import threading
from collections import deque
from collections.abc import Callable

logger = logging.getLogger(__name__)
_MOST_WAITING = 32 << 20  # bytes of requests that wait for a thread
_EACH = 1_000  # bytes that a request takes beside its line


class Workers:
    """A few threads with one queue; a call that has not begun can still be dropped."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._tasks: deque[tuple[Callable[[], None], int]] = deque()
        self._waiting_bytes = 0
        self._changed = threading.Condition()
        self._idle = self._busy = self._threads = 0
        self._is_stopping = False

    def submit(self, task: Callable[[], None], size_bytes: int) -> None:
        """Queue a task."""
        size_bytes += _EACH
        with self._changed:
            self._tasks.append((task, size_bytes))
            self._waiting_bytes += size_bytes
            if len(self._tasks) > self._idle and self._threads < self._most:
                self._threads += 1
                threading.Thread(target=self._work, name=f"tool-{self._threads}", daemon=True).start()
            else:
                self._changed.notify_all()

    def wait_for_room(self, limit_s: float) -> bool:
        """Wait while the requests that wait are too large to take another; return whether there is room."""
        if self._waiting_bytes < _MOST_WAITING:
            return True
        with self._changed:
            return self._changed.wait_for(lambda: self._waiting_bytes < _MOST_WAITING or self._is_stopping, limit_s)

    def finish(self, limit_s: float) -> bool:
        """Wait until nothing runs or waits, and return whether that came in time."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._busy and not self._tasks, limit_s)

    def stop(self) -> None:
        """Begin nothing more."""
        with self._changed:
            self._is_stopping = True
            self._tasks.clear()
            self._waiting_bytes = 0
            self._changed.notify_all()

    def _work(self) -> None:
        while True:
            with self._changed:
                self._idle += 1
                while not self._tasks and not self._is_stopping:
                    self._changed.wait()
                self._idle -= 1
                if self._is_stopping:
                    return
                task, size_bytes = self._tasks.popleft()
                self._waiting_bytes -= size_bytes
                self._busy += 1
            try:
                task()
            finally:
                with self._changed:
                    self._busy -= 1
                    self._changed.notify_all()
