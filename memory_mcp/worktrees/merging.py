"""This module asks git whether a branch has been merged."""

import subprocess

from memory_mcp.worktrees.trees import WorkTree

_LIMIT_S = 5


def is_merged(tree: WorkTree, branch: str, begun_at: str) -> bool | None:
    """Whether what a branch did since a commit is part of what is checked out; None where nobody can tell.

    A branch that stands where it began has nothing to merge. One that was squashed or deleted cannot be told.
    """
    tip = tree.tip(branch)
    if not tip:
        return None
    if tip == begun_at or branch == tree.branch:
        return False
    command = ["git", "-C", str(tree.root), "merge-base", "--is-ancestor", tip, "HEAD"]
    try:
        done = subprocess.run(command, capture_output=True, timeout=_LIMIT_S, check=False)  # noqa: S603 - a commit's name
    except (OSError, subprocess.TimeoutExpired):
        return None
    return {0: True, 1: False}.get(done.returncode)
