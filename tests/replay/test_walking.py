"""Counts of made-up histories, known by hand; and that what comes later changes nothing before it."""

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from memory_cli.replay import arms
from memory_cli.replay.asking import Prompt
from memory_cli.replay.counting import (
    CURED,
    CURED_STRICTLY,
    FILES,
    FOREWARNED,
    MISSING,
    REPEATED,
    RIGHT,
    SPARED,
    SPOKEN,
    TOKENS,
    UNNAMED,
    Count,
    Tally,
    count_cure,
    count_prompt,
)
from memory_cli.replay.happenings import Cure, happened_in
from memory_cli.replay.runs import Found
from memory_cli.replay.walking import Plan, walk
from memory_mcp.config.settings import Settings
from tests.replay.histories import NO_PYTZ, SUBJECTS, counted, edited, found, ordered, ran, walked

DEPLOY = ran("make deploy", "error: no key for the server", failed=True)
MISSING_THEN_INSTALLED = (ran("pytest -q", NO_PYTZ, failed=True), ran("pip install pytz"), ran("pytest -q", "3 passed"))


def test_a_command_that_failed_in_two_earlier_runs_is_forewarned_in_the_third() -> None:
    seen = walked(*(found(str(at), SUBJECTS[at], DEPLOY, ran("make docs"), at=at) for at in range(3)))

    last = seen[-1]
    assert last.known == 2
    for arm in (arms.OURS, arms.SAME_TEXT):
        assert counted(last, RIGHT)[arm] == (1, 1)
        assert counted(last, FOREWARNED)[arm] == (1, 1)
        assert counted(last, REPEATED)[arm] == (1, 1)
        assert counted(last, SPOKEN)[arm] == (1, 2)
    assert [(each.step, each.action, each.failed) for each in last.warned] == [(1, "make deploy", True)]
    assert "no key for the server" in last.warned[0].said


def test_the_first_failure_of_all_is_forewarned_by_nobody_and_repeats_nothing() -> None:
    first = walked(found("a", SUBJECTS[0], DEPLOY))[0]

    assert counted(first, FOREWARNED) == {arms.OURS: (0, 1), arms.SAME_TEXT: (0, 1)}
    assert counted(first, RIGHT) == counted(first, REPEATED) == counted(first, FILES) == {}


def test_reads_searches_and_talk_are_not_steps_that_could_be_warned_of() -> None:
    steps = (ran("cat src/a.py", failed=True), ran("grep -rn x src", failed=True), ran("make docs"))
    talk = msgspec.structs.replace(ran("well"), tool="user")

    assert counted(walked(found("a", SUBJECTS[0], *steps, talk))[0], SPOKEN)[arms.OURS] == (0, 1)


def test_the_cure_of_an_error_that_was_overcome_before_is_known() -> None:
    seen = walked(*(found(str(at), SUBJECTS[at], *MISSING_THEN_INSTALLED, at=at) for at in range(3)))

    assert counted(seen[0], CURED) == {}
    assert counted(seen[-1], CURED) == {
        arms.OURS: (1, 1),
        arms.CHECK: (1, 1),
        arms.PATTERNS: (1, 1),
        arms.SIMILAR: (0, 1),  # no task is similar to this one
        arms.RAW: (1, 1),
        arms.FREQUENT: (1, 1),
    }


def test_another_package_is_near_by_all_words_and_not_by_those_that_tell() -> None:
    tally, cure = Tally(), Cure(1, 3, "No module named 'pytz'", "pip install pytz")

    count_cure(tally, arms.RAW, "pip install wrapt", cure)
    count_cure(tally, arms.OURS, "pip install -q pytz", cure)

    assert set(tally.counts()) == {
        Count(CURED, arms.RAW, 1, 1),
        Count(CURED_STRICTLY, arms.RAW, 0, 1),
        Count(CURED, arms.OURS, 1, 1),
        Count(CURED_STRICTLY, arms.OURS, 1, 1),
    }


def test_steps_count_as_spared_when_the_prompt_told_what_ended_the_error() -> None:
    happened = happened_in(found("a", SUBJECTS[0], *MISSING_THEN_INSTALLED).episode)
    tally = Tally()

    told = {
        arms.OURS: Prompt((), ("A fresh environment lacks `pytz`: `pip install pytz` brings it.",)),
        arms.RAW: Prompt((), ("Install wrapt", "Tests run with pytz")),
    }
    count_prompt(tally, told, happened, frozenset(("pytz",)))

    assert {(each.arm, each.part, each.whole) for each in tally.counts() if each.measure == SPARED} == {
        (arms.OURS, 2, 2),
        (arms.RAW, 0, 2),
    }
    assert {(each.arm, each.part, each.whole) for each in tally.counts() if each.measure == MISSING} == {
        (arms.OURS, 1, 1),
        (arms.RAW, 0, 1),
    }


