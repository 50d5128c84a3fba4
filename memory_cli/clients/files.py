"""This module replaces other programs' files: with a copy of what was there, whole at any moment, mode kept."""

import difflib
import os
import shutil
import tempfile
from pathlib import Path

from msgspec import Struct

from memory_mcp.clock import Clock
from memory_mcp.errors import InvalidInputError


class FileEdit(Struct, frozen=True):
    """What became, or in a rehearsal would become, of one file; `backup` is the copy of what was there."""

    path: str
    what: str
    backup: str | None = None
    diff: str = ""


def read(path: Path) -> str:
    """Return a file's text with its line ends as they are, empty where there is none.

    Raises:
        InvalidInputError: it cannot be read.

    """
    try:
        return path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInputError(
            f"{path} cannot be read: {error}; mend it, or move it away, and run this again"
        ) from error


def replace(path: Path, text: str | None, *, dry_run: bool, clock: Clock) -> FileEdit:
    """Write a file, or remove it for None; a link stays one, and what it points to is replaced.

    Raises:
        InvalidInputError: it cannot be written; what was there is still there.

    """
    before = read(path)
    if text == before or (text is None and not path.exists()):
        return FileEdit(str(path), "unchanged")
    what = "removed" if text is None else "changed" if path.exists() else "created"
    lines = difflib.unified_diff(before.splitlines(), (text or "").splitlines(), str(path), str(path), lineterm="", n=2)
    diff = "\n".join(lines)
    if dry_run:
        return FileEdit(str(path), f"would be {what}", diff=diff)
    target = path.resolve()
    try:
        backup = _backed_up(target, clock) if path.exists() else None
        if text is None:
            target.unlink()
        else:
            _write(target, text)
    except OSError as error:
        raise InvalidInputError(f"{path} cannot be written: {error.strerror}") from error
    return FileEdit(str(path), what, str(backup) if backup else None, diff)


def _backed_up(target: Path, clock: Clock) -> Path:
    backup = target.with_name(f"{target.name}.before-memory-mcp-{clock.now()}")
    shutil.copy2(target, backup)
    return backup


def _write(target: Path, text: str) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(text.encode())
            stream.flush()
            os.fsync(stream.fileno())
        if target.exists():
            shutil.copymode(target, name)
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
