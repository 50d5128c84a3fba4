"""This module holds what was measured, fits how it grows, and writes it down."""

import math
import platform
import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from statistics import fmean

from msgspec import Struct

from memory_mcp import __version__

_FONT = 'font-family="sans-serif" font-size="12"'


class Figure(Struct, frozen=True):
    """One row: the value that a figure is held to, its percentiles where it was timed, and what stands beside it.

    `size` counts episodes or vectors, 0 where it does not matter; `value` is None where it could not be measured, and
    `note` says why.
    """

    part: str
    what: str
    unit: str
    size: int = 0
    value: float | None = None
    p50: float | None = None
    p95: float | None = None
    p99: float | None = None
    beside: dict[str, float] = {}
    reach: float | None = None
    at_least: bool = False
    note: str = ""

    @property
    def reached(self) -> bool | None:
        """Whether the figure is reached; None where there is none, or no value."""
        if self.reach is None or self.value is None:
            return None
        return self.value >= self.reach if self.at_least else self.value <= self.reach


class Growth(Struct, frozen=True):
    """How a cost grows with size: it goes as size to the power of `exponent` between the sizes measured."""

    what: str
    exponent: float
    sizes: tuple[int, ...]


class Report(Struct, frozen=True):
    """A whole run."""

    version: str
    machine: str
    figures: tuple[Figure, ...]
    growth: tuple[Growth, ...]


def timed(call: Callable[[], object], times: int) -> list[float]:
    """Time a call again and again, in milliseconds."""
    found = []
    for _ in range(times):
        started = time.perf_counter()
        call()
        found.append((time.perf_counter() - started) * 1_000)
    return found


def percentile(values: Sequence[float], share: float) -> float:
    """Return the nearest-rank percentile."""
    ordered = sorted(values)
    return ordered[min(math.ceil(share * len(ordered)) - 1, len(ordered) - 1)]


def latency(
    part: str,
    what: str,
    values: Sequence[float],
    *,
    size: int = 0,
    reach: float | None = None,
    held_to: float = 0.95,
    beside: dict[str, float] | None = None,
) -> Figure:
    """Make a row of times in milliseconds; `held_to` is the percentile that its figure speaks of."""
    p50, p95, p99 = (round(percentile(values, share), 4) for share in (0.5, 0.95, 0.99))
    value = round(percentile(values, held_to), 4)
    rounded = {name: round(other, 4) for name, other in (beside or {}).items()}
    return Figure(part, what, "ms", size, value, p50, p95, p99, rounded, reach)


def growth(figures: Sequence[Figure]) -> tuple[Growth, ...]:
    """Fit the exponent of every cost that was timed at several sizes, by least squares over the logarithms of p50."""
    found = []
    for what, rows in _by_size(figures).items():
        xs, ys = [math.log(row.size) for row in rows], [math.log(row.p50 or 1) for row in rows]
        middle_x, middle_y = fmean(xs), fmean(ys)
        slope = sum((x - middle_x) * (y - middle_y) for x, y in zip(xs, ys, strict=True))
        exponent = slope / sum((x - middle_x) ** 2 for x in xs)
        found.append(Growth(what, round(exponent, 2), tuple(row.size for row in rows)))
    return tuple(found)


def _by_size(figures: Sequence[Figure]) -> dict[str, list[Figure]]:
    """Group what was timed at several sizes, the smallest first."""
    series: dict[str, list[Figure]] = {}
    for figure in sorted(figures, key=lambda row: row.size):
        if figure.size and figure.p50:
            series.setdefault(f"{figure.part}: {figure.what}", []).append(figure)
    return {what: rows for what, rows in series.items() if len(rows) > 1}


def report(figures: Sequence[Figure]) -> Report:
    """Put a run together."""
    machine = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
    return Report(__version__, machine, tuple(figures), growth(figures))


def svg(figures: Sequence[Figure]) -> str:
    """Draw p50 and p95 of every cost that was timed at several sizes, both axes logarithmic."""
    drawn = _by_size(figures)
    width, height, left, top = 860, 120 + 18 * len(drawn) + 330, 70, 30
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" {_FONT}>',
        '<rect width="100%" height="100%" fill="white"/>',
        f'<text x="{left}" y="18">milliseconds by number of episodes or vectors: p50, with p95 as a thin line</text>',
    ]
    if not drawn:
        return "\n".join([*parts, "</svg>"]) + "\n"
    values = [value for rows in drawn.values() for row in rows for value in (row.p50, row.p95) if value]
    sizes = [row.size for rows in drawn.values() for row in rows]
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    first, last = math.log10(min(sizes)), math.log10(max(sizes))

    def x(size: int) -> float:
        return left + (math.log10(size) - first) / (last - first) * (width - left - 40)

    def y(value: float) -> float:
        return top + 330 - (math.log10(value) - low) / (high - low) * 320

    for power in range(low, high + 1):
        parts.append(f'<line x1="{left}" x2="{width - 40}" y1="{y(10**power)}" y2="{y(10**power)}" stroke="#dddddd"/>')
        parts.append(f'<text x="{left - 8}" y="{y(10**power) + 4}" text-anchor="end">{10.0**power:g}</text>')
    parts += [f'<text x="{x(size)}" y="{top + 350}" text-anchor="middle">{size:,}</text>' for size in {*sizes}]
    for number, (what, rows) in enumerate(drawn.items()):
        colour = f"hsl({number * 360 // len(drawn)} 65% 42%)"
        for one, other in pairwise(rows):
            parts += [
                f'<line x1="{x(one.size):.1f}" y1="{y(start):.1f}" x2="{x(other.size):.1f}" y2="{y(end):.1f}"'
                f' stroke="{colour}" stroke-width="{thickness}"/>'
                for start, end, thickness in ((one.p50, other.p50, 2), (one.p95, other.p95, 0.6))
                if start and end
            ]
        parts.append(f'<text x="{left}" y="{top + 380 + 18 * number}" fill="{colour}">— {what}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"
