"""This module finds the days and months that a question names."""

import re
from datetime import UTC, datetime

from memory_mcp.clock import micros
from memory_mcp.expressions import expression

_MONTHS = ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october")
_NAMES = {name: number for number, name in enumerate((*_MONTHS, "november", "december"), 1)}
_NAMES |= {name[:3]: number for name, number in _NAMES.items()} | {"sept": 9}
_DAY = expression(r"\b(\d{4})-(\d{1,2})-(\d{1,2})\b")
_MONTH = expression(r"\b(\d{4})-(\d{1,2})\b(?!-\d)")
_NAMED = expression(rf"\b({'|'.join(_NAMES)})\.?,?\s+(?:of\s+)?(\d{{4}})\b", re.IGNORECASE)
_NAMED_DAY = expression(
    rf"\b(?:(\d{{1,2}})\.?\s+({'|'.join(_NAMES)})|({'|'.join(_NAMES)})\.?\s+(\d{{1,2}})(?:st|nd|rd|th)?),?\s+(\d{{4}})\b",
    re.IGNORECASE,
)
_YEAR = expression(r"\d{4}")
_DECEMBER = 12


def named_spans(text: str) -> list[tuple[int, int]]:
    """Return [from, until) in microseconds for every day or month in the text; impossible dates are passed over."""
    if not _YEAR.search(text):  # every date has one; compiling the rest would cost a hook 3 ms
        return []
    spans = [_day(int(year), int(month), int(day)) for year, month, day in _DAY.findall(text)]
    for before, first, second, after, year in _NAMED_DAY.findall(text):
        spans.append(_day(int(year), _NAMES[(first or second).lower()], int(before or after)))
    days = [span for span in spans if span]
    if days:
        return days
    months = [(int(year), int(month)) for year, month in _MONTH.findall(text)]
    months += [(int(year), _NAMES[name.lower()]) for name, year in _NAMED.findall(text)]
    return [span for year, month in months if (span := _month(year, month))]


def _day(year: int, month: int, day: int) -> tuple[int, int] | None:
    try:
        start = micros(datetime(year, month, day, tzinfo=UTC))
    except ValueError:
        return None
    return start, start + 86_400_000_000


def _month(year: int, month: int) -> tuple[int, int] | None:
    if not 1 <= month <= _DECEMBER or not 1 <= year < 9_999:  # noqa: PLR2004 - datetime's range
        return None
    following = (year + 1, 1) if month == _DECEMBER else (year, month + 1)
    return micros(datetime(year, month, 1, tzinfo=UTC)), micros(datetime(*following, 1, tzinfo=UTC))
