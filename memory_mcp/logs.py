"""This module appends errors to a log file, without secrets and with hidden characters as escapes."""

import os
from pathlib import Path

from memory_mcp.clock import SystemClock, iso
from memory_mcp.redaction.redactor import Redactor
from memory_mcp.visible import visible, visible_line

MOST_BYTES = 1 << 20
_MOST_LINE = 2_000
_MOST_DETAILS = 20_000
_MOST_NAMED = 300
_FLAGS = os.O_CREAT | os.O_WRONLY | os.O_APPEND
# no link is followed out of the memory, and no pipe without a reader is waited for
_FLAGS |= getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


def append(log: Path, sentence: str, details: str = "") -> None:
    """Append an event as one line with indented details below; at 1 MB a new file begins and one old file is kept.

    Raises:
        OSError: the file cannot be written.

    """
    log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if log.exists() and log.stat().st_size > MOST_BYTES:
        log.replace(log.with_name(f"{log.name}.1"))
    lines = [f"{iso(SystemClock().now())} {_cleaned(sentence)}"]
    redacted = Redactor().text(details[-MOST_BYTES:])  # before cutting: half a secret would not be recognised
    lines += [f"    {line}" for line in visible(redacted[-_MOST_DETAILS:]).splitlines()]
    descriptor = os.open(log, _FLAGS, 0o600)
    try:
        os.write(descriptor, "".join(f"{line}\n" for line in lines).encode())
    finally:
        os.close(descriptor)


def keep(error: Exception, log: Path) -> str:
    """Append an unforeseen error with its traceback, and return the one sentence to show."""
    import traceback  # noqa: PLC0415 - 8 ms, for a rare case

    sentence = f"something unforeseen happened ({named(error)})"
    try:
        append(log, sentence, "".join(traceback.format_exception(error)))
    except OSError as failure:
        return f"{sentence}; the details cannot be kept in {log}: {failure.strerror}"
    return f"{sentence}; details are in {log}"


def named(error: BaseException) -> str:
    """Return an error's type and text, as part of a sentence."""
    return f"{type(error).__name__}: {_cleaned(str(error))}"[:_MOST_NAMED]


def _cleaned(text: str) -> str:
    return one_line(Redactor().text(text[:MOST_BYTES]))


def one_line(text: str) -> str:
    """Return the beginning of a text as one line, with line breaks and control characters as escapes."""
    return visible_line(" ".join(text.split()))[:_MOST_LINE]
