"""This module names unfinished files, and removes those whose process died."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from memory_mcp.errors import StoreError
from memory_mcp.storage.file_lock import FileLock

_PREFIX = ".unfinished-"
_LOCK = ".lock"
_FORMER = (".restoring-", ".part")  # how earlier versions named theirs, without a lock


@contextmanager
def unfinished(directory: Path) -> Iterator[Path]:
    """Yield a new path in a directory; its file is removed at the end, or by the next start if this process dies.

    Raises:
        StoreError: the directory cannot be written.

    """
    name = f"{_PREFIX}{os.getpid()}-{os.urandom(4).hex()}"
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = _locked(directory / (name + _LOCK))
    except OSError as error:
        raise StoreError(f"{directory} cannot be written: {error.strerror}") from error
    try:
        yield directory / f"{name}.db"
    finally:
        for path in _named(directory, name):
            path.unlink(missing_ok=True)
        lock.release()
        lock.close()


def clear(*directories: Path) -> None:
    """Remove the unfinished files of dead processes, where that is allowed."""
    for directory in directories:
        with suppress(OSError):
            for entry in list(os.scandir(directory)):
                if entry.name.startswith(_PREFIX) and entry.name.endswith(_LOCK):
                    _clear_dead(directory, entry.name.removesuffix(_LOCK))
                elif entry.name.startswith(_FORMER[0]) or entry.name.endswith(_FORMER[1]):
                    (directory / entry.name).unlink(missing_ok=True)


def _locked(path: Path) -> FileLock:
    """Lock a new file; until it is locked, another process may take it for a leftover and remove it."""
    while True:
        lock = FileLock(path)
        lock.acquire(1.0)
        if not lock.is_replaced():
            return lock
        lock.close()


def _clear_dead(directory: Path, name: str) -> None:
    lock = FileLock(directory / (name + _LOCK))
    try:
        if lock.acquire(0.0):
            for path in _named(directory, name):
                path.unlink(missing_ok=True)
            lock.release()
    finally:
        lock.close()


def _named(directory: Path, name: str) -> list[Path]:
    """Return the files of one name, the lock last, so that a kill in between leaves no file without its lock."""
    found = [directory / entry.name for entry in os.scandir(directory) if entry.name.startswith(f"{name}.")]
    return sorted(found, key=lambda path: path.name.endswith(_LOCK))
