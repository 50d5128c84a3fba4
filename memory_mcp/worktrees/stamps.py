"""This module tells without git, from a few file states, whether a directory is as it was last seen."""

import os
import stat
from pathlib import Path

from memory_mcp.models.identities import Stamp
from memory_mcp.worktrees.reading import read_line
from memory_mcp.worktrees.trees import Site, WorkTree

_BORN = 0  # the birth if it is unknown


def stamp_of(site: Site) -> Stamp:
    """Return the stamp of a site's repository; empty for a plain directory."""
    if site.tree is None:
        return Stamp()
    common = site.tree.common
    try:
        state = common.stat()
    except OSError:
        return Stamp()
    born = _birth(common, state)
    config = _state(common / "config")
    told = (
        "unborn" if is_unborn(site.tree) else "",
        "shallow" if os.path.lexists(common / "shallow") else "",
        f"{config.st_size}:{config.st_mtime_ns}" if config else "none",
    )
    return Stamp(f"{state.st_dev}:{state.st_ino}:{born}" if born else "", ":".join(filter(None, told)))


def without_git(stamp: Stamp) -> Stamp:
    """Return the stamp of a directory that was seen without git installed, so that it is examined again with git."""
    return Stamp(stamp.directory, f"{stamp.content}:nogit")


def path_text(path: Path) -> str:
    """Return a path as text that a store can hold, whatever bytes it has."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def is_unborn(tree: WorkTree) -> bool:
    """Whether the checked-out branch has no commit yet; no ref's content is read."""
    head = read_line(tree.private / "HEAD")
    if not head.startswith("ref: "):
        return not head
    ref = head.removeprefix("ref: ")
    places = (tree.private / ref, tree.common / ref, tree.common / "packed-refs", tree.common / "reftable")
    return ".." in ref or not any(map(os.path.lexists, places))


def is_gone(path: str) -> bool:
    """Whether a project's directory is gone or no longer a repository; an unreadable one still counts as there."""
    if "\\" in path and os.sep != "\\":
        return False  # as `path_text` writes a name that is no UTF-8: what it stands for cannot be looked up
    place = Path(path)
    return not any(_may_exist(each) for each in (place / ".git", place / "HEAD"))


def _birth(common: Path, state: os.stat_result) -> int:
    """Return when a git directory was created: `description` is written then, and hardly ever again."""
    told = getattr(state, "st_birthtime_ns", 0) or int(getattr(state, "st_birthtime", 0) * 1e9)
    if told:
        return int(told)
    description = _state(common / "description")
    return description.st_mtime_ns if description else _BORN


def _state(path: Path) -> os.stat_result | None:
    try:
        found = path.lstat()
    except OSError:
        return None
    return found if stat.S_ISREG(found.st_mode) else None


def _may_exist(path: Path) -> bool:
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True
