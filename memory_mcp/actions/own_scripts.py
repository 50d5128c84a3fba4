"""This module reads what scripts that test something by themselves print of their cases, which nobody else checks."""

import re
from collections.abc import Sequence

from msgspec import Struct, field

from memory_mcp.actions.programs import Program
from memory_mcp.actions.runners import Output, Said
from memory_mcp.expressions import expression

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

_LONGEST_NAME = 200
_UP_TO = 150  # characters of a line that are read at either end
_MOST_LINES = 1_000
_TICK = "✓✔✅☑"
_CROSS = "✗✘❌✖"
_GOOD = r"(?:PASS(?:ED)?|OK|SUCCESS)"
_BAD = r"(?:FAIL(?:ED|URE|S)?|ERROR)"
_JUDGING = expression(rf"[{_TICK}{_CROSS}]|{_GOOD}|{_BAD}|pass|succe", re.IGNORECASE)
_CASE_PASSED = expression(
    rf"^[^{_TICK}A-Za-z_]*+[{_TICK}]|[{_TICK}]\W*$|[:=>]\s*[{_TICK}]|^[^\w\n]*+{_GOOD}(?:[:!\])]|\s*$|\s+[-–—:])"
    rf"|(?:[:\-–—.\[(=>|]\s*|\w\s+){_GOOD}[\])!.\s]*$"
    r"|^\W*+Tests?\b.{0,80}[ :]passed[!.]*\s*$|:\s*Passed[!.]*\s*$|^\W*+Passed[!.:]"
)
_CASE_FAILED = expression(
    rf"^[^{_CROSS}A-Za-z_]*+[{_CROSS}]|[{_CROSS}]\W*$|[:=>]\s*[{_CROSS}]|^[^\w\n]*+{_BAD}(?:[:!\])]|\s*$|\s+[-–—:])"
    rf"|(?:[:\-–—.\[(=>|]\s*|\w\s+){_BAD}[\])!.\s]*$"
)
_ALL_PASSED = expression(
    r"^\W*+(?:all|both)\b(?: \w+| \d+/\d+){0,4} (?:tests?|checks?|cases?|assertions?|verifications?|scenarios?)\b"
    r"(?: \w+){0,3} (?:pass|passed|succeeded|successful|successfully)\b(?! except| but)"
    r"|^\W*+all(?: \w+){0,2} passed\W*$",
    re.IGNORECASE,
)
_SHARE = expression(r"\b(\d{1,6})\s?(?:/|out of|of)\s?(\d{1,6})\b(?: \w+){0,2} pass(?:ed)?\b", re.IGNORECASE)
_NONE_FAILED = expression(
    r"\b(?:0|no|without|zero) (?:\w+ )?(?:fail\w*|errors?|\w*warnings?|\w*exceptions?|issues?|problems?)\b"
    r"|\b(?:fail\w*|errors?)\s*[:=]\s*0\b|\b(\w+) \(expected:? \1\)",
    re.IGNORECASE,
)
# what names a case and not its result
_HEADING = expression(
    r"^\W*+(?:(?:additional|another|final|edge) )?(?:test|check|verif|case|scenario|example|step|\d+[.)]).*[:.…=-]$"
    r"|^\W*+(?:test|case|scenario|example|expected)(?: case)?(?: \d+)?\s*[:.-]\s|^(?:={3}|-{3}).*(?:={3}|-{3})$",
    re.IGNORECASE,
)
_DOUBTFUL = expression(
    r"\b(?:not|cannot|never|unexpected\w*|mismatch\w*|wrong\w*|incorrect\w*|invalid|missing|broken|bugs?"
    r"|warnings?|fail\w*|errors?|exceptions?|traceback|problems?|issues? (?:persists?|remains?)|skip\w*"
    r"|different|differs?|unable|todo|still (?:present|there|exists?))\b|n't\b|\w(?:Error|Exception|Warning)\b"
    r"|\bFalse\b|[⚠]|\b(?:return|exit) ?code:? [1-9]",
    re.IGNORECASE,
)
_DOUBTFUL_HEADING = expression(
    r"\b(?:failed|crashed|wrong|incorrect|broken|got)\b|\w(?:Error|Exception)\b|\b(?:error|exception|actual)\s*:",
    re.IGNORECASE,
)
# 1 (expected 2); Expected: 1, got: 2
_COMPARED = expression(
    r"(?<!\S)(\S{1,60}) \(expected:? ([^)\n]+)\)|\bexpected:? ([^\s,;]+)[,;]? (?:but )?(?:got|actual|was):? ([^\s,;]+)",
    re.IGNORECASE,
)
_LOGGED = expression(r"^ERROR:")  # before a traceback it is what a library logged
_EXPECTED = expression(r"\(expected\b(?!:)|\bas expected\b", re.IGNORECASE)
_OUTRIGHT = expression(rf"[{_CROSS}]|\bFAIL(?:ED|URE|S)?\b|Traceback \(most recent|\bmismatch|\bunexpected(?!ly)\b")
_ASSERTION = expression(r"^(?:\w+\.)*AssertionError\b")
_UNLOADED = expression(
    r"^Traceback \(most recent call last\):\n(?:.*\n){0,200}? +(?:from|import) [^\n]*\n(?: *[~^]+ *\n)?"
    r"(?:\w+\.)*(?:ImportError|ModuleNotFoundError): [^\n]*\s*\Z",
    re.MULTILINE,
)
_SHOWN = 300


