"""This module finds commands that failed until they were given another option."""

import re

from memory_mcp.actions.shell_lines import SimpleCommand
from memory_mcp.expressions import expression
from memory_mcp.facts.deeds import Deed
from memory_mcp.models.surveys import OptionCure

_ERROR = expression(
    r"^(?:E +)?((?:[\w.]*(?:Error|Exception|Exit)\b|error|Error|fatal|ERROR): [^\n]{4,160})", re.MULTILINE
)
_NOT_MEANT = {
    "git", "cat", "grep", "sed", "ls", "find", "cd", "head", "tail", "rm", "cp", "mv", "echo", "python", "python3",
    "pip", "rg", "awk", "wc", "diff", "patch", "mkdir", "touch", "chmod", "tee", "sleep", "kill", "pkill", "test",
}  # fmt: skip
_SELECTING = ("-k", "-v", "-q", "-s", "-x", "--tb", "-n", "--lf", "--rules", "-m", "-r", "--verbose", "--quiet")
_MOST = 8


class OptionCures:
    """What failed last of each command so far, and the options with which it ran."""

    def __init__(self) -> None:
        self._failed: dict[str, tuple[frozenset[str], str]] = {}
        self._found: dict[OptionCure, None] = {}

    def look(self, deed: Deed) -> None:
        """Take one step in."""
        if not deed.commands or deed.timed_out:
            return
        command = deed.commands[-1]
        key = _key(command)
        if not key or command.joined == "|":
            return
        options = frozenset(word.split("=")[0] for word in command.words[1:] if word.startswith("-") and word != "-")
        error = _ERROR.findall(deed.output)
        if error or deed.failed:
            self._failed[key] = (options, error[-1].strip() if error else "")
        elif key in self._failed:
            before, said = self._failed.pop(key)
            new = sorted(option for option in options - before if not option.startswith(_SELECTING))
            if said and len(new) == 1 and not before - options:
                self._found[OptionCure(key, new[0], said)] = None

    def found(self) -> tuple[OptionCure, ...]:
        """Return the commands that one more option made run."""
        return tuple(self._found)[:_MOST]


def _key(command: SimpleCommand) -> str:
    """Return the program and what it was told to do, empty for one that only looks around."""
    words = command.words
    if len(words) > 3 and words[0].startswith("python") and words[1] == "-m":  # noqa: PLR2004 - a module and its verb
        words = ("python -m", *words[2:])
        return " ".join(words[:3]) if not words[2].startswith("-") and "." not in words[2] else " ".join(words[:2])
    if command.program in _NOT_MEANT or len(words) < 2:  # noqa: PLR2004 - a program and its verb
        return ""
    return f"{command.program} {words[1]}" if words[1].isalpha() else command.program
