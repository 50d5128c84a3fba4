"""This module says how much a tally of uses and successes proves; pure arithmetic."""

import math

from memory_mcp.models.patterns import Pattern, Tally

Z_95 = 1.959963984540054  # two-sided 95 %
_DAY = 86_400e6  # microseconds


def lower_bound(tally: Tally) -> float:
    """Return the Wilson score interval's 95 % lower end (Wilson 1927, without continuity correction), 0 for no uses.

    It never exceeds wins / uses, and grows towards it with the number of uses, which may be fractional.
    """
    return interval(tally.wins, float(tally.uses))[0] if tally.uses else 0.0


def interval(wins: float, uses: float) -> tuple[float, float]:
    """Return the Wilson score interval at 95 % for wins of uses (> 0)."""
    share = min(max(wins / uses, 0.0), 1.0)  # an earlier version imported any number
    square = Z_95 * Z_95
    centre = share + square / (2 * uses)
    half = Z_95 * math.sqrt(share * (1 - share) / uses + square / (4 * uses * uses))
    low = (centre - half) / (1 + square / uses)
    high = (centre + half) / (1 + square / uses)
    return min(max(low, 0.0), share), max(min(high, 1.0), share)


def ageing(last_seen: int, now: int, half_life_days: float) -> float:
    """Return what age leaves of a pattern, 1 when just seen, half of it after each half-life."""
    age_days: float = max(now - last_seen, 0) / _DAY
    return float(0.5 ** (age_days / half_life_days))


def strength(pattern: Pattern, now: int, half_life_days: float) -> float:
    """Return the lower bound of a tally that has aged: old evidence counts as less of it."""
    left = ageing(pattern.last_seen, now, half_life_days)
    uses = pattern.tally.uses * left
    return interval(pattern.tally.wins * left, uses)[0] if uses > 0 else 0.0
