"""This module defines what is kept of the files that an episode touched, and what has become of them since."""

from msgspec import Struct

UNKNOWN, FRESH, GONE = "unknown", "fresh", "gone"


class FileState(Struct, frozen=True, array_like=True):
    """A file as it was: git's name of its content, its size, and when it was last written, in nanoseconds."""

    blob: str
    size: int
    written_at: int


class Snapshot(Struct, frozen=True):
    """The work tree when an episode ended: commit, branch, and the tracked files that it had touched, by path."""

    commit: str
    branch: str
    files: dict[str, FileState]
    taken_at: int


def freshness_of(files: int, changed: int, gone: int) -> str:
    """Say what has become of the files of a snapshot."""
    if not files:
        return UNKNOWN
    if gone == files:
        return GONE
    return f"changed ({changed + gone} of {files} files)" if changed or gone else FRESH
