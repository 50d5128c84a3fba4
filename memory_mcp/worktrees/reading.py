"""This module reads git's small files: regular files only, never links or pipes."""

import os
import stat
from pathlib import Path

_LONGEST_LINE = 4_096
_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_NONBLOCK", 0)  # opening a pipe without a writer would wait for one
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)


def read_file(path: Path, most_bytes: int) -> bytes | None:
    """Return the content of a file, or None if it is absent, unreadable, too large or not a regular file."""
    try:
        descriptor = os.open(path, _FLAGS)
    except (OSError, ValueError):  # ValueError: a path with NUL
        return None
    try:
        state = os.fstat(descriptor)
        if not stat.S_ISREG(state.st_mode) or state.st_size > most_bytes:
            return None
        content = bytearray()
        while len(content) < most_bytes and (more := os.read(descriptor, most_bytes - len(content))):
            content += more
        return bytes(content)
    except OSError:
        return None
    finally:
        os.close(descriptor)


def read_line(path: Path) -> str:
    """Return the first line of a file, or an empty text if the file cannot be read or is too large."""
    content = read_file(path, _LONGEST_LINE)
    return content.decode("utf-8", "surrogateescape").split("\n", 1)[0].strip() if content else ""
