"""The time that redaction takes grows with a text's length and not faster, whatever the text is made of."""

import runpy
import time
from pathlib import Path

import pytest

from memory_mcp.redaction.redactor import Redactor

BENCHMARK = runpy.run_path(str(Path(__file__).parents[2] / "benchmarks" / "redaction.py"))
SMALL, GROWTH = 4_000, 16
MOST = 64.0  # linear is 16, quadratic 256: noise of a busy machine lies between neither
EVERY = 13  # the benchmark tries them all


def seconds(text: str, passes: int) -> float:
    taken = []
    for _ in range(passes):
        begun = time.process_time()
        Redactor(emails=True).text(text)
        taken.append(time.process_time() - begun)
    return min(taken)


@pytest.mark.long
@pytest.mark.parametrize("part", range(2))
def test_sixteen_times_the_text_does_not_take_hundreds_of_times_as_long(part: int) -> None:
    small, large = (list(BENCHMARK["hostile_texts"](size))[part::EVERY] for size in (SMALL, SMALL * GROWTH))
    floor = seconds("a plain line of text\n" * (SMALL * GROWTH // 21), 3)

    for (text, made_of), (longer, _) in zip(small, large, strict=True):
        if seconds(longer, 1) > 10 * floor:  # below it the clock and the constant part are all that counts
            assert seconds(longer, 2) < MOST * max(seconds(text, 2), floor / 4), made_of


@pytest.mark.parametrize(
    "unit", ["sk-", "pwd=", "token=", "--token=a", "redis://", "aws.secret=", "eyJ", "://", "key='"]
)
def test_the_marks_that_took_minutes_take_as_long_as_other_texts(unit: str) -> None:
    size = 60_000
    ordinary = seconds("the quick brown fox says: if it = 1\n" * (size // 36), 3)

    assert seconds(unit * (size // len(unit)), 3) < 200 * ordinary
