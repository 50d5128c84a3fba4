"""This module takes snapshots of the files that an episode touched, and compares them with the work tree of today."""

import os
from collections.abc import Iterable
from pathlib import Path, PurePath

from memory_mcp.models.snapshots import UNKNOWN, FileState, Snapshot, freshness_of
from memory_mcp.worktrees.reading import read_file
from memory_mcp.worktrees.tracked import tracked_files
from memory_mcp.worktrees.trees import WorkTree

_MOST_FILES = 20
_MOST_BYTES = 5_000_000  # of one file
_MOST_KEPT = 2_000  # blobs known by size and time

# (path, size, written at) → the name of the content; of one process
_KNOWN: dict[tuple[str, int, int], str] = {}


def take(tree: WorkTree, directory: Path, files: Iterable[str], at: int) -> Snapshot | None:
    """Return the state of those of the files that git tracks, None where there is none of them.

    A path that somebody has told is only looked up among those that git lists: what is opened is git's own.
    """
    tracked = tracked_files(tree)
    if not tracked:
        return None
    chosen: dict[str, FileState] = {}
    for told in files:
        path = next((each for each in _candidates(tree.root, directory, told) if each in tracked), None)
        if path is None or path in chosen:
            continue
        state = _state(tree.root, path)
        if state is not None:
            chosen[path] = state
        if len(chosen) == _MOST_FILES:
            break
    return Snapshot(tree.commit, tree.branch or "", chosen, at) if chosen else None


def freshness(tree: WorkTree | None, snapshot: Snapshot | None) -> str:
    """Say whether the files of a snapshot are as they were: fresh, changed (n of m files), gone or unknown."""
    if tree is None or snapshot is None:
        return UNKNOWN
    changed = gone = 0
    for path, before in snapshot.files.items():
        if path.startswith(("/", "../")) or "/../" in path:
            return UNKNOWN  # no path that git lists
        state = _state(tree.root, path, before)
        gone += state is None
        changed += state is not None and state.blob != before.blob
    return freshness_of(len(snapshot.files), changed, gone)


def _candidates(root: Path, directory: Path, told: str) -> list[str]:
    """Return what a path may mean, as git lists it: below the work tree, below the process's directory, absolute."""
    plain = os.path.normpath(told)
    if Path(plain).is_absolute():
        for base in (root, root.resolve()):
            if plain.startswith(f"{base}{os.sep}"):
                return [Path(plain[len(str(base)) + 1 :]).as_posix()]
        return []
    inside = os.path.relpath(os.path.normpath(directory / plain), root)
    return [Path(plain).as_posix(), Path(inside).as_posix()]


def _state(root: Path, told: str, before: FileState | None = None) -> FileState | None:
    """Return the state of a file, or None if it is gone, huge, not a regular file, or reached through a link."""
    path = root / told
    try:
        if path.parent.resolve() != root.resolve() / PurePath(told).parent:
            return None
        stat = path.lstat()
        if not path.is_file() or path.is_symlink() or stat.st_size > _MOST_BYTES:
            return None
        if before is not None and (stat.st_size, stat.st_mtime_ns) == (before.size, before.written_at):
            return before
        known = (str(path), stat.st_size, stat.st_mtime_ns)
        if known not in _KNOWN:
            if len(_KNOWN) >= _MOST_KEPT:
                _KNOWN.clear()
            content = read_file(path, _MOST_BYTES)
            if content is None:
                return None
            _KNOWN[known] = _blob(content)
        return FileState(_KNOWN[known], stat.st_size, stat.st_mtime_ns)
    except (OSError, ValueError):  # a name with NUL, which no system has
        return None


def _blob(content: bytes) -> str:
    """Name content as git does: SHA-1 over `blob`, its length and itself."""
    import hashlib  # noqa: PLC0415 - 4 ms that a hook need not pay while no file has changed

    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
