"""How much a tally proves, how it ages, and the rules and sentences that patterns bear out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory_mcp.models.patterns import (
    Approach,
    Branch,
    Branches,
    ContextPattern,
    DecisionPoint,
    Definition,
    Detail,
    ErrorRecovery,
    Evidence,
    Fix,
    Pattern,
    Run,
    Tally,
    ToolSequence,
)
from memory_mcp.patterns.strength import ageing, interval, lower_bound, strength
from memory_mcp.patterns.wording import advice, evidence_sentence, not_when
from tests.fakes import DAY

TALLIES = st.integers(1, 10_000).flatmap(
    lambda uses: st.tuples(st.just(uses), st.integers(0, uses * 1000).map(lambda share: share / 1000))
)


def pattern(definition: Definition, *details: Detail, shares: tuple[float, ...] | None = None) -> Pattern:
    weights = shares or (1.0,) * len(details)
    evidence = tuple(
        Evidence(f"e{number}", share, 1.0, number, detail, f"task {number}")
        for number, (detail, share) in enumerate(zip(details, weights, strict=True))
    )
    return Pattern(
        id="p1",
        project="here",
        definition=definition,
        seen=Tally(len(details), sum(weights)),
        followed=Tally(),
        first_seen=0,
        last_seen=len(details),
        evidence=evidence,
    )


@given(TALLIES)
def test_the_lower_bound_never_exceeds_the_ratio_and_lies_within_0_and_1(tally: tuple[int, float]) -> None:
    uses, wins = tally

    assert 0 <= lower_bound(Tally(uses, wins)) <= wins / uses
    low, high = interval(wins, uses)
    assert low <= wins / uses <= high <= 1


@given(st.integers(1, 500), st.integers(2, 20))
def test_the_same_ratio_from_more_episodes_proves_more(uses: int, factor: int) -> None:
    wins = uses // 2

    assert lower_bound(Tally(uses * factor, wins * factor)) >= lower_bound(Tally(uses, wins))


@pytest.mark.parametrize(("uses", "wins", "bound"), [(1, 1, 0.2065), (10, 9, 0.5958), (100, 50, 0.4038), (0, 0, 0)])
def test_the_lower_bound_is_that_of_wilson(uses: int, wins: float, bound: float) -> None:
    assert lower_bound(Tally(uses, wins)) == pytest.approx(bound, abs=1e-4)


def test_half_of_a_pattern_is_left_after_its_half_life() -> None:
    assert ageing(0, 90 * DAY, 90) == 0.5
    assert ageing(5, 5, 90) == 1
    seen = pattern(ToolSequence(("a", "b")), *(Run(("a", "b")),) * 4)
    assert strength(seen, seen.last_seen, 90) == lower_bound(seen.tally)
    assert strength(seen, 900 * DAY, 90) < 0.01


def test_a_single_occurrence_says_that_it_is_one() -> None:
    seen = pattern(ErrorRecovery("KeyError: user"), Fix("KeyError: user", "pytest", ("fix",), ("guess",)))

    assert evidence_sentence(seen) == "Seen in 1 episode only; it went well."
    assert not_when(seen) == [
        "This did not help (1×): guess",
        "It rests on 1 episode: check it first.",
    ]


def test_several_occurrences_show_n_and_the_lower_bound() -> None:
    seen = pattern(ToolSequence(("a", "b")), *(Run(("a", "b")),) * 4, shares=(1.0, 1.0, 1.0, 0.0))

    assert evidence_sentence(seen) == "Seen in 4 episodes, 3 of them went well (95 % lower bound 0.30)."
    assert not_when(seen) == ["It did not work in 1 of the newest 4 episodes: 'task 3'."]


@pytest.mark.parametrize(
    ("seen", "lines"),
    [
        (pattern(ErrorRecovery("E"), Fix("E", "x", ("do a", "do b")), Fix("E", "x")), ["do a ; do b"]),
        (pattern(ContextPattern("a.py"), *(Approach(("b.py",), ("pytest",)),) * 3), []),
        (pattern(ToolSequence(("edit", "pytest")), Run(("edit a.py", "pytest a.py"))), []),
        (pattern(DecisionPoint("make"), Branches((Branch(passed=True, next="submit", times=1, led_on=1),))), []),
    ],
)
def test_advice_is_real_commands_and_changes(seen: Pattern, lines: list[str]) -> None:
    assert advice(seen) == lines
