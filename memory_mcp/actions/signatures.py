"""This module reduces an error message to its signature: what stays the same when the same error comes again."""

import re
from collections.abc import Sequence

from memory_mcp.expressions import expression

_NAMED = expression(r"\b(?:[A-Za-z_]\w*\.)*[A-Z]\w*(?:Error|Exception|Exit|Interrupt|Failure|Warning)\b")
_TELLING = expression(
    r"\b(?:error|fatal|fail(?:ed|ure)?|cannot|can't|could not|not found|no such|denied|undefined|unexpected|invalid"
    r"|unknown|missing|refused|timed? ?out|unable)\b",
    re.IGNORECASE,
)
_PREFIX = expression(r"^(?:E\s{2,}|[-*•>\s]+|[A-Z]\d{3,4}\s+)+")
_BANNER = expression(r"^[=*#~_-]{4,} .* [=*#~_-]{4,}$")
_URL = expression(r"\bhttps?://\S+")
_UUID = expression(r"\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b")
_ADDRESS = expression(r"\b0x[0-9a-fA-F]+\b")
_HEX = expression(r"\b(?=\d*[a-f])(?=[a-f]*\d)[0-9a-f]{7,40}\b")
_PATH = expression(r"(?<![\w<])(?:[A-Za-z]:)?[~.]{0,2}(?:[/\\][\w.@+-]+|\w[\w.@+-]*[/\\][\w.@+-]+)(?:[/\\][\w.@+-]*)*")
_FILE = expression(r"(?<![\w./])[\w-]+\.(?:py|js|ts|tsx|jsx|rs|go|java|c|h|cpp|rb|sh|sql|json|ya?ml|toml|md|txt|cfg)\b")
_NUMBER = expression(r"(?<![A-Za-z_<\d])[-+]?\d+(?:[.,:]\d+)*(?:[eE][-+]?\d+)?(?![\d>])")
_LONGEST = 200
_MOST_LINES = 50  # of a message, in which an error is looked for
_SEARCHED = 20_000  # characters of a message that are looked at, from its end: a traceback says it last
TIMED_OUT = "timed out"


def telling_line(message: str) -> str:
    """Return the line that names the error: the last one that names an exception, else the first that complains.

    Where none does, a runner that begins with a banner sums up in its last line; others say it in their first.
    """
    lines = [line.strip() for line in message[-_SEARCHED:].splitlines() if line.strip()]
    named = [line for line in lines if _NAMED.search(line)]
    first = [line for line in named if _NAMED.match(_PREFIX.sub("", line))]
    complaint = next((line for line in lines if _TELLING.search(line)), None)
    chosen = (first or named or [complaint or _summary(lines)])[-1]
    return _PREFIX.sub("", chosen)


def _summary(lines: Sequence[str]) -> str:
    if not lines:
        return ""
    return lines[-1].strip("= ") if _BANNER.match(lines[0]) else lines[0]


def signature(message: str) -> str:
    """Return the error without numbers, paths, ids and addresses; two runs of one mistake give the same text."""
    return _normalised(telling_line(message))


def shows(message: str, signature: str) -> bool:
    """Whether some line of a message, though another tells more, is the error of a signature."""
    word = signature.split(" ", 1)[0]
    if not word or word.startswith("<"):
        return False
    lines = [line for line in message[-_SEARCHED:].splitlines() if word in line][:_MOST_LINES]
    return any(_normalised(_PREFIX.sub("", line.strip())) == signature for line in lines)


def _normalised(line: str) -> str:
    for pattern, word in (
        (_URL, "<url>"),
        (_UUID, "<id>"),
        (_ADDRESS, "<address>"),
        (_PATH, "<path>"),
        (_FILE, "<path>"),
        (_HEX, "<id>"),
        (_NUMBER, "<n>"),
    ):
        line = pattern.sub(word, line)
    return " ".join(line.split())[:_LONGEST]
