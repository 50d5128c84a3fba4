"""This module reads scripts that test something by themselves: they print which case passed, and nothing checks them."""

import re
from collections.abc import Sequence

from msgspec import Struct

from memory_mcp.actions.programs import Program
from memory_mcp.actions.runners import Output, Said
from memory_mcp.expressions import expression

OWN_SCRIPT = "script"  # the runner of what somebody wrote for the task: no proof of it, no command of the project
_INTERPRETERS = {"python", "pypy", "py", "node", "ruby", "php", "perl", "bash", "sh", "zsh"}
_ASIDE = {"-c", "-e", "-m"}  # with which an interpreter runs no script
_NAMED = expression(
    r"(?:.*[^a-z])?(?:tests?|testing|runtests?|checks?|verif(?:y|ies|ied|ication)|validat(?:e|es|ed|ion))"
    r"(?:[^a-z].*)?\.(?:py|sh|js|mjs|cjs|ts|rb|php|pl)"
)
_SILENT = {
    "cd", "pushd", "popd", "export", "source", ".", "set", "true", "unset", "mkdir", "rm", "cp", "mv", "touch",
    "chmod", "sleep", "exit", "head", "tail", "tee",
}  # fmt: skip
_SPEAKING = {"echo", "printf"}

_UP_TO = 200  # characters of a line that are read at either end
_MOST_LINES = 5_000
_TICK = "✓✔✅☑"
_CROSS = "✗✘❌✖"
_PASS = r"(?:PASS(?:ED)?|OK|SUCCESS)"
_FAIL = r"(?:FAIL(?:ED|URE|S|ING)?|ERROR)"
_CASE_PASSED = expression(
    rf"^[\s\W\d]*[{_TICK}]|[{_TICK}]\W*$|^[^\w\n]*{_PASS}(?:[:!\])]|\s*$|\s+[-–—:])|(?:[:\-–—.\[(=>|]\s*|\w\s+){_PASS}[\])!.\s]*$"
    r"|^\W*Tests?\b.{0,80}[ :]passed[!.]*\s*$|:\s*Passed[!.]*\s*$|^\W*Passed[!.:]"
)
_CASE_FAILED = expression(
    rf"^[\s\W\d]*[{_CROSS}]|[{_CROSS}]\W*$|[:=>]\s*[{_CROSS}]|^[^\w\n]*{_FAIL}(?:[:!\])]|\s*$|\s+[-–—:])"
    rf"|(?:[:\-–—.\[(=>|]\s*|\w\s+){_FAIL}[\])!.\s]*$"
)
_ALL_PASSED = expression(
    r"^\W*(?:all|both)\b(?: \w+| \d+/\d+){0,4} (?:tests?|checks?|cases?|assertions?|verifications?|scenarios?)\b"
    r"(?: \w+){0,3} (?:pass|passed|succeeded|successful|successfully)\b(?! except| but)"
    r"|^\W*all(?: \w+){0,2} passed\W*$",
    re.IGNORECASE,
)
_SHARE = expression(r"\b(\d{1,6})\s?(?:/|out of|of)\s?(\d{1,6})\b(?: \w+){0,2} pass(?:ed)?\b", re.IGNORECASE)
_NONE_FAILED = expression(r"\b(?:0|no|without) (?:fail\w*|errors?)|\b(?:fail\w*|errors?)\s*[:=]\s*0\b", re.IGNORECASE)
_DOUBTFUL = expression(
    r"\b(?:not|cannot|never|none|neither|unexpected\w*|mismatch\w*|wrong\w*|incorrect\w*|invalid|missing|broken|bug|bugs"
    r"|warnings?|fail\w*|errors?|exceptions?|traceback|problems?|issues? (?:still|persists?|remains?)|still|skip\w*"
    r"|different|differs?|unable|todo)\b|n't\b|\w(?:Error|Exception|Warning)\b|\bFalse\b|[⚠]",
    re.IGNORECASE,
)
_OUTRIGHT = expression(rf"[{_CROSS}]|\bFAIL(?:ED|URE|S)?\b|Traceback \(most recent|\bmismatch|\bunexpected(?!ly)\b")
_ASSERTION = expression(r"^(?:\w+\.)*AssertionError\b")
_UNLOADED = expression(
    r"^Traceback \(most recent call last\):\n(?:.*\n){0,200}? +(?:from|import) [^\n]*\n(?: *[~^]+ *\n)?"
    r"(?:\w+\.)*(?:ImportError|ModuleNotFoundError): [^\n]*\s*\Z",
    re.MULTILINE,
)
_SHOWN = 300


