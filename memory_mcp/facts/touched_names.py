"""This module reads from the differences that an episode showed which functions and classes it changed."""

import re
from collections.abc import Iterator

from memory_mcp.expressions import expression
from memory_mcp.facts.deeds import Deed

_SECTION = expression(r"^diff --git a/\S+ b/(\S+)$", re.MULTILINE)
_HUNK = expression(r"^@@ -\d+(?:,\d+)? \+\d+(?:,\d+)? @@ ?(.*)$")
_DEFINITION = expression(r"^\s*(?:async )?(?:def|class|func|fn|function)\s+(?:\([^)]*\)\s*)?([A-Za-z_]\w*)")
_OF_MODULE = expression(r"^[A-Za-z_@]")
_SHOWN = {"cat", "head"}
_MOST_FILES = 12
_MOST_NAMES = 6


class TouchedNames:
    """What the latest difference of each file changed; a file's last difference counts."""

    def __init__(self) -> None:
        self._names: dict[str, tuple[str, ...]] = {}

    def look(self, deed: Deed) -> None:
        """Take one step in, where it shows how the work tree differs."""
        if "@@ -" not in deed.output or not any(_shows_difference(command.words) for command in deed.commands):
            return
        parts = _SECTION.split(deed.output)[1:]
        for file, text in zip(parts[::2], parts[1::2], strict=True):
            self._names[file] = tuple(dict.fromkeys(_names(text)))[:_MOST_NAMES]

    def of(self, files: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
        """Return the names that were changed in these files."""
        return {file: self._names[file] for file in files[:_MOST_FILES] if self._names.get(file)}


def _shows_difference(words: tuple[str, ...]) -> bool:
    if words[:2] == ("git", "diff"):
        return not any(".." in word for word in words)
    return words[:1] != () and words[0] in _SHOWN and any(w.endswith((".txt", ".patch", ".diff")) for w in words[1:])


def _names(section: str) -> Iterator[str]:
    """Yield the definitions in which lines were added or taken away, the innermost that the difference shows."""
    current = ""
    for line in section.splitlines():
        if hunk := _HUNK.match(line):
            found = _DEFINITION.match(hunk[1])
            current = found[1] if found else ""
            continue
        body = line[1:]
        if line[:1] not in {"+", "-", " "} or line.startswith(("+++", "---")):
            continue
        if found := _DEFINITION.match(body):
            current = found[1]
        elif _OF_MODULE.match(body):
            current = ""
        if line[0] in "+-" and body.strip() and not body.lstrip().startswith("#") and current:
            yield current
