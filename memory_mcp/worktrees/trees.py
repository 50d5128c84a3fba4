"""This module finds the work tree around a directory: its root, its branch, the commit that is checked out."""

from pathlib import Path

from msgspec import Struct

_LONGEST_REF = 1_000
_DEEPEST = 5  # a symbolic ref that points to another


class WorkTree(Struct, frozen=True):
    """A work tree; `private` is its own git directory, `common` the one that all work trees of the repository share."""

    root: Path
    private: Path
    common: Path

    @property
    def branch(self) -> str | None:
        """The branch that is checked out, None for a single commit."""
        head = _read(self.private / "HEAD")
        return head.removeprefix("ref: refs/heads/") if head.startswith("ref: refs/heads/") else None

    @property
    def commit(self) -> str:
        """The commit that is checked out, empty before the first one."""
        return self._resolved(_read(self.private / "HEAD"), 0)

    def tip(self, branch: str) -> str:
        """Return the commit of a branch, empty where there is none."""
        return self._resolved(f"ref: refs/heads/{branch}", 0)

    def _resolved(self, told: str, depth: int) -> str:
        if not told.startswith("ref: ") or depth > _DEEPEST:
            return told if len(told) in {40, 64} else ""
        ref = told.removeprefix("ref: ")
        if ".." in ref or ref.startswith("/"):
            return ""
        for place in (self.private, self.common):
            found = _read(place / ref)
            if found:
                return self._resolved(found, depth + 1)
        return self._packed(ref)

    def _packed(self, ref: str) -> str:
        path = self.common / "packed-refs"
        if not path.is_file():
            return ""
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            commit, _, name = line.partition(" ")
            if name == ref:
                return commit
        return ""


def find_work_tree(start: Path) -> WorkTree | None:
    """Find the work tree around a directory, or return None."""
    for place in (start, *start.parents):
        dot_git = place / ".git"
        if dot_git.is_dir():
            return WorkTree(place, dot_git, dot_git)
        if dot_git.is_file():
            told = _read(dot_git)
            if not told.startswith("gitdir:"):
                return None
            private = (place / told.removeprefix("gitdir:").strip()).resolve()
            common = _read(private / "commondir")
            return WorkTree(place, private, (private / common).resolve() if common else private)
    return None


def _read(path: Path) -> str:
    """Return the first line of one of git's small files, empty where there is none."""
    try:
        with path.open("rb") as stream:
            return stream.read(_LONGEST_REF).decode("utf-8", "replace").split("\n", 1)[0].strip()
    except OSError:
        return ""
