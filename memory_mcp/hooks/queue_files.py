"""This module opens and appends to the files of the hooks' queue, and moves away what blocks their paths."""

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

_FLAGS = getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
OBSTACLE = ".obstacle"
WAITING, TAKEN = "queue.jsonl", "taken.jsonl"
_COUNTED = 1 << 20


def is_empty(directory: Path) -> bool:
    """Whether no event waits in the queue of a directory."""
    return not (os.path.lexists(directory / WAITING) or os.path.lexists(directory / TAKEN))


@contextlib.contextmanager
def opened(path: Path, flags: int) -> Iterator[int]:
    """Open a regular file for its owner only; anything else at the path, or an unreadable file, is moved away first.

    A directory, a FIFO or a link in its place would stop or misdirect every hook from then on.

    Raises:
        OSError: the file still cannot be opened.

    """
    clear_way(path)
    try:
        descriptor = os.open(path, flags | _FLAGS, 0o600)
    except PermissionError:
        if not os.path.lexists(path):
            raise
        move_away(path)
        descriptor = os.open(path, flags | _FLAGS, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def clear_way(path: Path) -> None:
    """Move away whatever lies at the path, unless it is a regular file."""
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return
    if not stat.S_ISREG(found.st_mode):
        move_away(path)


def move_away(path: Path) -> None:
    """Rename what lies at the path, so that `doctor` finds it."""
    path.replace(path.with_name(f"{path.name}.{path.lstat().st_ino}{OBSTACLE}"))


def append(path: Path, line: bytes, *, is_alone: bool = True) -> bool:
    """Append a line, whole or not at all, and return whether the file still lies at the path afterwards.

    A half line that a dying process left is ended first, so that it does not spoil this one. `is_alone` says that no
    other process appends to the file or moves it meanwhile.

    Raises:
        OSError: there is no room, or the file cannot be opened.

    """
    with opened(path, os.O_CREAT | os.O_RDWR | os.O_APPEND) as descriptor:
        size = os.lseek(descriptor, 0, os.SEEK_END)
        whole = line if _ends_a_line(descriptor, size) else b"\n" + line
        try:
            while whole:
                whole = whole[os.write(descriptor, whole) :]
        except OSError:
            if is_alone:
                os.ftruncate(descriptor, size)
            raise
        return is_alone or _lies_at(path, descriptor)


def count_lines(path: Path, start: int = 0) -> int:
    """Count the lines of a file from a place on; anything but a regular file has none."""
    count, last = 0, b"\n"
    try:
        if not stat.S_ISREG(os.lstat(path).st_mode):
            return 0
        with path.open("rb") as stream:
            stream.seek(start)
            while chunk := stream.read(_COUNTED):
                count += chunk.count(b"\n")
                last = chunk[-1:]
    except OSError:
        return count
    return count + (last != b"\n")


def _ends_a_line(descriptor: int, size: int) -> bool:
    if size == 0:
        return True
    os.lseek(descriptor, size - 1, os.SEEK_SET)
    return os.read(descriptor, 1) == b"\n"


def _lies_at(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except OSError:
        return False
