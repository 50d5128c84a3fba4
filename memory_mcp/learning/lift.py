"""This module compares episodes that were helped by recall with those from which it was withheld; pure arithmetic."""

import math
from collections.abc import Callable, Sequence
from statistics import fmean, variance

from msgspec import Struct

from memory_mcp.models.digests import Exposure
from memory_mcp.patterns.strength import Z_95, interval


class Difference(Struct, frozen=True):
    """A mean with recall less the mean without, and its 95 % interval."""

    name: str
    given: float
    withheld: float
    difference: float
    low: float
    high: float


class Lift(Struct, frozen=True):
    """What recall changes; without enough episodes on both sides `differences` is empty and `message` says so."""

    given: int
    withheld: int
    differences: tuple[Difference, ...] = ()
    message: str = ""


def lift(exposures: Sequence[Exposure], least: int) -> Lift:
    """Compare success, steps and retries, with at least `least` episodes on each side."""
    given = [each for each in exposures if not each.withheld]
    withheld = [each for each in exposures if each.withheld]
    if min(len(given), len(withheld)) < least:
        return Lift(
            len(given),
            len(withheld),
            message=f"not enough data: {len(given)} episodes with recall and {len(withheld)} without, "
            f"{least} of each are needed; learning.withhold_share sets how many are withheld",
        )
    return Lift(
        len(given),
        len(withheld),
        (
            _proportions([each.share for each in given], [each.share for each in withheld]),
            _means("steps", lambda each: each.steps, given, withheld),
            _means("retries", lambda each: each.retries, given, withheld),
        ),
    )


def _proportions(given: Sequence[float], withheld: Sequence[float]) -> Difference:
    """Compare success shares by Newcombe's hybrid score interval (1998, method 10)."""
    one, two = fmean(given), fmean(withheld)
    low_one, high_one = interval(sum(given), len(given))
    low_two, high_two = interval(sum(withheld), len(withheld))
    difference = one - two
    low = difference - math.hypot(one - low_one, high_two - two)
    high = difference + math.hypot(high_one - one, two - low_two)
    return Difference("success", *(round(each, 4) for each in (one, two, difference, low, high)))


def _means(
    name: str, value: Callable[[Exposure], float], given: Sequence[Exposure], withheld: Sequence[Exposure]
) -> Difference:
    """Compare means by Welch's standard error and the normal quantile."""
    one, two = [value(each) for each in given], [value(each) for each in withheld]
    error = math.sqrt(variance(one) / len(one) + variance(two) / len(two))
    difference = fmean(one) - fmean(two)
    half = Z_95 * error
    values = (fmean(one), fmean(two), difference, difference - half, difference + half)
    return Difference(name, *(round(each, 4) for each in values))
