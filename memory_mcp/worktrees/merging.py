"""This module asks git whether a branch has been merged."""

from memory_mcp.errors import GitError
from memory_mcp.worktrees.git import run_git
from memory_mcp.worktrees.trees import WorkTree

_LIMIT_S = 5.0


def is_merged(tree: WorkTree, branch: str, begun_at: str) -> bool | None:
    """Whether what a branch did since a commit is part of what is checked out; None where nobody can tell.

    A branch that stands where it began has nothing to merge. One that was squashed or deleted cannot be told.
    """
    tip = tree.tip(branch)
    if not tip:
        return None
    if tip == begun_at or branch == tree.branch:
        return False
    words = ("--is-ancestor", "--end-of-options", tip, "HEAD")  # a forged ref may look like an option
    try:
        done = run_git(tree.root, "merge-base", *words, timeout_s=_LIMIT_S)
    except GitError:
        return None
    return {0: True, 1: False}.get(done.returncode)
