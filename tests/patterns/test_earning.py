"""A pattern is told where its cure beats what happens to the same error without it, and teaches nothing else."""

import pytest

from memory_mcp.models.episodes import Context, Episode, Step, StepError, StepSuccess, Success
from memory_mcp.models.patterns import (
    Approach,
    ContextPattern,
    DecisionPoint,
    Definition,
    Detail,
    ErrorRecovery,
    Evidence,
    Fix,
    Heuristic,
    Pattern,
    Tally,
    ToolSequence,
)
from memory_mcp.patterns.earning import cures_of, is_borne_out, is_close, is_earned
from memory_mcp.patterns.error_recoveries import error_recoveries
from memory_mcp.patterns.heuristics import heuristics
from memory_mcp.patterns.observations import observe
from memory_mcp.patterns.wording import proof_sentence

LACKS = "ModuleNotFoundError: No module named 'pytz'"
TASKS = (
    "mend the basket",
    "ship the parcel",
    "count the coupons",
    "print the bill",
    "greet the guest",
    "close the till",
)


def fix(*lines: str, tries: int = 1, attempts: tuple[str, ...] = ()) -> Fix:
    return Fix(LACKS, "pytest", lines, attempts, tries=tries)


def seen(*met: tuple[str, Fix, float], definition: Definition | None = None) -> Pattern:
    evidence = tuple(
        Evidence(f"e{number}", share, 1.0, number, detail, task) for number, (task, detail, share) in enumerate(met)
    )
    tally = Tally(len(met), sum(share for _, _, share in met))
    return Pattern("p", "here", definition or ErrorRecovery(LACKS), tally, Tally(), 0, 1, evidence=evidence)


def test_a_cure_of_five_tasks_is_proved_and_becomes_a_rule() -> None:
    pattern = seen(*((task, fix("pip install pytz -q"), 1.0) for task in TASKS[:5]))

    assert is_earned(pattern)
    assert heuristics(pattern) == [Heuristic(f"on the error '{LACKS}'", "pip install pytz -q", 5, 5, 5)]
    assert proof_sentence(pattern) == (
        "Those that did it got past the error in 5 tasks (95 % lower bound 0.57), others in 0.48 of theirs."
    )


def test_two_tasks_alone_are_worth_trying_and_prove_nothing() -> None:
    pattern = seen(*((task, fix("pip install pytz"), 1.0) for task in TASKS[:2]))

    assert (is_earned(pattern), is_borne_out(pattern), heuristics(pattern)) == (False, True, [])
    assert proof_sentence(pattern) == "It ended the error in 2 tasks; that is too few to prove it."


def test_runs_of_one_task_count_once() -> None:
    pattern = seen(*((TASKS[0], fix("pip install pytz"), 1.0),) * 9)

    assert (is_borne_out(pattern), is_close(pattern)) == (False, True)
    assert [cure.tasks for cure in cures_of(pattern)] == [1]


def test_a_cure_that_is_no_better_than_anything_else_is_not_proved() -> None:
    ours = [(task, fix("pip install pytz"), 1.0) for task in TASKS[:3]]
    others = [(task, fix("sed -i s/pytz/zoneinfo/ shop/till.py"), 1.0) for task in TASKS[3:]]

    assert not is_earned(seen(*ours, *others))


def test_a_cure_proves_more_where_others_never_got_past_the_error() -> None:
    ours = [(task, fix("pip install pytz"), 1.0) for task in TASKS[:2]]
    stuck = [(task, fix(tries=4, attempts=("sed -i s/a/b/ setup.cfg",)), 0.0) for task in TASKS[2:]]

    assert is_earned(seen(*ours, *stuck))


def test_the_same_cure_done_in_vain_counts_against_it() -> None:
    ours = [(task, fix("pip install pytz"), 1.0) for task in TASKS[:4]]
    in_vain = [(task, fix(tries=3, attempts=("pip3 install pytz",)), 0.0) for task in TASKS[4:]]

    assert is_earned(seen(*ours))
    assert not is_earned(seen(*ours, *in_vain))


def test_an_error_that_was_not_tried_again_says_nothing_of_its_cure() -> None:
    ours = [(task, fix("pip install pytz"), 1.0) for task in TASKS[:4]]
    left = [(task, fix(), 0.0) for task in TASKS]

    assert cures_of(seen(*ours, *left)) == cures_of(seen(*ours))


