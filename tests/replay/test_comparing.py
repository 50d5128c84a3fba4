"""The arms side by side: shares, intervals over tasks, and paired differences."""

import math

from memory_cli.bench.bootstrap import bounds, interval, resampled
from memory_cli.replay import arms
from memory_cli.replay.comparing import report
from memory_cli.replay.counting import FILES, RIGHT, Count
from memory_cli.replay.walking import Seen


def seen(number: int, *counts: Count) -> Seen:
    return Seen(f"run {number}", "shop", f"task {number // 2}", number, (), (), counts, (), (), ())


def test_a_share_is_the_sum_over_all_runs_and_a_difference_is_paired() -> None:
    made = report(
        [
            seen(at, Count(FILES, arms.OURS, float(at % 2 == 0), 1), Count(FILES, arms.RAW, float(at % 4 == 0), 1))
            for at in range(20)
        ],
        hindsight=False,
    )

    ours, raw = made.measures
    assert (made.runs, made.tasks, made.projects) == (20, 10, 1)
    assert (ours.arm, ours.part, ours.whole, ours.value, ours.ahead) == (arms.OURS, 10, 20, 0.5, None)
    assert ours.interval == (0.5, 0.5)  # one of the two runs of each task
    assert (raw.arm, raw.value, raw.ahead) == (arms.RAW, 0.25, 0.25)
    assert raw.ahead_interval is not None
    assert 0.0 < raw.ahead_interval[0] < 0.25 < raw.ahead_interval[1] < 0.5


def test_few_tasks_get_a_value_and_no_interval() -> None:
    made = report([seen(at, Count(RIGHT, arms.OURS, 1, 2)) for at in range(8)], hindsight=False)

    assert [(each.value, each.interval) for each in made.measures] == [(0.5, None)]


def test_an_arm_that_never_spoke_has_no_share_of_right_warnings() -> None:
    counts = (Count(RIGHT, arms.OURS, 1, 2), Count(RIGHT, arms.SAME_TEXT, 0, 0))

    silent = report([seen(at, *counts) for at in range(12)], hindsight=False).measures[1]

    assert (silent.value, silent.ahead, silent.ahead_interval) == (None, None, None)


def test_a_mean_is_a_share_of_ones() -> None:
    values = [0.0, 1.0, 1.0, 0.0, 1.0]

    assert interval(values) == bounds(resampled(values, [1.0] * 5))
    low, high = interval(values)
    assert low < 0.6 < high


def test_resamples_without_anything_to_count_are_left_out() -> None:
    ratios = resampled([1.0, 0.0], [1.0, 0.0])

    assert set(ratios[~(ratios != ratios)]) == {1.0}  # noqa: PLR0124 - NaN differs from itself
    assert all(math.isnan(each) for each in bounds(resampled([0.0], [0.0])))
