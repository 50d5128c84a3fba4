"""This module follows the editing commands of SWE-agent, which act on the open file or on one that they name."""

import re

from memory_mcp.actions.shell_lines import SimpleCommand
from memory_mcp.expressions import expression

_OPEN = expression(r"^\[File: (\S+) \(\d+ lines total\)\]", re.MULTILINE)
_REFUSED = expression(
    r"Your proposed edit has introduced new syntax error|Your changes have NOT been applied"
    r"|No replacement was performed"
    r"|(?:is|are) not found in|No file open|did not appear verbatim|Invalid `|^Error: |already exists|^Usage: ",
    re.MULTILINE,
)
_ON_OPEN = {"edit", "insert", "append"}
_EDITORS = {"str_replace_editor", "str_replace_based_edit_tool", "edit_anthropic"}
_VERBS = {"str_replace", "insert", "create"}


class AgentEditors:
    """Which file the editor of an agent has open, and what its commands change."""

    def __init__(self) -> None:
        self._open = ""

    def look(self, output: str) -> None:
        """Take in which file an output says to be open."""
        if found := _OPEN.findall(output[:2_000] if output.startswith("[") else output):
            self._open = found[-1]

    def edited(self, command: SimpleCommand, output: str, named: str) -> tuple[str, bool]:
        """Return the file that a command changed, and whether it made it; empty where it changed none.

        `named` is the file that the record names beside the command.
        """
        words = command.words
        if _REFUSED.search(output) or len(words) < 2:  # noqa: PLR2004 - a command and what it does
            return "", False
        if command.program in _ON_OPEN:
            return named or self._open, False
        if command.program == "create":
            return words[1], True
        if command.program in _EDITORS and words[1] in _VERBS and len(words) > 2:  # noqa: PLR2004 - and where
            return words[2], words[1] == "create"
        return "", False


def is_agent_editor(command: SimpleCommand) -> bool:
    """Whether a command is one of an agent's editor."""
    return command.program in _ON_OPEN | _EDITORS | {"create"}
