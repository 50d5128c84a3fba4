"""This module draws numbers as characters: bars and sparklines."""

from collections.abc import Sequence
from itertools import pairwise
from statistics import fmean

_BLOCKS = "▁▂▃▄▅▆▇█"
_WIDTH = 24
_STRETCHES = 40


def bar(low: float, high: float) -> str:
    """Draw an interval within 0 and 1."""
    start, end = round(low * _WIDTH), max(round(high * _WIDTH), round(low * _WIDTH) + 1)
    return "·" * min(start, _WIDTH - 1) + "█" * (min(end, _WIDTH) - min(start, _WIDTH - 1)) + "·" * (_WIDTH - end)


def sparkline(values: Sequence[float]) -> tuple[str, float, float]:
    """Draw the means of up to 40 stretches of values; return the line, the least and the greatest mean."""
    count = min(len(values), _STRETCHES)
    edges = [round(number * len(values) / count) for number in range(count + 1)]
    means = [fmean(values[start:end]) for start, end in pairwise(edges)]
    low, high = min(means), max(means)
    span = (high - low) or 1.0
    return "".join(_BLOCKS[round((mean - low) / span * (len(_BLOCKS) - 1))] for mean in means), low, high


def mark(share: float) -> str:
    """Draw how something went."""
    return "✓" if share == 1 else "✗" if share == 0 else "~"
