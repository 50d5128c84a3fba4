"""This module puts the arms side by side: shares with intervals, and what ours has over each, paired."""

from collections.abc import Sequence

from msgspec import Struct

from memory_cli.bench.bootstrap import bounds, resampled
from memory_cli.replay.arms import OURS
from memory_cli.replay.counting import MEASURES
from memory_cli.replay.walking import Seen

_LEAST_TASKS = 5  # below, an interval would only look like one
_Interval = tuple[float, float] | None


class Compared(Struct, frozen=True):
    """What an arm reached in a measure, `part` of `whole`, and ours less that; intervals are 95 %, over tasks.

    A value is None where there was nothing to count, an interval where fewer than five tasks had anything.
    """

    measure: str
    arm: str
    part: float
    whole: float
    value: float | None
    interval: _Interval
    ahead: float | None
    ahead_interval: _Interval


class Report(Struct, frozen=True):
    """A whole replay: how much was walked, the comparison, and each run."""

    runs: int
    projects: int
    tasks: int
    hindsight: bool
    measures: tuple[Compared, ...]
    seen: tuple[Seen, ...]


def report(seen: Sequence[Seen], *, hindsight: bool) -> Report:
    """Compare the arms over all runs; a task with its runs is what is drawn again, since they are not independent."""
    tasks = sorted({(each.project, each.task) for each in seen})
    places = {task: number for number, task in enumerate(tasks)}
    sums: dict[tuple[str, str], tuple[list[float], list[float]]] = {}
    for each in seen:
        for count in each.counts:
            none = ([0.0] * len(tasks), [0.0] * len(tasks))
            parts, wholes = sums.setdefault((count.measure, count.arm), none)
            parts[places[each.project, each.task]] += count.part
            wholes[places[each.project, each.task]] += count.whole
    measures = [
        _compared(measure, arm, sums[measure, arm], sums.get((measure, OURS)))
        for measure in MEASURES
        for arm in _arms(measure, sums)
    ]
    projects = len({each.project for each in seen})
    return Report(len(seen), projects, len(tasks), hindsight, tuple(measures), tuple(seen))


def _arms(measure: str, sums: dict[tuple[str, str], tuple[list[float], list[float]]]) -> list[str]:
    """Return the arms of a measure, ours first."""
    return sorted((arm for name, arm in sums if name == measure), key=lambda arm: (arm != OURS, arm))


def _compared(
    measure: str, arm: str, counted: tuple[list[float], list[float]], ours: tuple[list[float], list[float]] | None
) -> Compared:
    part, whole = (sum(each) for each in counted)
    value = part / whole if whole else None
    has_interval = sum(each > 0 for each in counted[1]) >= _LEAST_TASKS
    drawn = resampled(*counted)
    ahead = ahead_interval = None
    if ours and arm != OURS and value is not None and sum(ours[1]):
        ahead = sum(ours[0]) / sum(ours[1]) - value
        ahead_interval = bounds(resampled(*ours) - drawn) if has_interval else None
    return Compared(
        measure=measure,
        arm=arm,
        part=part,
        whole=whole,
        value=None if value is None else round(value, 4),
        interval=bounds(drawn) if has_interval else None,
        ahead=None if ahead is None else round(ahead, 4),
        ahead_interval=ahead_interval,
    )