def test_a_module_that_was_missing_before_counts_as_recurring() -> None:
    seen = walked(*(found(str(at), SUBJECTS[at], *MISSING_THEN_INSTALLED, at=at) for at in range(3)))

    assert counted(seen[0], MISSING) == {}
    assert counted(seen[1], MISSING)[arms.FREQUENT] == (1, 1)
    assert counted(seen[2], MISSING)[arms.OURS] == (1, 1)


def test_a_file_counts_as_named_when_it_stands_among_the_first_five() -> None:
    task = "The discount of the basket is lost at checkout"
    work = (ran("cat src/basket.py"), edited("src/basket.py"), ran("pytest -q tests", "3 passed"))
    others = [found(str(at), SUBJECTS[at], ran("cat src/mail.py"), edited("src/mail.py"), at=at) for at in (1, 2)]
    earlier = found("a", "A discount of the basket is rounded wrongly", *work, at=3)

    last = walked(*others, earlier, found("b", task, *work, at=4))[-1]

    assert last.files == ("src/basket.py",)
    assert counted(last, FILES)[arms.RAW] == counted(last, FILES)[arms.FREQUENT] == (1, 1)
    assert counted(last, FILES)[arms.TASK] == (0, 1)
    assert counted(last, UNNAMED) == counted(last, FILES)


def test_another_run_of_the_same_task_is_never_known() -> None:
    again = [found(str(at), SUBJECTS[0], DEPLOY, ran("make docs"), at=at) for at in range(3)]

    seen = walked(*again, found("other", SUBJECTS[1], DEPLOY, at=4))

    assert [each.known for each in seen] == [0, 0, 0, 3]
    assert counted(seen[2], FOREWARNED)[arms.OURS] == (0, 1)
    assert seen[2].told == ()
    assert counted(seen[2], TOKENS)[arms.OURS] == (0, 1)


def test_a_run_that_is_still_going_on_when_another_begins_is_not_known_to_it() -> None:
    long = found("long", SUBJECTS[0], DEPLOY, at=1)
    over = long.episode.started_at + 10_000_000_000
    long = msgspec.structs.replace(
        long, episode=msgspec.structs.replace(long.episode, updated_at=over, completed_at=over)
    )

    seen = walked(long, found("b", SUBJECTS[1], DEPLOY, at=2), found("c", SUBJECTS[2], DEPLOY, at=9))

    assert [(each.run, each.known) for each in seen] == [("long", 0), ("b", 0), ("c", 2)]


def test_hindsight_knows_later_runs_of_other_tasks_and_never_its_own() -> None:
    members = [found(str(at), SUBJECTS[at // 2], DEPLOY, at=at) for at in range(4)]

    assert [each.known for each in walked(*members, hindsight=True)] == [2, 2, 2, 2]


def test_a_replay_repeats_itself() -> None:
    members = [found(str(at), SUBJECTS[at], *MISSING_THEN_INSTALLED, DEPLOY, at=at) for at in range(3)]

    assert walked(*members) == walked(*members)


def test_asking_at_earlier_runs_changes_nothing_for_later_ones() -> None:
    members = [found(str(at), SUBJECTS[at % 2], *MISSING_THEN_INSTALLED, DEPLOY, at=at) for at in range(4)]
    runs = ordered(*members)

    alone = list(walk(runs, Plan(frozenset(("3",))), Settings(), lambda: None))

    assert alone == walked(*members)[-1:]


STEPS = st.sampled_from(
    (
        *(DEPLOY, *MISSING_THEN_INSTALLED, ran("make deploy"), ran("cat src/basket.py"), edited("src/basket.py")),
        *(edited("src/mail.py"), ran("pytest -q", "1 failed", failed=True), ran("git checkout src/mail.py")),
    )
)
RUNS = st.lists(st.tuples(st.sampled_from(SUBJECTS), st.lists(STEPS, min_size=1, max_size=5)), min_size=1, max_size=3)


def made(given_runs: list[tuple[str, list[object]]], first: int) -> list[Found]:
    return [found(f"run {first + at}", task, *steps, at=first + at) for at, (task, steps) in enumerate(given_runs)]  # type: ignore[arg-type]


@settings(max_examples=12, deadline=None)
@given(past=RUNS, future=RUNS, other_future=RUNS)
def test_changing_the_future_changes_nothing(
    past: list[tuple[str, list[object]]],
    future: list[tuple[str, list[object]]],
    other_future: list[tuple[str, list[object]]],
) -> None:
    before = made(past, 0)

    one = walked(*before, *made(future, len(before)))
    other = walked(*before, *made(other_future, len(before)))

    assert one[: len(before)] == other[: len(before)]