class _Reading(Struct):
    """What the lines of an output come to: the lines that pass, the first that fails or leaves a doubt, the last."""

    passed: list[str] = field(default_factory=list)
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

    Green takes a closing statement or cases that passed, no line that leaves a doubt, and an end that is known: a
    script prints what it likes. One case among printed values is not enough. None for a script that judges nothing.
    """
    reading = _read(output.text)
    if reading.failed:
        return Said("red", reading.failed[:_SHOWN])
    if ended is not True and _ASSERTION.match(reading.last):
        return Said("red", reading.last[:_SHOWN])
    cases = reading.passed if len(reading.passed) > 1 or reading.passed == [reading.last] else []
    passed = reading.closing or next(iter(cases), "")
    is_over = ended is True or (ended is None and bool(reading.closing) and reading.closing == reading.last)
    if passed and is_over and not reading.doubtful:
        return Said("green", passed[:_SHOWN])
    if ended is not True and "Traceback" in output.text and _UNLOADED.search(output.text[-20_000:].rstrip()):
        return Said("did_not_run", reading.last[:_SHOWN])
    return None


def _read(text: str) -> _Reading:
    """Read the lines of an output; where they are too many, only the last."""
    reading = _Reading()
    lines = [_ends_of(line.strip()) for line in text.splitlines() if line.strip()]
    has_crashed = "Traceback (most recent" in text
    if len(lines) <= _MOST_LINES and _JUDGING.search(text):
        for line in lines:
            _read_line(line, reading, has_crashed=has_crashed)
    reading.last = lines[-1] if lines else ""
    return reading


def _read_line(line: str, reading: _Reading, *, has_crashed: bool) -> None:
    plain = _NONE_FAILED.sub("", line)
    share = _SHARE.search(line)
    if _CASE_FAILED.search(plain) or (share and share[1] != share[2]):
        if not (_EXPECTED.search(line) or (has_crashed and _LOGGED.search(line))):
            reading.failed = reading.failed or line
        reading.doubtful = reading.doubtful or line
        return
    is_closing = _ALL_PASSED.search(line) is not None or (share is not None and share[1] != "0")
    is_case = _CASE_PASSED.search(line) is not None
    if _leaves_doubt(plain, is_marked=is_case or is_closing):
        reading.doubtful = reading.doubtful or line
    elif is_closing:
        reading.closing = line
    elif is_case:
        reading.passed.append(line)


def _ends_of(line: str) -> str:
    return line if len(line) <= 2 * _UP_TO else f"{line[:_UP_TO]} {line[-_UP_TO:]}"


def _leaves_doubt(line: str, *, is_marked: bool) -> bool:
    """Whether a line may say that something failed; a mark or a heading says what its own words are about."""
    if is_marked:
        return _OUTRIGHT.search(line) is not None
    if (compared := _COMPARED.search(line)) and (compared[1], compared[3]) != (compared[2], compared[4]):
        return True
    if _HEADING.search(line):
        return bool(_OUTRIGHT.search(line) or _DOUBTFUL_HEADING.search(line))
    return _DOUBTFUL.search(line) is not None


def _judges(text: str) -> bool:
    return any(pattern.search(text) for pattern in (_CASE_PASSED, _CASE_FAILED, _ALL_PASSED))


def _is_own_script(program: Program) -> bool:
    """Whether a program is a script, or interprets one, whose name says that it tests something."""
    at = 0
    if program.name in _INTERPRETERS:
        at = next((at for at, word in enumerate(program.words) if at and not word.startswith("-")), 0)
        if not at or _ASIDE.intersection(program.words[:at]):
            return False
    name = program.words[at].replace("\\", "/").rsplit("/", 1)[-1].lower()
    return len(name) <= _LONGEST_NAME and _NAMED.fullmatch(name) is not None
