"""This module reads the lines that are being handled, and keeps its place in a file."""

import errno
import os
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from memory_mcp.hooks.queue_files import opened

LONGEST = 64 << 20  # bytes of a line; a hook takes 32 MiB of JSON
_SKIPPED = 1 << 20
_PLACE_BYTES = 28


class TakenLines:
    """The lines from the kept place on; `tries` counts how often the next line was begun.

    The place is overwritten in one small write, which needs no more disk space and is never seen half done.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._open = ExitStack()
        self._place = self._next = self.tries = 0

    def __enter__(self) -> Self:
        with self._open as opening:
            self._stream = opening.enter_context(
                os.fdopen(os.dup(opening.enter_context(opened(self._path, os.O_RDONLY))), "rb")
            )
            self._kept = opening.enter_context(opened(_kept_at(self._path), os.O_CREAT | os.O_RDWR))
            self._place, self.tries = _read_place(self._path, self._kept)
            self._write()  # a full disk is found out before anything is handled
            self._open = opening.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    @staticmethod
    def reset(path: Path) -> None:
        """Reset the place to the beginning, for the next file of lines.

        Raises:
            OSError: it cannot be written.

        """
        with opened(_kept_at(path), os.O_CREAT | os.O_RDWR) as kept:
            _write_place(kept, 0, 0)

    @staticmethod
    def forget(path: Path) -> None:
        """Remove the file with the place, once all lines are handled."""
        _kept_at(path).unlink(missing_ok=True)

    @staticmethod
    def place_of(path: Path) -> int:
        """Return the kept place, or 0 if there is none."""
        try:
            with _kept_at(path).open("rb") as kept:
                return _read_place(path, kept.fileno())[0]
        except OSError:
            return 0

    def next(self) -> bytes | None:
        """Return the next line, cut if it is too long, or None at the end."""
        self._stream.seek(self._place)
        line = self._stream.readline(LONGEST + 1)
        rest = line
        while rest and not rest.endswith(b"\n"):
            rest = self._stream.readline(_SKIPPED)
        self._next = self._stream.tell()
        return line.removesuffix(b"\n") if line else None

    def begin(self) -> None:
        """Count a try before the line is handled, since the process may die of it."""
        self.tries += 1
        self._write()

    def wait(self) -> None:
        """Reset the tries: the failure was not the line's fault."""
        self.tries = 0
        self._write()

    def advance(self) -> None:
        """Go to the next line."""
        self._place, self.tries = self._next, 0
        self._write()

    def _write(self) -> None:
        _write_place(self._kept, self._place, self.tries)


def _kept_at(path: Path) -> Path:
    return path.with_suffix(".place")


def _write_place(descriptor: int, place: int, tries: int) -> None:
    os.lseek(descriptor, 0, os.SEEK_SET)
    if os.write(descriptor, f"{place:020d} {tries:06d}\n".encode()) < _PLACE_BYTES:
        raise OSError(errno.ENOSPC, "no room for the place in the hooks' queue")


def _read_place(path: Path, descriptor: int) -> tuple[int, int]:
    """Return the place and the tries; a place that is not the beginning of a line counts as 0."""
    os.lseek(descriptor, 0, os.SEEK_SET)
    try:
        place, tries = map(int, os.read(descriptor, _PLACE_BYTES).split())
        with path.open("rb") as stream:
            stream.seek(max(place - 1, 0))
            fits = place == 0 or (place > 0 and stream.read(1) == b"\n") or place == path.stat().st_size
    except ValueError:
        return 0, 0
    return (place, tries) if fits else (0, 0)
