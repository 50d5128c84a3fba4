"""This module keeps events that could not be recorded at once, as lines of a file, until somebody can."""

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from memory_mcp.errors import MemoryMcpError, StoreError
from memory_mcp.storage.file_lock import FileLock

_PATIENCE_S = 1.0
_NAME = "queue.jsonl"
_TAKEN = "taken.jsonl"
REFUSED = "refused.jsonl"

Record = dict[str, Any]


class HookQueue:
    """Events of all sessions in the order in which they came; any process may handle them, one at a time does."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits."""
        return not any((self._directory / name).exists() for name in (_NAME, _TAKEN))

    def add(self, record: Record) -> None:
        """Append one event.

        Raises:
            OSError: the file cannot be written.

        """
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        line = json.dumps(record, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
        with self._locked("adding", _PATIENCE_S):  # held for microseconds; an event is not lost for want of it
            self._append(_NAME, line)

    def drain(self, handle: Callable[[Record], None], budget_s: float = float("inf")) -> int:
        """Hand over what waits, oldest first, until the time is up, and return how many events were handled.

        While the store cannot be used events stay. One that is refused for itself is set aside, so that it does not
        keep the others. A process that dies over an event leaves it in the file: it may be handled twice, and is never
        lost.
        """
        deadline = time.monotonic() + budget_s
        if self.is_empty:
            return 0
        handled = 0
        with self._locked("handling", 0.0) as mine:
            while mine:
                lines = self._take()
                if not lines:
                    break
                for number, line in enumerate(lines):
                    if time.monotonic() > deadline:
                        self._keep(lines[number:])
                        return handled
                    try:
                        handle(json.loads(line))
                    except StoreError:
                        self._keep(lines[number:])
                        return handled
                    except (MemoryMcpError, msgspec.MsgspecError, ValueError, KeyError):
                        self._append(REFUSED, line + b"\n")
                        continue
                    handled += 1
                (self._directory / _TAKEN).unlink()
        return handled

    def _append(self, name: str, line: bytes) -> None:
        descriptor = os.open(self._directory / name, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
        try:
            os.write(descriptor, line)
        finally:
            os.close(descriptor)

    def _take(self) -> list[bytes]:
        """Return the lines that wait; they are moved aside, so that others can add meanwhile."""
        waiting, taken = self._directory / _NAME, self._directory / _TAKEN
        if not taken.exists():
            with self._locked("adding", _PATIENCE_S):
                if waiting.exists():
                    waiting.replace(taken)
        return taken.read_bytes().splitlines() if taken.exists() else []

    def _keep(self, lines: list[bytes]) -> None:
        """Leave the rest for the next one, in a file that is whole at any moment."""
        left = self._directory / f"{_TAKEN}.new"
        left.write_bytes(b"\n".join(lines) + b"\n")
        left.chmod(0o600)
        left.replace(self._directory / _TAKEN)

    @contextmanager
    def _locked(self, what: str, patience_s: float) -> Iterator[bool]:
        lock = FileLock(self._directory / f"{what}.lock")
        held = lock.acquire(patience_s)
        try:
            yield held
        finally:
            if held:
                lock.release()
            lock.close()
