"""This module keeps events that could not be recorded at once, as lines of a file, until somebody can."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from memory_mcp.errors import ConflictError, DamagedError, MemoryMcpError, StoreError
from memory_mcp.hooks.queue_files import OBSTACLE, TAKEN, WAITING, append, clear_way, count_lines, is_empty, move_away
from memory_mcp.hooks.set_aside import SetAside
from memory_mcp.hooks.taken_lines import LONGEST, TakenLines
from memory_mcp.models.hook_queue import QueueState, SetAsideEvent
from memory_mcp.storage.file_lock import FileLock

_PATIENCE_S = 1.0
_MOST_TRIES = 3

Record = dict[str, Any]


class UnhandledError(MemoryMcpError):
    """An event that cannot be handled, now or later; it is set aside."""


class HookQueue:
    """Events of all sessions in order of arrival; any process may handle them, one process at a time.

    Events are appended to `queue.jsonl`. The handling process renames it to `taken.jsonl` and goes through it line by
    line; its place is kept in a file beside it, so that it may die or run out of time at any moment.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._waiting = directory / WAITING
        self._taken = directory / TAKEN
        self._aside = SetAside(directory)

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits."""
        return is_empty(self._directory)

    def add(self, record: Record) -> None:
        """Append one event.

        Raises:
            OSError: the file cannot be written.

        """
        self._add(json.dumps(record, ensure_ascii=False).encode("utf-8", "replace"))

    def drain(self, handle: Callable[[Record], None], budget_s: float = float("inf")) -> int:
        """Hand over what waits, oldest first, until the time is up, and return how many events were handled.

        Events stay while the store cannot be used. An event that raises UnhandledError is set aside at once; one that
        meets a damaged record, or whose process dies, is set aside at the third try. At most the current event is
        handled twice, and none is lost.

        Raises:
            OSError: the files of the queue cannot be used.

        """
        deadline = time.monotonic() + budget_s
        if self.is_empty:
            return 0
        handled = 0
        with self._locked("handling", 0.0) as mine:
            while mine and self._take():
                with TakenLines(self._taken) as lines:
                    while (line := lines.next()) is not None:
                        if time.monotonic() > deadline:
                            return handled
                        done = self._attempt(line, lines, handle)
                        if done is None:
                            return handled
                        handled += done
                self._taken.unlink()
                TakenLines.forget(self._taken)
        return handled

    def set_aside(self, record: Record, reason: str) -> None:
        """Set aside an event that cannot be handled."""
        with self._locked("refusing", _PATIENCE_S):
            self._aside.add(json.dumps(record, ensure_ascii=False).encode("utf-8", "replace"), reason)

    def events_set_aside(self) -> list[SetAsideEvent]:
        """Return what was set aside, the oldest first."""
        return list(self._aside.events())

    def put_back(self) -> int:
        """Queue the events that were set aside again, and return how many; cut ones are lost."""
        with self._locked("refusing", _PATIENCE_S):
            back = [event.line for event in self._aside.events() if not event.is_cut]
            for line in back:
                self._add(line.encode())
            self._aside.clear()
        return len(back)

    def forget_set_aside(self) -> int:
        """Erase the events that were set aside, and return how many."""
        with self._locked("refusing", _PATIENCE_S):
            count = self._aside.count()
            self._aside.clear()
        return count

    def state(self) -> QueueState:
        """Count what waits and what was set aside, without changing anything."""
        place = TakenLines.place_of(self._taken)
        waiting = count_lines(self._taken, place) + count_lines(self._waiting)
        oldest = _oldest(self._taken, place) or _oldest(self._waiting, 0) if waiting else None
        obstacles = sorted(
            str(each.relative_to(self._directory.parent))
            for where in (f"{self._directory.name}.*{OBSTACLE}", f"{self._directory.name}/*{OBSTACLE}")
            for each in self._directory.parent.glob(where)
        )
        return QueueState(waiting, oldest, self._aside.count(), self._aside.dropped(), tuple(obstacles))

    def _attempt(self, line: bytes, lines: TakenLines, handle: Callable[[Record], None]) -> int | None:
        """Handle a line or set it aside; return how many events were handled, or None if it has to wait."""
        reason = ""
        if lines.tries >= _MOST_TRIES:
            reason = f"the process that handled it died, {lines.tries} times"
        else:
            lines.begin()
            try:
                handle(_record(line))
            except (DamagedError, ConflictError) as error:  # may concern this event alone: it must not stop the others
                if lines.tries < _MOST_TRIES:
                    return None
                reason = f"it failed {lines.tries} times: {error}"
            except (StoreError, OSError, MemoryError):
                lines.wait()
                return None
            except UnhandledError as error:
                reason = str(error)
        if reason and line.strip():
            with self._locked("refusing", _PATIENCE_S):
                self._aside.add(line, reason)
        lines.advance()
        return 0 if reason else 1

    def _add(self, line: bytes) -> None:
        whole = line.replace(b"\n", b" ") + b"\n"
        with self._locked("adding", _PATIENCE_S) as alone:  # held for microseconds; without it the event is still added
            while not append(self._waiting, whole, is_alone=alone):
                pass  # another process took the file meanwhile, and may have missed the line

    def _take(self) -> bool:
        """Return whether there are lines to handle; the waiting file is renamed, so that others can go on adding."""
        clear_way(self._taken)
        if self._taken.exists():
            return True
        with self._locked("adding", _PATIENCE_S) as alone:
            clear_way(self._waiting)
            if not alone or not self._waiting.exists():
                return False
            TakenLines.reset(self._taken)  # first, since the kept place belongs to the previous file
            self._waiting.replace(self._taken)
        return True

    @contextmanager
    def _locked(self, what: str, patience_s: float) -> Iterator[bool]:
        self._make_directory()
        path = self._directory / f"{what}.lock"
        clear_way(path)
        try:
            lock = FileLock(path)
        except PermissionError:
            move_away(path)
            lock = FileLock(path)
        held = lock.acquire(patience_s)
        try:
            yield held
        finally:
            if held:
                lock.release()
            lock.close()

    def _make_directory(self) -> None:
        try:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        except FileExistsError:  # a file or a link to nowhere lies in its place
            move_away(self._directory)
            self._directory.mkdir(mode=0o700)


def _record(line: bytes) -> Record:
    if len(line) > LONGEST:
        raise UnhandledError(f"the line has more than {LONGEST} bytes")
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise UnhandledError(f"the line is not JSON: {error}") from error
    if not isinstance(record, dict):
        raise UnhandledError("the line is not an event")
    return record


def _oldest(file: Path, place: int) -> int | None:
    """Return when the first event of a file happened, or else when the file was last written."""
    try:
        with file.open("rb") as stream:
            stream.seek(place)
            line = stream.readline(LONGEST)
        at = _record(line)["event"]["at"]
        return at if isinstance(at, int) else None
    except FileNotFoundError:
        return None
    except (OSError, UnhandledError, KeyError, TypeError):
        return int(file.lstat().st_mtime * 1e6)
