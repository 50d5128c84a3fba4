"""This module reads times as people and agents write them."""

import re
from datetime import datetime, timedelta

from memory_mcp.clock import micros
from memory_mcp.errors import InvalidInputError
from memory_mcp.expressions import expression
from memory_mcp.models import limits

_RELATIVE = expression(r"(\d{1,6})\s*(m|h|d|w)", re.IGNORECASE)
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def parse_moment(text: str, *, now: int) -> int:
    """Read `2026-01-31`, an ISO time or an age such as `90m`, `12h`, `7d`, `2w`.

    Raises:
        InvalidInputError: the text is none of these, before 1970 or after 9999.

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
    if not 0 <= moment <= limits.LATEST_MOMENT:
        raise InvalidInputError(f"'{text}' lies outside the years 1970 to 9999, which are all that the store holds")
    return moment