def test_what_did_not_bring_the_missing_module_is_no_cure_of_it() -> None:
    assert not is_close(seen((TASKS[0], fix("pip install numpy"), 1.0)))
    assert is_close(seen((TASKS[0], fix("pip install numpy pytz"), 1.0)))


@pytest.mark.parametrize(
    ("definition", "detail"),
    [
        (ContextPattern("shop/till.py"), Approach(("shop/bill.py",), ("pytest",))),
        (ToolSequence(("sed", "read")), Approach()),
        (DecisionPoint("make"), Approach()),
    ],
)
def test_the_other_kinds_are_never_told(definition: Definition, detail: Detail) -> None:
    evidence = tuple(Evidence(f"e{number}", 1.0, 1.0, 1, detail, task) for number, task in enumerate(TASKS))
    pattern = Pattern("p", "here", definition, Tally(6, 6.0), Tally(), 0, 1, evidence=evidence)

    assert (is_earned(pattern), is_close(pattern), heuristics(pattern)) == (False, False, [])


def ended(*steps: Step) -> Episode:
    return Episode("e", "here", "mend", "", Context(), 1, 2, steps, Success(evidence="user"), completed_at=2)


def recovered(command: str, message: str, *before: Step) -> list[str]:
    """Return the errors that an episode teaches which met one, changed a source and got past it."""
    steps = (
        *before,
        Step("bash", command, result=StepError(message)),
        Step("edit", "keep it", {"file": "shop/till.py"}, StepSuccess("ok")),
        Step("bash", command, result=StepSuccess("fine")),
    )

    episode = ended(*steps)
    return [finding.definition.signature for finding in error_recoveries(observe(episode))]  # type: ignore[union-attr]  # only errors


TRACE = (
    'Traceback (most recent call last):\n  File "/w/try_it.py", line 3, in <module>\n    shop.close()\n'
    '  File "/w/shop/till.py", line 9, in close\nAttributeError: `np.Inf` was removed in the NumPy 2.0 release.'
)
SCRIPT = Step("bash", "cat > try_it.py <<'EOF'\nimport shop\nshop.close()\nEOF", result=StepSuccess(""))


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("python shop/till.py", "SyntaxError: invalid syntax"),
        ("python shop/till.py", "IndentationError: unexpected indent"),
        ("python shop/till.py", "NameError: name 'till' is not defined"),
        ("pytest tests/test_till.py", "E   AssertionError"),
        ("pytest tests/test_till.py::test_x", "ERROR: not found: /w/tests/test_till.py::test_x"),
        ("sed -i 's/a/b' shop/till.py && make", "sed: -e expression #1, char 5: unterminated `s' command"),
        ("patch -p1 < a.patch", "patching file shop/till.py"),
        ("make test", "make: invalid option -- 'y'\nUsage: make [options] [target] ..."),
        ('python -c "import shop; shop.open(1)"', "TypeError: open() takes 0 positional arguments but 1 was given"),
        ("./run_all.sh", "✗ FAILED: len() of unsized object error"),
    ],
)
def test_slips_looks_and_throw_away_code_teach_nothing(command: str, message: str) -> None:
    assert recovered(command, message) == []


def test_an_error_of_the_episodes_own_script_teaches_nothing_unless_a_library_or_the_environment_raised_it() -> None:
    assert recovered("python try_it.py", "TypeError: close() got an unexpected keyword argument 'x'", SCRIPT) == []
    assert recovered("python try_it.py", LACKS, SCRIPT) == [LACKS]
    assert recovered("python try_it.py", TRACE, SCRIPT) == [
        "AttributeError: `np.Inf` was removed in the NumPy <n> release."
    ]


def test_a_script_written_to_look_is_no_cure() -> None:
    look = Step("bash", "cat > test_more.py <<'EOF'\nimport shop\nprint(shop)\nEOF", result=StepSuccess(""))
    steps = (
        Step("bash", "pytest tests/test_till.py", result=StepError("E   KeyError: 'guest'")),
        look,
        Step("bash", "pytest tests/test_till.py", result=StepSuccess("1 passed in 0.1s")),
    )

    episode = ended(*steps)

    (finding,) = error_recoveries(observe(episode))

    assert finding.evidence[0].detail == Fix("KeyError: 'guest'", "pytest tests/test_till.py")