class _Reading(Struct):
    """What the lines of an output come to: the first line that passed, failed or leaves a doubt."""

    passed: str = ""
    failed: str = ""
    doubtful: str = ""
    closing: str = ""
    last: str = ""


def own_scripts(chain: Sequence[Program]) -> list[int]:
    """Return the places of scripts in a command line whose names say that they test something."""
    return [at for at, program in enumerate(chain) if _is_own_script(program)]


def stands_alone(chain: Sequence[Program]) -> bool:
    """Whether all that a command line prints comes from scripts, and not from files that it shows."""
    return all(
        program.name in _SILENT
        or program.command.written
        or program.name in _INTERPRETERS
        or _is_own_script(program)
        or (program.name in _SPEAKING and not _judges(" ".join(program.words[1:])))
        for program in chain
    )


def judged(output: Output, *, ended: bool | None) -> Said | None:
    """Return what a script says of its own cases; `ended` tells whether it ended well, where that is known.

    Green takes a case or a closing statement that passed, no line that leaves a doubt, and an end that is known: a
    script prints what it likes. None for a script that only prints values.
    """
    reading = _read(output.text)
    if reading.failed:
        return Said("red", reading.failed[:_SHOWN])
    if ended is not True and _ASSERTION.match(reading.last):
        return Said("red", reading.last[:_SHOWN])
    passed = reading.closing or reading.passed
    is_over = ended is True or (ended is None and bool(reading.closing) and reading.closing == reading.last)
    if passed and is_over and not reading.doubtful:
        return Said("green", passed[:_SHOWN])
    if ended is not True and "Traceback" in output.text and _UNLOADED.search(output.text[-20_000:].rstrip()):
        return Said("did_not_run", reading.last[:_SHOWN])
    return None


def _read(text: str) -> _Reading:
    reading = _Reading()
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(lines) > _MOST_LINES:
        return reading
    for whole in lines:
        line = whole if len(whole) <= 2 * _UP_TO else f"{whole[:_UP_TO]} {whole[-_UP_TO:]}"
        plain = _NONE_FAILED.sub("", line)
        share = _SHARE.search(line)
        if _CASE_FAILED.search(plain) or (share and share[1] != share[2]):
            reading.failed = reading.failed or line
            continue
        is_closing = _ALL_PASSED.search(line) is not None or (share is not None and share[1] != "0")
        is_case = _CASE_PASSED.search(line) is not None
        if (_OUTRIGHT if is_case or is_closing else _DOUBTFUL).search(plain):
            reading.doubtful = reading.doubtful or line
        elif is_closing:
            reading.closing = line
        elif is_case:
            reading.passed = reading.passed or line
    reading.last = lines[-1] if lines else ""
    return reading


def _judges(text: str) -> bool:
    return any(pattern.search(text) for pattern in (_CASE_PASSED, _CASE_FAILED, _ALL_PASSED))


def _is_own_script(program: Program) -> bool:
    """Whether a program is a script, or interprets one, whose name says that it tests something."""
    at = 0
    if program.name in _INTERPRETERS:
        at = next((at for at, word in enumerate(program.words) if at and not word.startswith("-")), 0)
        if not at or _ASIDE.intersection(program.words[:at]):
            return False
    return _NAMED.fullmatch(program.words[at].replace("\\", "/").rsplit("/", 1)[-1].lower()) is not None
