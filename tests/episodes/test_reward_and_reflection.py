"""How good an episode was, part by part, and the sentences that its steps bear out."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory_mcp.episodes.lifecycle import closed
from memory_mcp.episodes.reflection import reflect
from memory_mcp.episodes.reward import reward
from memory_mcp.memory import Memory
from memory_mcp.models.episodes import (
    Abstained,
    Context,
    Episode,
    Failure,
    Outcome,
    PartialSuccess,
    Reflection,
    Step,
    StepError,
    StepSuccess,
    StepTimeout,
    Success,
    Typical,
)
from tests.fakes import FrozenClock

OK, ERROR = StepSuccess("ok"), StepError("KeyError: user")
PASSED, FAILED = StepSuccess("3 passed in 0.1s"), StepError("1 failed, 2 passed in 0.1s")
MINUTE = 60_000_000


def episode(*steps: Step, outcome: Outcome | None = None, minutes: float = 0, **context: Any) -> Episode:
    return Episode(
        id="e1",
        project="here",
        task="mend the login",
        task_type="bug_fix",
        context=Context(**context),
        started_at=0,
        updated_at=0,
        completed_at=int(minutes * MINUTE),
        steps=steps,
        outcome=outcome or Success(),
    )


def bash(command: str, result: StepSuccess | StepError | StepTimeout | None = OK) -> Step:
    return Step("bash", command, result=result)


STEPS = st.lists(
    st.builds(
        Step,
        tool=st.sampled_from(["bash", "edit", "read"]),
        action=st.sampled_from(["pytest", "make", "a.py", "git commit -m x"]),
        result=st.sampled_from([OK, ERROR, StepTimeout("slow"), None]),
    ),
    max_size=40,
)
CONTEXTS = st.sampled_from([None, "simple", "moderate", "complex"])
TYPICAL = st.none() | st.builds(
    Typical, episodes=st.integers(1, 200), steps=st.floats(0, 500), seconds=st.floats(0, 1e6)
)


@given(STEPS, CONTEXTS, TYPICAL, st.floats(0, 1e5))
def test_reward_is_monotone_in_outcome_and_bounded(
    steps: list[Step], complexity: Any, typical: Typical | None, minutes: float
) -> None:
    outcomes: list[Outcome] = [
        Failure(),
        *(PartialSuccess(completed=("x",) * done, failed=("y",) * (10 - done)) for done in range(11)),
        Success(),
    ]
    totals = [
        reward(episode(*steps, outcome=outcome, minutes=minutes, complexity=complexity), typical).total
        for outcome in outcomes
    ]

    assert totals == sorted(totals)
    assert all(0 <= total <= 2 for total in totals)


@given(STEPS, CONTEXTS)
def test_the_parts_make_the_total(steps: list[Step], complexity: Any) -> None:
    parts = reward(episode(*steps, complexity=complexity))

    made = parts.outcome * parts.efficiency * parts.complexity * parts.quality + parts.learning_bonus
    assert parts.total == pytest.approx(min(made, 2), abs=2e-3)


@given(STEPS, st.lists(st.just(bash("ls", ERROR)), max_size=3))
def test_giving_an_infeasible_task_back_early_is_worth_more_than_failing_late(
    late: list[Step], early: list[Step]
) -> None:
    assert reward(episode(*early, outcome=Abstained())).total > reward(episode(*late, outcome=Failure())).total


def test_efficiency_is_measured_against_the_projects_own_median_once_five_episodes_are_known() -> None:
    steps = [bash(f"step {number}") for number in range(20)]
    few, enough = Typical(4, 40.0, 600.0), Typical(5, 40.0, 600.0)

    assert reward(episode(*steps, minutes=10), few) == reward(episode(*steps, minutes=10))
    measured = reward(episode(*steps, minutes=10), enough)
    assert measured.typical == enough
    assert measured.efficiency == pytest.approx((1.0833 * 1.0) ** 0.5, abs=1e-3)
    slower = reward(episode(*steps, minutes=100), enough)
    assert slower.efficiency < measured.efficiency


def test_a_test_signal_artifacts_and_errors_move_quality() -> None:
    assert reward(episode(bash("pytest", PASSED))).quality == 1.3
    assert reward(episode(bash("pytest", PASSED), outcome=Success(artifacts=("a.py",)))).quality == 1.35
    assert reward(episode(bash("pytest", FAILED))).quality == pytest.approx(0.7)
    assert reward(episode(bash("pytest | tail", StepSuccess("1 failed in 0.1s")))).quality == 1.1
    assert reward(episode(bash("pytest", OK))).quality == 1.2  # that it ended is not that it passed
    assert reward(episode(bash("ls"), bash("ls", ERROR))).quality == 1.0
    assert reward(episode(bash("pytest", None))).quality == 1.0


def test_an_error_overcome_and_varied_tools_earn_the_bonus() -> None:
    steps = [bash("pytest", ERROR), Step("edit", "a.py", result=OK), bash("pytest")]

    assert reward(episode(*steps)).learning_bonus == 0.05
    assert reward(episode(*steps, bash("make"))).learning_bonus == 0.1


def test_the_median_comes_from_episodes_of_the_same_domain_and_task_type(memory: Memory, clock: FrozenClock) -> None:
    for count in (2, 4, 6, 8, 10):
        started, _ = memory.episodes.start("a", task_type="bug_fix", context=Context(domain="auth"))
        memory.episodes.append(started.id, [bash("make")] * count)
        clock.moment += count * MINUTE
        memory.episodes.complete(started.id, Success())
    other, _ = memory.episodes.start("b", task_type="bug_fix", context=Context(domain="other"))
    memory.episodes.complete(other.id, Success())

    measured, _ = memory.episodes.start("c", task_type="bug_fix", context=Context(domain="auth"))
    memory.episodes.append(measured.id, [bash("make")] * 6)
    closed, _ = memory.episodes.complete(measured.id, Success())

    assert closed.reward is not None
    assert closed.reward.typical == Typical(5, 6.0, 360.0)
    assert memory.episodes.get(measured.id).reward == closed.reward


def test_a_reward_of_the_first_schema_is_still_read() -> None:
    old = b'{"total": 1.2, "outcome": 1.0, "efficiency": 1.2, "quality": 1.0}'

    read = msgspec.json.decode(old, type=type(reward(episode())))

    assert (read.total, read.complexity, read.learning_bonus, read.typical) == (1.2, 1.0, 0.0, None)


def test_reflection_is_built_from_the_steps() -> None:
    steps = [
        bash("pytest a.py", ERROR),
        Step("edit", "guess", {"file": "a.py"}, OK),
        bash("pytest a.py", ERROR),
        Step("edit", "use get()", {"file": "a.py"}, OK, latency_ms=900),
        bash("pytest a.py", PASSED),
        bash("make", StepTimeout("no answer after 60 s")),
    ]

    assert reflect(episode(*steps)) == Reflection(
        successes=(
            (
                "Step 5 (pytest a.py) passed after steps 1, 3 had failed with 'KeyError: user', "
                "after step 4 (edit: use get() [a.py])."
            ),
            "The last test run (step 5, pytest a.py) passed: 3 passed in 0.1s",
        ),
        improvements=(
            "make failed 1 time (step 6) and never passed: no answer after <n> s",
            "pytest a.py failed 2 times (steps 1, 3) before it passed.",
        ),
        insights=(
            "3 of 6 steps failed, with 2 different errors.",
            "a.py was changed 2 times, more than any other file.",
            "The slowest step was step 4 (edit: use get() [a.py]) with 900 ms.",
            "pytest a.py was run 3 times.",
        ),
    )


def test_a_success_that_nothing_checked_is_named() -> None:
    found = reflect(episode(Step("edit", "use get()", {"file": "a.py"}, OK)))

    assert found.improvements == (
        "No test passed or failed after the last change (step 1), so the success is only claimed.",
    )


@given(STEPS)
def test_the_same_episode_always_gives_the_same_text_and_no_more_than_five_of_each(steps: list[Step]) -> None:
    found = reflect(episode(*steps))

    assert found == reflect(episode(*steps))
    assert max(len(found.successes), len(found.improvements), len(found.insights)) <= 5


def test_a_success_that_the_last_test_denies_is_called_doubtful() -> None:
    steps = [
        Step("edit", "use get()", {"file": "a.py"}, OK),
        bash("pytest 2>&1 | tail -3", StepSuccess(FAILED.message)),
    ]

    found = reflect(closed(episode(*steps), Success("done"), 1, None))

    assert found.successes == ("Claimed: done",)
    denied = "The last test run (step 2, pytest 2>&1 | tail -3) failed: 1 failed, 2 passed in 0.1s"
    assert found.improvements == (f"The success is doubtful. {denied}",)


def test_a_success_that_is_only_claimed_earns_no_more_than_giving_back() -> None:
    steps = [Step("edit", "use get()", {"file": "a.py"}, OK)]

    claimed, confirmed = (reward(episode(*steps, outcome=Success(evidence=by))) for by in ("claimed", "user"))

    assert (claimed.outcome, confirmed.outcome) == (0.3, 1.0)
    assert claimed.total == reward(episode(*steps, outcome=Abstained())).total


def test_only_the_very_same_command_is_said_to_have_run_often_and_messages_are_no_steps() -> None:
    steps = [bash(f"sed -n {at}p a.py", ERROR) for at in range(3)]
    talk = [Step("user", "go on"), Step("user", "go on"), Step("user", "go on")]
    failed_edits = [Step("edit", "use get()", {"file": "a.py"}, ERROR), Step("edit", "use get()", {"file": "a.py"}, OK)]

    reflected = reflect(episode(*steps, *talk, *failed_edits))

    said = [*reflected.improvements, *reflected.insights]
    assert not any("was run" in sentence or "was tried" in sentence for sentence in said)
    assert not any("was changed" in sentence for sentence in said)
    assert any(sentence.startswith("4 of 5 steps failed") for sentence in said)
