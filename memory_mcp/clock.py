"""This module tells the time and makes identifiers; nothing else reads the system clock."""

import os
import re
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

from memory_mcp.errors import InvalidInputError

_RELATIVE = re.compile(r"(\d{1,6})\s*(m|h|d|w)", re.IGNORECASE)
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


class Clock(Protocol):
    """What the core needs of time: the current instant and fresh identifiers."""

    def now(self) -> int:
        """Microseconds since 1970-01-01 UTC."""
        ...

    def new_id(self) -> str:
        """Return a new identifier: 32 hexadecimal digits that sort by time."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> int:
        """Microseconds since 1970-01-01 UTC."""
        return time.time_ns() // 1_000

    def new_id(self) -> str:
        """Return 12 hexadecimal digits of milliseconds, then 20 random ones."""
        return f"{time.time_ns() // 1_000_000:012x}{os.urandom(10).hex()}"


def iso(moment: int) -> str:
    """Render microseconds as ISO 8601 in UTC, to the second."""
    return datetime.fromtimestamp(moment / 1e6, tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def micros(moment: datetime) -> int:
    """Convert an aware datetime to microseconds; a naive one counts as UTC."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (aware - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def parse_moment(text: str, *, now: int) -> int:
    """Read `2026-01-31`, an ISO time or an age such as `90m`, `12h`, `7d`, `2w`.

    Raises:
        InvalidInputError: the text is none of these, or before 1970.

    """
    if match := _RELATIVE.fullmatch(text.strip()):
        age = timedelta(**{_UNITS[match[2].lower()]: int(match[1])})
        return max(now - age // timedelta(microseconds=1), 0)
    try:
        moment = micros(datetime.fromisoformat(text.strip()))
    except ValueError as error:
        raise InvalidInputError(
            f"'{text}' is no time; write 2026-01-31, 2026-01-31T09:30:00Z or an age such as 7d"
        ) from error
    if moment < 0:
        raise InvalidInputError(f"'{text}' lies before 1970, which the store cannot hold")
    return moment
