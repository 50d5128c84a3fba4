"""This module tells from the text that a tool gave out whether the action failed."""

import re
from typing import Any

from memory_mcp.actions.programs import PREPARING, programs
from memory_mcp.actions.verdicts import read_verdict
from memory_mcp.expressions import expression
from memory_mcp.models.episodes import StepError, StepResult, StepSuccess, StepTimeout

# What programs print when they fail; agents hide exit codes behind pipes and `|| true`.
_FAILED = expression(
    r"^Traceback \(most recent call last\)|^\w*(?:Error|Exception)\b.*:|command not found|No such file or directory"
    r"|introduced new syntax error|^Usage: |\b[1-9]\d* failed\b|^fatal: |^error: ",
    re.MULTILINE,
)
_TIMED_OUT = expression(r"EXECUTION TIMED OUT|timed out after", re.IGNORECASE)
_EXIT_CODE = expression(r"\A\s*(?:Error: )?(?:Exit code|exit status|Process exited with code):? (-?\d+)\b")
_ASKING = {"test", "[", "[[", "which", "diff", "cmp"}  # whose exit code 1 is an answer
_SEARCHING = {"grep", "egrep", "fgrep", "rg", "ag", "ack", "pgrep"}
_SHOWN = 4_000  # characters of an output that are kept
_HEAD = 1_000  # of these from its beginning: the end is what tells


def result_of_text(text: str, command: str) -> StepResult:
    """Read success, error or timeout from the output of a command of which nothing else is known."""
    shown = shortened(text)
    verdict = read_verdict(command, text, None)
    if verdict.state != "unknown":
        return StepSuccess(shown) if verdict.state == "green" else StepError(shown)
    if _TIMED_OUT.search(text):
        return StepTimeout(shown)
    return StepError(shown) if _FAILED.search(text) else StepSuccess(shown)


def result_of(text: str, *, exit_code: int | None, failed: bool | None, command: str) -> StepResult:
    """Read a result by what the client said of it and the exit code, and for a test, build or linter by its output.

    A command that reads or searches may well print an error that somebody else made: there the text decides nothing.
    """
    shown = shortened(text)
    if exit_code is None and (found := _EXIT_CODE.search(text)):
        exit_code = int(found[1])
    if failed or exit_code:
        if says_no(command, text, exit_code):
            return StepSuccess(shown)
        return StepTimeout(shown) if _TIMED_OUT.search(text) else StepError(shown)
    verdict = read_verdict(command, text, exit_code)
    return StepError(shown) if verdict.kind and verdict.state in {"red", "did_not_run"} else StepSuccess(shown)


def says_no(command: str, output: str, exit_code: int | None) -> bool:
    """Whether a command that looked for something only says, by exit code 1, that it is not so."""
    if exit_code not in {None, 1}:
        return False
    run = programs(command)
    if not run or (run[-1].before == "&&" and any(each.name not in PREPARING for each in run[:-1])):
        return False
    last = run[-1]
    if last.words[0] in _SEARCHING or last.words[:2] == ("git", "grep"):
        return not _EXIT_CODE.sub("", output).strip()
    return last.words[0] in _ASKING


def shortened(text: str) -> str:
    """Return an output as it is kept: its beginning and, above all, its end."""
    text = text.replace("\r\n", "\n")
    if len(text) <= _SHOWN:
        return text
    return f"{text[:_HEAD]}\n… [{len(text) - _SHOWN} characters left out]\n{text[_HEAD - _SHOWN :]}"


def shortened_values(value: Any, longest: int = _SHOWN // 2) -> Any:
    """Shorten every text inside plain JSON values."""
    if isinstance(value, str):
        return value if len(value) <= longest else f"{value[:longest]}… [{len(value) - longest} characters left out]"
    if isinstance(value, dict):
        return {str(name): shortened_values(inner, longest) for name, inner in value.items()}
    if isinstance(value, list):
        return [shortened_values(inner, longest) for inner in value]
    return value
