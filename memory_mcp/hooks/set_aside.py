"""This module keeps the events that cannot be handled, with the reason, until somebody looks at them."""

from collections.abc import Iterator
from pathlib import Path

import msgspec

from memory_mcp.clock import SystemClock
from memory_mcp.hooks.queue_files import append, clear_way, count_lines
from memory_mcp.models.hook_queue import SetAsideEvent

_NAME, _EARLIER, _DROPPED = "refused.jsonl", "refused.1.jsonl", "refused.dropped"
_LARGEST = 8 << 20  # bytes of one file, of which there are two
_LONGEST_LINE = 4 << 20
_HEAD = 1 << 16
_LONGEST_REASON = 500


class SetAside:
    """Two files of bounded size; the older one is dropped to make room, and its events are counted as dropped."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._files = (directory / _EARLIER, directory / _NAME)
        self._dropped = directory / _DROPPED

    def add(self, line: bytes, reason: str) -> None:
        """Keep a line.

        Raises:
            OSError: there is no room for it.

        """
        is_cut = len(line) > _LONGEST_LINE
        text = line[: _HEAD if is_cut else None].decode("utf-8", "replace")
        event = SetAsideEvent(SystemClock().now(), reason[:_LONGEST_REASON], text, is_cut)
        earlier, newest = self._files
        clear_way(newest)
        if newest.exists() and newest.stat().st_size > _LARGEST:
            clear_way(earlier)
            self._drop(count_lines(earlier))
            newest.replace(earlier)
        append(newest, msgspec.json.encode(event) + b"\n")

    def events(self) -> Iterator[SetAsideEvent]:
        """Yield what is kept, the oldest first."""
        for file in self._files:
            if not file.is_file():
                continue
            with file.open("rb") as stream:
                for line in stream:
                    yield _event(line)

    def count(self) -> int:
        """Count what is kept."""
        return sum(map(count_lines, self._files))

    def dropped(self) -> int:
        """Return how many events were dropped to make room."""
        try:
            return int(self._dropped.read_text(encoding="ascii"))
        except (OSError, ValueError):
            return 0

    def clear(self) -> None:
        """Remove all of it."""
        for file in (*self._files, self._dropped):
            file.unlink(missing_ok=True)

    def _drop(self, count: int) -> None:
        if count:
            clear_way(self._dropped)
            made = self._directory / f"{_DROPPED}.new"
            made.write_text(str(self.dropped() + count), encoding="ascii")
            made.replace(self._dropped)


def _event(line: bytes) -> SetAsideEvent:
    """Read a line; an earlier version kept the bare events."""
    try:
        return msgspec.json.decode(line, type=SetAsideEvent)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return SetAsideEvent(0, "refused by an earlier version", line.decode("utf-8", "replace").rstrip("\n"))
