"""This module builds outcomes and step results from the flat values that tools and commands take."""

from collections.abc import Sequence

from msgspec.structs import replace

from memory_mcp.errors import InvalidInputError
from memory_mcp.models.episodes import (
    Abstained,
    Failure,
    Outcome,
    OutcomeType,
    PartialSuccess,
    StepError,
    StepResult,
    StepSuccess,
    StepTimeout,
    Success,
)

_TAKEN: dict[OutcomeType, tuple[str, ...]] = {
    "success": ("verdict", "artifacts"),
    "partial_success": ("verdict", "artifacts", "completed", "failed"),
    "failure": ("verdict", "artifacts", "reason"),
    "abstained": ("verdict", "reason"),
}


def outcome_of(
    kind: OutcomeType,
    *,
    verdict: str = "",
    reason: str = "",
    artifacts: Sequence[str] = (),
    completed: Sequence[str] = (),
    failed: Sequence[str] = (),
    confirmed: bool = False,
) -> Outcome:
    """Build the outcome of a kind, which is a claim unless the user has confirmed it.

    Raises:
        InvalidInputError: a value is given that this kind of outcome does not keep.

    """
    given = {"verdict": verdict, "reason": reason, "artifacts": artifacts, "completed": completed, "failed": failed}
    lost = [name for name, value in given.items() if value and name not in _TAKEN[kind]]
    if lost:
        raise InvalidInputError(
            f"{', '.join(lost)} is not kept for outcome {kind}, which takes {', '.join(_TAKEN[kind])}"
        )
    made: dict[OutcomeType, Outcome] = {
        "success": Success(verdict, tuple(artifacts)),
        "partial_success": PartialSuccess(verdict, tuple(completed), tuple(failed), tuple(artifacts)),
        "failure": Failure(reason, verdict, tuple(artifacts)),
        "abstained": Abstained(reason, verdict),
    }
    return replace(made[kind], evidence="user") if confirmed else made[kind]


def named(outcome: str, evidence: str | None) -> str:
    """Return an outcome as people read it: a claim is called one."""
    return f"{outcome} (claimed)" if evidence == "claimed" else outcome


def result_of(kind: str, text: str) -> StepResult:
    """Build a step's result of kind success, error or timeout."""
    made: dict[str, type[StepSuccess | StepError | StepTimeout]] = {
        "success": StepSuccess,
        "error": StepError,
        "timeout": StepTimeout,
    }
    return made[kind](text)
