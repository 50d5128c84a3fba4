"""This module reads the times that other programs wrote."""

from datetime import datetime
from typing import Any

from memory_mcp.clock import micros
from memory_mcp.models import limits

_MILLISECONDS = 1e11  # seconds reach that in 5138
_HIGHEST = 1e15


def moment_of(value: Any) -> int:
    """Return an ISO time, or one in seconds or milliseconds, as microseconds; 0 for anything else."""
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < _HIGHEST:
        return bounded(int(value * 1_000) if value > _MILLISECONDS else int(value * 1_000_000))
    if not isinstance(value, str):
        return 0
    try:
        return bounded(micros(datetime.fromisoformat(value)))
    except (ValueError, OverflowError):
        return 0


def bounded(moment: int) -> int:
    """Return a moment in microseconds if it lies in the calendar, else 0."""
    return moment if 0 < moment <= limits.LATEST_MOMENT else 0
