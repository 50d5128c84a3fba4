"""This module remembers which episode last wrote each line of each file, from the hunks of successive commits."""

from collections.abc import Iterable

from memory_mcp.importers.commits import FileChange

_MOST_HELD = 20_000_000  # lines of all files


class LineOwners:
    """Blame as it grows; where parallel branches disagree about a line number, the commit read later wins."""

    def __init__(self) -> None:
        self._owners: dict[str, list[str]] = {}
        self._held = 0

    def apply(self, owner: str, files: Iterable[FileChange]) -> set[str]:
        """Record a commit's changes as `owner`'s and return who owned the lines that it changed."""
        touched: set[str] = set()
        for change in files:
            lines = self._owners.pop(change.old_path or change.path, [])
            self._held -= len(lines)
            if self._held + len(lines) + _reach(change) > _MOST_HELD:
                continue  # the file's lines are dropped, so that memory stays bounded
            for hunk in sorted(change.hunks, key=lambda hunk: -hunk.old_start):
                # git names the line before an insertion, so that a hunk removing nothing starts one later
                start = hunk.old_start - 1 if hunk.removed else hunk.old_start
                lines.extend([""] * (start - len(lines)))
                touched.update(lines[start : start + hunk.removed])
                lines[start : start + hunk.removed] = [owner] * hunk.added
            if lines:
                self._held += len(lines) - len(self._owners.get(change.path, ()))
                self._owners[change.path] = lines
        return touched - {"", owner}


def _reach(change: FileChange) -> int:
    """Return how many lines a change may add to those in memory."""
    return sum(hunk.added for hunk in change.hunks) + max((hunk.old_start for hunk in change.hunks), default=0)
