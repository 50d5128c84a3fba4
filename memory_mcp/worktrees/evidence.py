"""This module asks git for the evidence of a repository's identity: its root and its remotes."""

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from memory_mcp.errors import GitError
from memory_mcp.models.identities import Evidence
from memory_mcp.worktrees.git import is_installed, run_git, stream_git
from memory_mcp.worktrees.remotes import remote_name
from memory_mcp.worktrees.stamps import is_unborn, stamp_of, without_git
from memory_mcp.worktrees.trees import Site, WorkTree, is_object_name

_PATIENCE_S = 5.0  # a history of a million commits takes longer; its root counts as unknown then
_MOST_CONFIG = 1 << 20
_MOST_REMOTES = 50
_MOST_ENTRIES = 100_000
_MOST_COMMIT = 1 << 20
_MOST_ASKED = 50


def gather(site: Site, path: str) -> Evidence:
    """Return a site's evidence; less of it if git is absent or slow, or if the repository leads elsewhere."""
    tree, stamp = site.tree, stamp_of(site)
    if tree is None:
        return Evidence(path)
    if not is_installed():
        return Evidence(path, without_git(stamp))
    if not is_self_contained(tree):
        return Evidence(path, stamp)
    remotes = _remotes(tree)
    primary = remotes.get("origin") or (next(iter(remotes.values())) if len(remotes) == 1 else "")
    unborn = is_unborn(tree)
    return Evidence(path, stamp, "" if unborn else _root(tree), unborn, tuple(sorted(set(remotes.values()))), primary)


def holds_any(site: Site, commits: Iterable[str]) -> bool:
    """Whether the repository itself holds one of these commits, genuine."""
    wanted = [each for each in commits if is_object_name(each)][:_MOST_ASKED]
    if site.tree is None or not wanted or not is_self_contained(site.tree):
        return False
    present = _lines(site.tree, "rev-list", "--no-walk", "--ignore-missing", *wanted)
    return any(_is_genuine(site.tree, each) for each in present if each in wanted)


def is_self_contained(tree: WorkTree) -> bool:
    """Whether git would read only this repository: an archive may contain links into another one."""
    for seen, entry in enumerate(_entries(tree.common)):
        if seen > _MOST_ENTRIES or _is_odd(entry):
            return False
    for name in ("objects/info/alternates", "objects/info/http-alternates"):
        if os.path.lexists(tree.common / name):
            return False
    return True


def _is_odd(entry: os.DirEntry[str]) -> bool:
    """Whether an entry is a link, or something that git would wait for; its own watcher has a socket there."""
    if entry.is_symlink():
        return True
    if entry.is_dir() or entry.is_file():
        return False
    try:
        return not stat.S_ISSOCK(entry.stat(follow_symlinks=False).st_mode)
    except OSError:  # it has gone
        return False


def _entries(common: Path) -> Iterator[os.DirEntry[str]]:
    """Yield the entries that may be links: of the directory, the first levels of its objects, all of its refs."""
    waiting = [(common, False), (common / "objects", False), (common / "objects" / "info", False)]
    waiting += [(common / "objects" / "pack", False), (common / "refs", True), (common / "reftable", True)]
    while waiting:
        directory, is_deep = waiting.pop()
        try:
            if not stat.S_ISDIR(directory.lstat().st_mode):
                continue
            with os.scandir(directory) as entries:
                for entry in entries:
                    yield entry
                    if is_deep and entry.is_dir(follow_symlinks=False):
                        waiting.append((Path(entry.path), True))
        except OSError:
            continue


def _root(tree: WorkTree) -> str:
    """Return the first-parent root of HEAD; empty for a shallow clone, whose oldest commit is no root."""
    if os.path.lexists(tree.common / "shallow"):
        return ""
    told = _lines(tree, "rev-list", "--first-parent", "--max-parents=0", "HEAD", "--")
    return told[0] if len(told) == 1 and _is_genuine(tree, told[0]) else ""


def _is_genuine(tree: WorkTree, commit: str) -> bool:
    """Whether a repository itself has a commit whose content matches its name.

    Git checks neither when it walks a history: the file of a commit may be a link into another repository.
    """
    if not is_object_name(commit) or (tree.common / "objects" / commit[:2] / commit[2:]).is_symlink():
        return False
    try:
        with stream_git(tree.root, f"--git-dir={tree.private}", "cat-file", "commit", commit) as lines:
            content = b""
            for line in lines:
                content += line
                if len(content) > _MOST_COMMIT:
                    return False
    except GitError:
        return False
    named = hashlib.sha1(usedforsecurity=False) if len(commit) == 40 else hashlib.sha256()  # noqa: PLR2004 - of SHA-1
    named.update(b"commit %d\0" % len(content))
    named.update(content)
    return named.hexdigest() == commit


def _remotes(tree: WorkTree) -> dict[str, str]:
    """Return the normalised addresses of the remotes by their names, the first address of each."""
    config = tree.common / "config"
    try:
        if config.lstat().st_size > _MOST_CONFIG:
            return {}
    except OSError:
        return {}
    pattern = r"^remote\..*\.url$"
    told = _output(tree, "config", "--file", str(config), "--no-includes", "-z", "--get-regexp", pattern)
    found: dict[str, str] = {}
    for line in told.split("\0"):
        key, _, address = line.partition("\n")
        name = key.removeprefix("remote.").removesuffix(".url")
        normal = remote_name(address, tree.root)
        if normal and name not in found and len(found) < _MOST_REMOTES:
            found[name] = normal
    return found


def _lines(tree: WorkTree, *words: str) -> list[str]:
    return _output(tree, *words).split()


def _output(tree: WorkTree, *words: str) -> str:
    """Run git on this repository only: without `--git-dir` it would search the directories above."""
    try:
        done = run_git(tree.root, f"--git-dir={tree.private}", *words, timeout_s=_PATIENCE_S)
    except GitError:
        return ""
    return done.stdout if done.returncode == 0 else ""
