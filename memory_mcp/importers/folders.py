"""This module opens files inside the folder of an import, and nothing outside it."""

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from memory_mcp.errors import ImporterError
from memory_mcp.importers.records import Bad

LARGEST_FILE = 100_000_000  # bytes of a file that is read as a whole
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)


def files_below(path: Path, *suffixes: str, root: Path | None = None) -> Iterator[Path | Bad]:
    """Yield a file, or the files with these suffixes below a directory in a stable order, and what cannot be read.

    A link counts as its target, unless the target lies outside `root`, by default the path itself.
    """
    root = root or path
    if not path.is_dir():
        yield path
        return
    if not _is_inside(root, path):
        yield Bad(str(path), f"it leads out of {root}")
        return
    pending = [path]
    while pending:
        directory = pending.pop()
        try:
            entries = sorted(os.scandir(directory), key=lambda entry: entry.name)
        except OSError as error:
            yield Bad(str(directory), f"it cannot be read: {error.strerror}")
            continue
        for entry in entries:
            if not entry.is_symlink() and entry.is_dir():
                continue
            yield from _wanted(root, entry, suffixes)
        pending += [Path(each.path) for each in reversed(entries) if not each.is_symlink() and each.is_dir()]


def total_bytes(path: Path, *suffixes: str) -> int:
    """Return the size of the files that `files_below` yields."""
    total = 0
    with suppress(OSError):
        for file in files_below(path, *suffixes):
            if isinstance(file, Path):
                total += file.stat().st_size
    return total


def open_inside(root: Path, file: Path) -> BinaryIO:
    """Open a regular file inside a folder, without ever waiting for the writer of a pipe.

    Raises:
        ImporterError: it cannot be opened, is something else, or lies outside.

    """
    if not _is_inside(root, file):
        raise ImporterError(f"it leads out of {root}")
    try:
        real = Path(os.path.realpath(file))
        descriptor = os.open(real, _FLAGS)
    except (OSError, ValueError) as error:
        raise ImporterError(f"it cannot be read: {getattr(error, 'strerror', None) or error}") from error
    fault = _fault(descriptor, real, root, file)
    if fault:
        os.close(descriptor)
        raise ImporterError(fault)
    return os.fdopen(descriptor, "rb")


def read_inside(root: Path, file: Path, most: int = LARGEST_FILE) -> bytes:
    """Return the content of a regular file that lies in a folder.

    Raises:
        ImporterError: it cannot be read, is too large, is something else, or lies outside.

    """
    with open_inside(root, file) as stream:
        try:
            content = stream.read(most + 1)
        except OSError as error:
            raise ImporterError(f"it cannot be read: {error.strerror}") from error
    if len(content) > most:
        raise ImporterError(f"it has more than {most} bytes")
    return content


def _fault(descriptor: int, real: Path, root: Path, file: Path) -> str | None:
    """Return why the opened file is not the requested one; another process may swap links meanwhile."""
    told = os.fstat(descriptor)
    if not stat.S_ISREG(told.st_mode):
        return "it is not a regular file"
    try:
        is_same = os.path.samestat(real.stat(), told)
    except OSError:
        is_same = False
    return None if is_same and _is_inside(root, file) and _is_inside(root, real) else "it was replaced meanwhile"


def _wanted(root: Path, entry: os.DirEntry[str], suffixes: tuple[str, ...]) -> Iterator[Path | Bad]:
    """Yield a wanted file, or the reason why it is not read: a link out of the folder, or not a regular file."""
    file = Path(entry.path)
    is_wanted = file.suffix in suffixes
    try:
        mode = file.stat().st_mode
    except OSError:  # a broken link, or a directory that can only be listed
        mode = 0
    if entry.is_symlink() and not _is_inside(root, file):
        if is_wanted or stat.S_ISDIR(mode):
            yield Bad(str(file), f"it is a link that leads out of {root}")
    elif is_wanted and not stat.S_ISDIR(mode):
        yield file if stat.S_ISREG(mode) else Bad(str(file), "it is not a regular file")


def _is_inside(root: Path, file: Path) -> bool:
    try:
        return Path(os.path.realpath(file)).is_relative_to(os.path.realpath(root))
    except (OSError, ValueError):  # a loop of links, a NUL
        return False
