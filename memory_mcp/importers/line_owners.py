"""This module remembers which episode last wrote each line of each file, from the hunks of successive commits."""

from collections.abc import Iterable

from memory_mcp.importers.commits import FileChange


class LineOwners:
    """Blame as it grows; where parallel branches disagree about a line number, the commit read later wins."""

    def __init__(self) -> None:
        self._owners: dict[str, list[str]] = {}

    def apply(self, owner: str, files: Iterable[FileChange]) -> set[str]:
        """Record a commit's changes as `owner`'s and return who owned the lines that it changed."""
        touched: set[str] = set()
        for change in files:
            lines = self._owners.pop(change.old_path or change.path, [])
            for hunk in sorted(change.hunks, key=lambda hunk: -hunk.old_start):
                # git names the line before an insertion, so that a hunk removing nothing starts one later
                start = hunk.old_start - 1 if hunk.removed else hunk.old_start
                lines.extend([""] * (start - len(lines)))
                touched.update(lines[start : start + hunk.removed])
                lines[start : start + hunk.removed] = [owner] * hunk.added
            if lines:
                self._owners[change.path] = lines
        return touched - {"", owner}
