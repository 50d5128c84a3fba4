"""An outcome is read from what the steps show, and from nothing else."""

import pytest

from memory_mcp.episodes.shown_outcomes import outcome_shown
from memory_mcp.models.episodes import Failure, Outcome, PartialSuccess, Step, StepError, StepSuccess, Success

EDIT = Step("Edit", "src/a.py", {"file": "src/a.py"}, StepSuccess())
PASSED = Step("Bash", "pytest tests/a", result=StepSuccess("1 passed"))
FAILED = Step("Bash", "pytest tests/a", result=StepError("E   ValueError: bad"))
LINT = Step("Bash", "ruff check .", result=StepSuccess())
UNKNOWN = Step("Bash", "pytest tests/a")
LOOKED = Step("Read", "src/a.py", {"file": "src/a.py"}, StepSuccess("text"))
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
            Success("pytest tests/a passed after the last change (step 3); nobody said so.", ("src/a.py",)),
        ),
        ([EDIT, FAILED], Failure(f"pytest tests/a still failed: ValueError: bad. {SAID}")),
        ([FAILED], Failure(f"pytest tests/a still failed: ValueError: bad. {SAID}")),
        (
            [EDIT, FAILED, LINT],
            PartialSuccess(SAID, ("ruff check .",), ("pytest tests/a still failed: ValueError: bad",)),
        ),
        ([EDIT, PASSED, FAILED], Failure(f"pytest tests/a still failed: ValueError: bad. {SAID}")),
    ],
)
def test_the_outcome_is_what_the_steps_show(steps: list[Step], expected: Outcome | None) -> None:
    assert outcome_shown(steps) == expected
