"""This module replaces other programs' files: with a copy of what was there, whole at any moment, mode kept."""

import difflib
import os
import shutil
import stat
import tempfile
from pathlib import Path

from msgspec import Struct

from memory_mcp.clock import Clock
from memory_mcp.errors import InvalidInputError
from memory_mcp.worktrees.clones import is_inside, parts_inside

_MOST_BYTES = 10_000_000
_KINDS = {
    stat.S_IFLNK: "symbolic link",
    stat.S_IFREG: "file",
    stat.S_IFDIR: "directory",
    stat.S_IFIFO: "pipe",
    stat.S_IFSOCK: "socket",
}


class FileEdit(Struct, frozen=True):
    """What became, or in a rehearsal would become, of one file; `backup` is the copy of what was there."""

    path: str
    what: str
    backup: str | None = None
    diff: str = ""


def read(path: Path, clone: Path | None) -> str:
    """Return a file's text with its line ends as they are, empty where there is none.

    Raises:
        InvalidInputError: it cannot be read, or a repository put something else in its place.

    """
    check(path, clone)
    try:
        if path.exists() and path.stat().st_size > _MOST_BYTES:
            raise InvalidInputError(f"{path} is larger than {_MOST_BYTES // 1_000_000} MB; move it away")
        return path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInputError(
            f"{path} cannot be read: {error}; mend it, or move it away, and run this again"
        ) from error


def replace(
    path: Path, text: str | None, clone: Path | None, *, dry_run: bool, clock: Clock, keep: bool = True
) -> FileEdit:
    """Write a file, or remove it for None; a user's own link stays one, and what it points to is replaced.

    With `keep` a copy of what was there is left beside it.

    Raises:
        InvalidInputError: it cannot be written; what was there is still there.

    """
    before = read(path, clone)
    if text == before or (text is None and not path.exists()):
        return FileEdit(str(path), "unchanged")
    what = "removed" if text is None else "changed" if path.exists() else "created"
    lines = difflib.unified_diff(before.splitlines(), (text or "").splitlines(), str(path), str(path), lineterm="", n=2)
    diff = "\n".join(lines)
    if dry_run:
        return FileEdit(str(path), f"would be {what}", diff=diff)
    backup = back_up(path, clock) if keep else None
    target = path if is_inside(path, clone) else path.resolve()
    try:
        check(path, clone)
        if text is None:
            target.unlink()
        else:
            _write(target, text)
    except OSError as error:
        raise InvalidInputError(f"{path} cannot be written: {error.strerror}") from error
    return FileEdit(str(path), what, backup, diff)


def back_up(path: Path, clock: Clock) -> str | None:
    """Copy a file to a new name beside it and return that name, or None if there is no file.

    Raises:
        InvalidInputError: the copy cannot be written.

    """
    if not path.exists():
        return None
    target = path.resolve()
    backup = target.with_name(f"{target.name}.before-memory-mcp-{clock.now()}")
    try:
        with target.open("rb") as source, backup.open("xb") as copy:  # never overwrites, not even through a link
            shutil.copyfileobj(source, copy)
        shutil.copystat(target, backup)
    except OSError as error:
        raise InvalidInputError(f"{backup} cannot be written: {error.strerror}") from error
    return str(backup)


def check(path: Path, clone: Path | None) -> None:
    """Refuse a path that a repository redirects by a link, or that ends in something other than a file.

    Raises:
        InvalidInputError: the path is redirected, or names something other than a file.

    """
    parts = parts_inside(path, clone)
    if clone is None or parts is None:
        return
    place = clone
    for number, part in enumerate(parts, 1):
        place /= part
        try:
            mode = place.lstat().st_mode
        except FileNotFoundError:
            return
        except OSError as error:
            raise InvalidInputError(f"{path} cannot be reached: {error.strerror}") from error
        wanted = stat.S_ISREG(mode) if number == len(parts) else stat.S_ISDIR(mode)
        if not wanted:
            at = "" if number == len(parts) else f" leads through {place}, which"
            kind = _KINDS.get(stat.S_IFMT(mode), "device")
            raise InvalidInputError(f"{path}{at} is a {kind} that the repository brought; remove it to go on")


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
