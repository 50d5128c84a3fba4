"""This module finds the days and months that a question names, relative ones as seen from the time of asking."""

import re
from datetime import UTC, datetime, timedelta

from memory_mcp.clock import micros
from memory_mcp.expressions import expression

MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
Span = tuple[int, int]
_NAMES = {name.lower(): number for number, name in enumerate(MONTHS, 1)}
_NAMES |= {name[:3]: number for name, number in _NAMES.items()} | {"sept": 9}
_A_MONTH = "|".join(sorted(_NAMES, key=len, reverse=True))
_DAY = expression(r"\b(\d{4})-(\d{1,2})-(\d{1,2})\b")
_MONTH = expression(r"\b(\d{4})-(\d{1,2})\b(?!-\d)")
_NAMED = expression(rf"\b({_A_MONTH})\.?,?\s+(?:of\s+)?(\d{{4}})\b", re.IGNORECASE)
_NAMED_DAY = expression(
    rf"\b(?:(\d{{1,2}})(?:st|nd|rd|th)?\.?\s+(?:of\s+)?({_A_MONTH})\b|({_A_MONTH})\.?\s+(\d{{1,2}})(?:st|nd|rd|th)?\b)"
    r"(?:\.?,?\s+(\d{4})\b)?",
    re.IGNORECASE,
)
_BARE_MONTH = expression(rf"\b(?:last|in|since|during|early|late)\s+({_A_MONTH})\b(?!\s+\d)", re.IGNORECASE)
_WEEKDAY = expression(rf"\b(?:last|on|since|this)\s+({'|'.join(WEEKDAYS)})\b", re.IGNORECASE)
_AGO = expression(r"\b(\d{1,3}|an?|one|two|three|four|five|six)\s+(day|week|month|year)s?\s+ago\b", re.IGNORECASE)
_RELATIVE = expression(r"\b(today|yesterday|(?:last|this)\s+(?:week|month|year))\b", re.IGNORECASE)
_HINT = expression(
    r"\d{4}|\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|last|ago\b|yesterday|today)"
    r"|\b(?:on|since|this)\s+(?:mon|tue|wed|thu|fri|sat|sun|week|month|year)",
    re.IGNORECASE,
)
_COUNTS = {"a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6}
_DECEMBER = 12


def named_spans(text: str, now: int) -> list[Span]:
    """Return [from, until) in microseconds for every day or month in the text; impossible dates are passed over.

    What has no year is the last one before `now`.
    """
    if not _HINT.search(text):  # compiling the rest would cost a hook 3 ms
        return []
    today = datetime.fromtimestamp(now / 1e6, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    spans = [_day(int(year), int(month), int(day)) for year, month, day in _DAY.findall(text)]
    for before, first, second, after, year in _NAMED_DAY.findall(text):
        month, day = _NAMES[(first or second).lower()], int(before or after)
        spans.append(_day(int(year) if year else _year_of(today, month, day), month, day))
    days = [span for span in spans if span] + _relative_days(text, today)
    if days:
        return days
    months = [(int(year), int(month)) for year, month in _MONTH.findall(text)]
    months += [(int(year), _NAMES[name.lower()]) for name, year in _NAMED.findall(text)]
    months += [(_year_of(today, _NAMES[name.lower()], 1), _NAMES[name.lower()]) for name in _BARE_MONTH.findall(text)]
    return [span for year, month in months if (span := _month(year, month))] + _periods(text, today)


def _relative_days(text: str, today: datetime) -> list[Span]:
    back = [(today.weekday() - WEEKDAYS.index(name.capitalize())) % 7 or 7 for name in _WEEKDAY.findall(text)]
    back += [("today", "yesterday").index(word.lower()) for word in _RELATIVE.findall(text) if " " not in word.strip()]
    back += [_number(count) for count, unit in _AGO.findall(text) if unit.lower() == "day"]
    return [_days(today, count, 1) for count in back]


def _periods(text: str, today: datetime) -> list[Span]:
    """Return the weeks, months and years that are named from today."""
    asked = [(_number(count), unit.lower()) for count, unit in _AGO.findall(text)]
    named = [words.lower().split() for words in _RELATIVE.findall(text)]
    asked += [(int(words[0] == "last"), words[1]) for words in named if len(words) > 1]
    return [span for count, unit in asked if (span := _period(count, unit, today))]


def _period(count: int, unit: str, today: datetime) -> Span | None:
    if unit == "week":
        return _days(today - timedelta(days=today.weekday()), 7 * count, 7)
    if unit == "month":
        months = today.year * 12 + today.month - 1 - count
        return _month(months // 12, months % 12 + 1)
    start, end = _month(today.year - count, 1), _month(today.year - count, _DECEMBER)
    return (start[0], end[1]) if start and end else None


def _number(count: str) -> int:
    return _COUNTS.get(count.lower()) or int(count)


def _days(first: datetime, back: int, count: int) -> Span:
    start = first - timedelta(days=back)
    return micros(start), micros(start + timedelta(days=count))


def _year_of(today: datetime, month: int, day: int) -> int:
    return today.year if (month, day) <= (today.month, today.day) else today.year - 1


def _day(year: int, month: int, day: int) -> Span | None:
    try:
        start = micros(datetime(year, month, day, tzinfo=UTC))
    except ValueError:
        return None
    return start, start + 86_400_000_000


def _month(year: int, month: int) -> Span | None:
    if not 1 <= month <= _DECEMBER or not 1 <= year < 9_999:  # noqa: PLR2004 - datetime's range
        return None
    following = (year + 1, 1) if month == _DECEMBER else (year, month + 1)
    return micros(datetime(year, month, 1, tzinfo=UTC)), micros(datetime(*following, 1, tzinfo=UTC))
