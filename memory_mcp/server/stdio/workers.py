"""This module runs calls that block on threads, as few at a time as keep up with them."""

import threading
import time
from collections import deque
from collections.abc import Callable

_MOST_WAITING = 32 << 20  # bytes of requests that wait for a thread
_EACH = 1_000  # bytes that a request takes beside its line
_QUICK_S = 0.005  # a call that takes longer gets another thread beside it; quick ones would only be in each other's way
Task = Callable[[], None]


class Workers:
    """Threads with one queue; a call that has not begun can still be dropped."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._tasks: deque[tuple[Task, int]] = deque()
        self._waiting_bytes = 0
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._idle: list[threading.Lock] = []  # the last to become idle works next: what it has cached is newest
        self._busy = self._watching = self._threads = 0
        self._begun_at = 0.0
        self._is_stopping = False

    def submit(self, task: Task, size_bytes: int) -> None:
        """Queue a task."""
        size_bytes += _EACH
        with self._lock:
            if self._is_stopping:
                return
            self._tasks.append((task, size_bytes))
            self._waiting_bytes += size_bytes
            if not self._busy or not self._watching:
                self._wake()

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
            while self._idle:
                self._idle.pop().release()
            self._changed.notify_all()

    def _wake(self) -> None:
        if self._idle:
            self._idle.pop().release()
        elif self._threads < self._most:
            self._threads += 1
            threading.Thread(target=self._work, name=f"tool-{self._threads}", daemon=True).start()

    def _work(self) -> None:
        while task := self._next():
            try:
                task()
            finally:
                with self._changed:
                    self._busy -= 1
                    self._changed.notify_all()

    def _next(self) -> Task | None:
        """Wait for a task that nobody else will take soon; None at the end."""
        waker = threading.Lock()
        waker.acquire()
        with self._lock:
            while not self._is_stopping:
                now = time.monotonic()
                if self._tasks and (not self._busy or now - self._begun_at >= _QUICK_S):
                    task, size_bytes = self._tasks.popleft()
                    self._waiting_bytes -= size_bytes
                    self._busy += 1
                    self._begun_at = now
                    if self._tasks and not self._watching:
                        self._wake()
                    return task
                self._rest(waker)
        return None

    def _rest(self, waker: threading.Lock) -> None:
        """Wait to be woken, or where tasks wait until those that run must be called slow."""
        watches = bool(self._tasks)
        self._watching += watches
        self._idle.append(waker)
        self._lock.release()
        woken = waker.acquire(timeout=_QUICK_S if watches else -1)
        self._lock.acquire()
        self._watching -= watches
        if not woken and waker in self._idle:
            self._idle.remove(waker)
        elif not woken:  # somebody has just woken it
            waker.acquire()
