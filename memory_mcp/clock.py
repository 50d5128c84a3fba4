"""This module tells the time and makes identifiers; nothing else reads the system clock."""

import os
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

_LAST = 253_402_300_799_000_000  # 9999-12-31T23:59:59Z


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
    held = min(max(moment, 0), _LAST)  # a store of an earlier version may hold times beyond the calendar
    return datetime.fromtimestamp(held / 1e6, tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def micros(moment: datetime) -> int:
    """Convert an aware datetime to microseconds; a naive one counts as UTC."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (aware - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
