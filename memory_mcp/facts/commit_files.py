"""This module reads which files the commits changed that an episode looked at with their statistics."""

import re

from memory_mcp.expressions import expression
from memory_mcp.facts.deeds import Deed

_COMMIT = expression(r"^(?:commit )?([0-9a-f]{7,40})\b", re.MULTILINE)
_STAT = expression(r"^ (\S+) +\| +(?:\d+ [+-]*|Bin )", re.MULTILINE)
_TOTAL = expression(r"^ (\d+) files? changed", re.MULTILINE)
_MOST = 20


class CommitFiles:
    """The files of the commits seen so far."""

    def __init__(self) -> None:
        self._files: dict[str, tuple[str, ...]] = {}

    def look(self, deed: Deed) -> None:
        """Take one step in: of each commit that is shown with all its files."""
        if " file" not in deed.output or not any(_shows_commits(command.words) for command in deed.commands):
            return
        parts = _COMMIT.split(deed.output)
        if len(parts) == 1 and (named := _named(deed)):
            parts = ["", named, deed.output]
        for name, text in zip(parts[1::2], parts[2::2], strict=True):
            files, total = _STAT.findall(text), _TOTAL.search(text)
            if total and int(total[1]) == len(files):
                self._files[name[:7]] = tuple(files)

    def seen(self) -> tuple[tuple[str, ...], ...]:
        """Return the files of each commit, with its name in front."""
        return tuple((name, *files) for name, files in self._files.items())[:_MOST]


def _shows_commits(words: tuple[str, ...]) -> bool:
    return words[:1] == ("git",) and any(word in {"show", "log"} for word in words[1:3]) and "--stat" in words


def _named(deed: Deed) -> str:
    """Return the commit that a step names, for an output whose beginning is cut."""
    words = [word for command in deed.commands for word in command.words]
    return next((word for word in words if _COMMIT.fullmatch(word)), "")
