"""This module makes the file of a new store, unless a log says that the store was only moved."""

import os
from pathlib import Path

from memory_mcp.errors import StoreError, StrayLogError


def create_file(path: Path) -> None:
    """Make the file for its owner only, and its directory; SQLite's side files inherit its mode.

    Raises:
        StoreError: the place cannot be made, with the operating system's reason.
        StrayLogError: a log of a store that was moved away lies there.

    """
    try:
        if not path.parent.is_dir():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            _remove_orphans(path)
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise StoreError(f"{path} cannot be created: {error.strerror}; choose a place with MEMORY_MCP_HOME") from error


def _remove_orphans(path: Path) -> None:
    """Remove the empty side files of a database that no longer exists; SQLite would mix them with a new one.

    Raises:
        StrayLogError: the log is not empty; the database may only have been moved.

    """
    for name in [*links(path), os.path.realpath(path)]:
        log = f"{name}-wal"
        if size_of(log) and not path.exists():  # else another process began a store just now
            raise StrayLogError(
                f"{path} is gone, but {log} holds changes of it; put that file back, or move that log away to begin a "
                "new store"
            )
        if not path.exists():
            remove(log, f"{name}-shm")


def links(path: Path) -> list[str]:
    """Return the path and what it leads to, as far as these are links."""
    found: list[str] = []
    name = os.path.abspath(path)  # noqa: PTH100 - a Path would be made for each link
    while os.path.islink(name) and name not in found:  # noqa: PTH114 - as above
        found.append(name)
        name = os.path.join(os.path.dirname(name), os.readlink(name))  # noqa: PTH115, PTH118, PTH120 - as above
    return found


def size_of(name: str) -> int:
    """Return a file's length, 0 if it is absent."""
    try:
        return Path(name).stat().st_size
    except OSError:
        return 0


def remove(*names: str) -> None:
    """Remove files, where they exist."""
    for name in names:
        Path(name).unlink(missing_ok=True)
