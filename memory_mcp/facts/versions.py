"""This module collects the versions that an episode shows: of Python, of the test runner, of what was installed."""

import re

from memory_mcp.actions.shell_lines import SimpleCommand
from memory_mcp.expressions import expression
from memory_mcp.facts.deeds import Deed

_PLATFORM = expression(r"^platform \w+ -- Python (\d[\w.]*), pytest-(\d[\w.]*)", re.MULTILINE)
_PYTHON = expression(r"^Python (\d+\.\d+[\w.]*)", re.MULTILINE)
_INSTALLED = expression(r"Successfully installed ([^\n]+)")
_PACKAGE = expression(r"^([A-Za-z][\w.-]*?)-(\d[\w.!+]*)$")
_MOST = 40


class Versions:
    """The versions seen so far, by plain names; the latest counts."""

    def __init__(self) -> None:
        self._seen: dict[str, str] = {}

    def look(self, deed: Deed) -> None:
        """Take one step in."""
        if not deed.commands:
            return
        for python, pytest in _PLATFORM.findall(deed.output):
            self._seen |= {"python": python, "pytest": pytest}
        if any(_asks_python(command) for command in deed.commands):
            for python in _PYTHON.findall(deed.output):
                self._seen["python"] = python
        for line in _INSTALLED.findall(deed.output):
            for word in line.split():
                if found := _PACKAGE.match(word):
                    self._seen[plain(found[1])] = found[2]

    def seen(self) -> dict[str, str]:
        """Return the versions by package."""
        return dict(list(self._seen.items())[-_MOST:])


def plain(package: str) -> str:
    """Return the name of a package in the one form that its spellings share."""
    return package.lower().replace("_", "-")


def _asks_python(command: SimpleCommand) -> bool:
    return command.program.startswith("python") and any(word in {"--version", "-V"} for word in command.words[1:])
