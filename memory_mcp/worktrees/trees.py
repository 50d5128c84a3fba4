"""This module finds the work tree around a directory: its root, its branch, the commit that is checked out."""

import os
import stat
from pathlib import Path

from msgspec import Struct

from memory_mcp.worktrees.reading import read_file, read_line

_DEEPEST = 5  # a symbolic ref that points to another
_MOST_CONFIG = 1 << 20
_MOST_REFS = 64 << 20
_NAME_LENGTHS = (40, 64)  # of an object, in SHA-1 and SHA-256
_HEXADECIMAL = "0123456789abcdef"


class WorkTree(Struct, frozen=True):
    """A work tree; `private` is its own git directory, `common` the one that all work trees of the repository share."""

    root: Path
    private: Path
    common: Path

    @property
    def branch(self) -> str | None:
        """The branch that is checked out, None for a single commit."""
        head = read_line(self.private / "HEAD")
        return head.removeprefix("ref: refs/heads/") if head.startswith("ref: refs/heads/") else None

    @property
    def commit(self) -> str:
        """The commit that is checked out, empty before the first one."""
        return self._resolved(read_line(self.private / "HEAD"), 0)

    def tip(self, branch: str) -> str:
        """Return the commit of a branch, empty where there is none."""
        return self._resolved(f"ref: refs/heads/{branch}", 0)

    def _resolved(self, told: str, depth: int) -> str:
        if not told.startswith("ref: ") or depth > _DEEPEST:
            return told if is_object_name(told) else ""
        ref = told.removeprefix("ref: ")
        if ".." in ref or ref.startswith("/"):
            return ""
        for place in (self.private, self.common):
            found = read_line(place / ref)
            if found:
                return self._resolved(found, depth + 1)
        return self._packed(ref)

    def _packed(self, ref: str) -> str:
        content = read_file(self.common / "packed-refs", _MOST_REFS) or b""
        for line in content.decode("utf-8", "surrogateescape").splitlines():
            commit, _, name = line.partition(" ")
            if name == ref and is_object_name(commit):
                return commit
        return ""


class Site(Struct, frozen=True):
    """The surroundings of a directory: `path` is the main work tree of its repository, or the plain directory."""

    path: Path
    tree: WorkTree | None


def find_work_tree(start: Path) -> WorkTree | None:
    """Find the work tree around a directory, or return None."""
    return find_site(start).tree


def find_site(start: Path) -> Site:
    """Find the site of a directory: the repository around it, or the directory itself.

    The nearest `.git` decides. A `.git` file counts only if the repository that it names points back; a link never
    counts. A directory with any other `.git` is a plain directory, even inside a repository.

    Raises:
        OSError: the path is impossible on this machine.

    """
    for place in (start, *start.parents):
        dot_git = place / ".git"
        try:
            mode = dot_git.lstat().st_mode
        except (FileNotFoundError, NotADirectoryError):
            continue
        except PermissionError:
            return Site(start, None)
        if stat.S_ISDIR(mode) and not _exists(dot_git / "commondir"):  # with it git would read another repository
            return Site(place, WorkTree(place, dot_git, dot_git))
        tree = _followed(place, dot_git) if stat.S_ISREG(mode) else None
        return Site(_home(tree), tree) if tree else Site(place, None)
    return Site(start, None)


def is_object_name(text: str) -> bool:
    """Whether a text names an object in full."""
    return len(text) in _NAME_LENGTHS and not text.strip(_HEXADECIMAL)


def _followed(place: Path, dot_git: Path) -> WorkTree | None:
    """Follow the `gitdir:` line of a linked work tree or a submodule, if its repository points back here."""
    private = _named(dot_git)
    if private is None:
        return None
    told = read_line(private / "commondir")
    if not told:
        return WorkTree(place, private, private) if _same(_work_tree_told(private), place) else None
    common = _resolved(private, told)
    back = read_line(private / "gitdir")
    if common is None or private.parent != common / "worktrees" or _exists(common / "commondir"):
        return None
    return WorkTree(place, private, common) if back and _same(_resolved(private, back), dot_git) else None


def _home(tree: WorkTree) -> Path:
    """Return the main work tree of a repository, or a bare one's git directory."""
    if tree.common.name == ".git":
        return tree.common.parent
    told = _work_tree_told(tree.common)
    return told if told is not None and _named(told / ".git") == tree.common else tree.common


def _named(dot_git: Path) -> Path | None:
    """Return the directory that a `.git` file names."""
    told = read_line(dot_git)
    return _resolved(dot_git.parent, told.removeprefix("gitdir:").strip()) if told.startswith("gitdir:") else None


def _work_tree_told(common: Path) -> Path | None:
    """Return `core.worktree` of a repository's configuration, as git writes it for a submodule."""
    content = read_file(common / "config", _MOST_CONFIG) or b""
    section = ""
    for line in content.decode("utf-8", "surrogateescape").splitlines():
        stripped = line.strip()
        if stripped.startswith("["):
            section = stripped.lower()
        key, _, value = stripped.partition("=")
        if section == "[core]" and key.strip().lower() == "worktree":
            return _resolved(common, value.strip().strip('"'))
    return None


def _resolved(base: Path, told: str) -> Path | None:
    """Resolve a path from a file, or return None if it is not a usable path."""
    try:
        return (base / told).resolve() if told and "\0" not in told else None
    except (OSError, RuntimeError):  # a loop of links
        return None


def _same(told: Path | None, place: Path) -> bool:
    return told is not None and told == place.resolve()


def _exists(path: Path) -> bool:
    return os.path.lexists(path)
