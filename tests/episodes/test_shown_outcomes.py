"""An outcome is read from what the steps show, and from nothing else."""

import pytest

from memory_mcp.episodes.shown_outcomes import outcome_shown, weighed
from memory_mcp.models.episodes import Failure, Outcome, PartialSuccess, Step, StepError, StepSuccess, Success

EDIT = Step("Edit", "src/a.py", {"file": "src/a.py"}, StepSuccess())
PASSED = Step("Bash", "pytest tests/a", result=StepSuccess("1 passed"))
FAILED = Step("Bash", "pytest tests/a", result=StepError("E   ValueError: bad"))
LINT = Step("Bash", "ruff check .", result=StepSuccess())
OWN_GREEN = Step("Bash", "python test_fix.py", result=StepSuccess("✓ a\nAll tests passed!"))
OWN_RED = Step("Bash", "./run_tests.sh", result=StepError("✗ a"))
OTHER = Step("Bash", "pytest tests/b", result=StepSuccess("2 passed"))
EMPTY = Step("Bash", "pytest tests/b", result=StepSuccess())
NO_TESTS = Step("Bash", "pytest tests/b", result=StepSuccess("==== no tests ran in 0.01s ===="))
PIPED = Step("Bash", "pytest tests/a | tail -3", result=StepSuccess("1 failed in 0.1s"))
SCRATCH = Step("Write", "reproduce.py", {"file": "reproduce.py"}, StepSuccess())
STASHED = Step("Bash", "git stash && pytest tests/a; git stash pop", result=StepSuccess("1 failed in 0.1s"))
CLEARED = Step("Bash", "rm reproduce.py", result=StepSuccess())
UNKNOWN = Step("Bash", "pytest tests/a")
LOOKED = Step("Read", "src/a.py", {"file": "src/a.py"}, StepSuccess("text"))
LAST = "The last test run (step {}, pytest tests/a) failed: ValueError: bad"
SAID = "As the recorded steps show; nobody said so."


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([], None),
        ([LOOKED], None),
        ([EDIT], None),
        ([PASSED], None),  # nothing was changed: a test that passes shows no task done
        ([PASSED, EDIT], None),  # nothing was checked since
        ([EDIT, UNKNOWN], None),
        (
            [FAILED, EDIT, PASSED],
            Success(
                "pytest tests/a passed after the last change (step 3); nobody said so.", ("src/a.py",), evidence="shown"
            ),
        ),
        ([EDIT, FAILED], Failure(f"pytest tests/a still failed: ValueError: bad. {SAID}", evidence="shown")),
        ([FAILED], Failure(f"pytest tests/a still failed: ValueError: bad. {SAID}", evidence="shown")),
        (
            [EDIT, FAILED, OTHER],
            PartialSuccess(
                SAID, ("pytest tests/b",), ("pytest tests/a still failed: ValueError: bad",), evidence="shown"
            ),
        ),
        ([EDIT, LINT], None),  # a linter proves no task
        ([EDIT, OWN_GREEN], None),  # what an agent wrote to judge its own work
        ([EDIT, OWN_RED], None),
        ([EDIT, FAILED, OWN_GREEN], Failure(f"pytest tests/a still failed: ValueError: bad. {SAID}", evidence="shown")),
        ([EDIT, EMPTY], None),  # the exit code of a test is not what it said
        ([EDIT, NO_TESTS], None),
        ([EDIT, PIPED], Failure(f"pytest tests/a | tail -3 still failed: 1 failed in 0.1s. {SAID}", evidence="shown")),
        (
            [EDIT, PASSED, CLEARED],
            Success("pytest tests/a passed after the last change (step 2); nobody said so.", ("src/a.py",), "shown"),
        ),
        (
            [EDIT, PASSED, SCRATCH, CLEARED],
            Success("pytest tests/a passed after the last change (step 2); nobody said so.", ("src/a.py",), "shown"),
        ),
        ([EDIT, STASHED], None),
        ([EDIT, Step("Bash", "git stash", result=StepSuccess("Saved")), FAILED], None),
        ([EDIT, PASSED, Step("Bash", "git stash pop", result=StepSuccess("Dropped"))], None),
        ([EDIT, PASSED, FAILED], Failure(f"pytest tests/a still failed: ValueError: bad. {SAID}", evidence="shown")),
    ],
)
def test_the_outcome_is_what_the_steps_show(steps: list[Step], expected: Outcome | None) -> None:
    assert outcome_shown(steps) == expected


@pytest.mark.parametrize(
    ("steps", "claim", "evidence", "doubt"),
    [
        ([EDIT, PASSED], Success("done"), "shown", ""),
        ([EDIT], Success("done"), "claimed", ""),
        ([PASSED, EDIT], Success("done"), "claimed", ""),
        ([EDIT, FAILED], Success("done"), "claimed", LAST.format(2)),
        ([FAILED, EDIT], Success("done"), "claimed", LAST.format(1)),
        ([EDIT, FAILED], Success("", (), "user"), "user", LAST.format(2)),
        ([EDIT, PASSED], PartialSuccess(completed=("a",)), "claimed", ""),
        ([EDIT, FAILED], Failure("no"), "shown", None),
        ([EDIT, PASSED], Failure("no"), "claimed", None),
    ],
)  # fmt: skip
def test_a_claim_is_weighed_by_the_last_tests(
    steps: list[Step], claim: Outcome, evidence: str, doubt: str | None
) -> None:
    made = weighed(claim, steps)

    assert made.evidence == evidence
    assert getattr(made, "doubt", None) == doubt
    assert weighed(made, steps) == made
