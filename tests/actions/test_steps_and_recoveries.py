"""Steps as different clients record them, and the errors they overcome."""

import pytest

from memory_mcp.actions.recoveries import Recovery, recoveries
from memory_mcp.actions.steps import action_of, identifiers_of, signature_of
from memory_mcp.models.episodes import Step, StepError, StepSuccess, StepTimeout

OK = StepSuccess("ok")
KEY_ERROR = StepError("KeyError: user")


@pytest.mark.parametrize(
    ("step", "token", "kind", "files"),
    [
        (Step("Bash", "Run tests", {"command": "pytest a.py"}), "pytest", "test", ("a.py",)),
        (Step("bash", "pytest a.py"), "pytest", "test", ("a.py",)),
        (Step("pytest", "pytest a.py"), "pytest", "test", ("a.py",)),
        (Step("Edit", "use get()", {"file_path": "app.py"}), "edit", "edit", ("app.py",)),
        (Step("MultiEdit", "x", {"file_path": "app.py"}), "edit", "edit", ("app.py",)),
        (Step("edit", "edit 3:4\nx = 1\nend_of_edit", {"file": "app.py"}), "edit", "edit", ("app.py",)),
        (Step("Grep", "look for it", {"pattern": "x", "path": "src"}), "search", "search", ("src",)),
        (Step("git", "change", {"file": "a.py"}), "git change", "edit", ("a.py",)),
        (Step("Read", "./a.py"), "read", "read", ("a.py",)),
        (Step("mystery", "do the thing"), "mystery", "other", ()),
    ],
)
def test_one_action_is_seen_alike_whatever_client_recorded_it(
    step: Step, token: str, kind: str, files: tuple[str, ...]
) -> None:
    action = action_of(step)

    assert (action.token, action.kind, action.files) == (token, kind, files)


def test_a_passing_step_has_no_signature_and_a_silent_timeout_says_so() -> None:
    assert signature_of(Step("bash", "pytest", result=OK)) is None
    assert signature_of(Step("bash", "pytest", result=StepTimeout())) == "timed out"
    assert signature_of(Step("bash", "pytest", result=StepError())) == "pytest failed without a message"


def test_identifiers_are_names_that_look_like_code() -> None:
    step = Step("edit", "let read_config call loadAll() of ConfigReader for the user", {"new": "max_size = 3"})

    assert identifiers_of(step) == {"read_config", "loadAll", "ConfigReader", "max_size"}


def test_a_recovery_names_the_failures_the_fix_and_what_did_not_help() -> None:
    steps = [
        Step("bash", "pytest a.py", result=KEY_ERROR),
        Step("edit", "guess", {"file": "b.py"}, OK),
        Step("bash", "pytest a.py", result=KEY_ERROR),
        Step("read", "a.py", {}, OK),
        Step("edit", "use get()", {"file": "a.py"}, OK),
        Step("bash", "pytest a.py", result=OK),
    ]

    assert recoveries(steps) == [
        Recovery("KeyError: user", failures=(0, 2), passed=5, fix=(4,), attempts=(1,)),
    ]


def test_a_retry_that_passes_is_its_own_fix() -> None:
    edit = Step("edit", "first try", {"file": "a.py"}, StepError("SyntaxError: unmatched ')'"))
    steps = [edit, Step("edit", "second try", {"file": "a.py"}, OK)]

    assert recoveries(steps) == [Recovery("SyntaxError: unmatched ')'", (0,), 1, fix=(1,), attempts=(0,))]


def test_an_error_that_stays_has_no_pass_and_no_fix() -> None:
    steps = [Step("bash", "make", result=StepError("error: no rule")), Step("bash", "ls", result=OK)]

    assert recoveries(steps) == [Recovery("error: no rule", (0,), None)]


def test_a_test_run_of_everything_ends_the_errors_of_its_parts() -> None:
    steps = [
        Step("bash", "pytest a.py", result=KEY_ERROR),
        Step("bash", "pytest b.py", result=StepError("TypeError: no")),
        Step("bash", "pytest", result=OK),
    ]

    assert [each.passed for each in recoveries(steps)] == [2, 2]


def test_a_pass_on_another_file_ends_nothing() -> None:
    steps = [Step("bash", "pytest a.py", result=KEY_ERROR), Step("bash", "pytest b.py", result=OK)]

    assert [each.passed for each in recoveries(steps)] == [None]


def missing(module: str) -> StepError:
    return StepError(f"Traceback (most recent call last):\nModuleNotFoundError: No module named '{module}'")


def test_a_chain_of_missing_modules_teaches_one_cure_for_each() -> None:
    steps = [
        Step("bash", "cd /testbed && python tests/runtests.py 2>&1 | tail", result=missing("asgiref")),
        Step("bash", "pip install asgiref", result=OK),
        Step("bash", "python tests/runtests.py", result=missing("pytz")),
        Step("bash", "pip install pytz", result=OK),
        Step("bash", "timeout 60 python tests/runtests.py | head -5", result=OK),
    ]

    assert recoveries(steps) == [
        Recovery("ModuleNotFoundError: No module named 'asgiref'", (0,), 2, fix=(1,)),
        Recovery("ModuleNotFoundError: No module named 'pytz'", (2,), 4, fix=(3,)),
    ]


def test_an_error_that_stands_behind_another_one_is_not_over() -> None:
    both = StepError("E   KeyError: user\nTypeError: no")
    steps = [
        Step("bash", "pytest a.py", result=KEY_ERROR),
        Step("edit", "guess", {"file": "b.py"}, OK),
        Step("bash", "pytest a.py", result=both),
        Step("edit", "use get()", {"file": "a.py"}, OK),
        Step("bash", "pytest a.py", result=StepError("TypeError: no")),
    ]

    assert recoveries(steps) == [
        Recovery("KeyError: user", (0, 2), 4, fix=(3,), attempts=(1,)),
        Recovery("TypeError: no", (2, 4), None, attempts=(3,)),
    ]


@pytest.mark.parametrize(
    ("failing", "passing"),
    [
        ("pytest a.py", "PYTHONPATH=src pytest a.py"),
        ("python t.py", "python3 t.py"),
        ("python t.py", ".venv/bin/python t.py"),
        ("pytest a.py", "uv run pytest a.py"),
        ("make", "cd build && make"),
        ("apt-get install jq", "sudo apt-get install jq"),
    ],
)
def test_the_same_target_started_in_another_way_is_the_cure_itself(failing: str, passing: str) -> None:
    steps = [Step("bash", failing, result=StepError("error: it failed")), Step("bash", passing, result=OK)]

    assert [(each.passed, each.fix) for each in recoveries(steps)] == [(1, (1,))]


def test_a_script_that_ran_in_between_is_the_fix_where_nothing_else_changed() -> None:
    steps = [
        Step("bash", "pytest a.py", result=KEY_ERROR),
        Step("bash", "cat a.py", result=OK),
        Step("bash", "python apply_fix.py", result=OK),
        Step("bash", "pytest a.py", result=OK),
    ]

    assert recoveries(steps) == [Recovery("KeyError: user", (0,), 3, fix=(2,))]
