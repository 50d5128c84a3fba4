"""This module tells which errors teach nothing: slips of the pen, looks that found nothing, what a script made up."""

import re

from memory_mcp.actions.sessions import is_scratch
from memory_mcp.actions.shapes import telling_commands
from memory_mcp.actions.shell_paths import is_temporary
from memory_mcp.actions.steps import Action, command_of
from memory_mcp.actions.subjects import edits_by_code, environmental, scripts_written
from memory_mcp.expressions import expression
from memory_mcp.models.episodes import Step
from memory_mcp.patterns.observations import Observation

# the cure of these is to write it rightly, whatever it was
_SLIPS = expression(
    r"^(?:\w+\.)*(?:SyntaxError|IndentationError|TabError|NameError|UnboundLocalError|KeyboardInterrupt)\b"
)
_BARE = expression(r"^\W*(?:\w+\.)*\w*(?:Error|Exception|Failure|Warning)?\W*$")  # a class without a message
_LOOKING = expression(
    r"^(?:\S*/)?(?:sed|e?grep|rg|awk|find|cat|ls|cd|head|tail|cp|mv|rm|patch|wc|diff|tree|timeout|xargs)\b[^:]{0,40}: "
)
_NO_ERROR = expression(
    r"deselected|not found: |0 selected|[Nn]o tests ran|test session starts|[Pp]atching file|^collected \d+ item"
    r"|collecting \.\.\.|^[Uu]sage: |unrecognized arguments|no such option|invalid option|Hunk #|^exit code|no message"
    r"|error occurred while executing the command|timed out|heredoc|here-document|unexpected EOF while looking"
)
_SAID_BY_A_SCRIPT = expression(
    r"^\s*[✓✔✗✘❌✅]|\b(?:EXPECTED|Expected|expected|as expected|FAILED:|FAIL:|PASS(?:ED)?:)"
)
_NAMES_AN_ERROR = expression(
    r"\w(?:Error|Exception|Exit|Failure)\b|\b(?:error|fatal|panic|denied|refused|cannot|can't|unable|not found|missing"
    r"|undefined|unknown|conflict|invalid)\b|\bERR!|\bE\d{3,4}\b|No such |No module named",
    re.IGNORECASE,
)
_FRAMES = expression(r'^\s*File "([^"\n]+)", line \d+', re.MULTILINE)
_SCRAP = expression(
    r"^(?:test|debug|repro|check|verify|demo|final|simple|comprehensive|try|tmp|scratch|explore)\w*\.\w+$"
)
_INLINE = (" -c ", "<<")


def is_trivial(step: Step, action: Action, signature: str, own_scripts: frozenset[str]) -> bool:
    """Whether nothing can be learnt from an error: no cure of it helps anybody else.

    `own_scripts` are the names of the files that the session wrote for itself: what fails in them is theirs, unless the
    environment lacks something.
    """
    if action.kind in {"read", "search"} or not _NAMES_AN_ERROR.search(signature):
        return True
    if _SLIPS.match(signature) or _BARE.match(signature) or _LOOKING.match(signature) or _NO_ERROR.search(signature):
        return True
    if _SAID_BY_A_SCRIPT.search(signature):
        return True
    command = command_of(step) or ""
    is_own = any(mark in command for mark in _INLINE) or bool(_words_of(command) & own_scripts)
    return is_own and environmental(step) is None and not _is_from_a_library(step)


def is_scrap(step: Step, action: Action) -> bool:
    """Whether a step only wrote a script to look at something with: that ends no error."""
    command = command_of(step) or ""
    written = set(scripts_written(command)) or (set(action.files) if action.kind == "edit" and not command else set())
    if not written or not all(is_temporary(name) or _SCRAP.match(name) for name in written):
        return False
    return not edits_by_code(command, {})


def scripts_of(seen: Observation) -> frozenset[str]:
    """Return the files that an episode wrote beside the sources, or outside of them: its own scripts."""
    found: set[str] = set()
    for step, action in zip(seen.episode.steps, seen.actions, strict=True):
        command = command_of(step)
        found |= set(scripts_written(command)) if command and "<<" in command else set()
        if action.kind == "edit" and command is None:
            found |= {name for name in action.files if _SCRAP.match(name)}
    return frozenset(name for name in found if is_scratch(name))


def _words_of(command: str) -> set[str]:
    return {word.removeprefix("./") for each in telling_commands(command) for word in each.words}


def _is_from_a_library(step: Step) -> bool:
    """Whether the error was raised behind the script: in a module that it imports."""
    message = getattr(step.result, "message", "")
    frames = _FRAMES.findall(message)
    return len(frames) > 1 and frames[-1] not in {"<stdin>", "<string>"}
