"""This module decides whether something recommended was acted on afterwards; pure functions."""

from collections.abc import Sequence

from memory_mcp.actions.commands import parse_command
from memory_mcp.actions.steps import Action, action_of, identifiers_of
from memory_mcp.models.episodes import Episode, Step
from memory_mcp.models.patterns import (
    ContextPattern,
    DecisionPoint,
    ErrorRecovery,
    Fix,
    Pattern,
    ToolSequence,
)
from memory_mcp.models.recommendations import Features
from memory_mcp.patterns.tool_sequences import distinct, place_of

_LEAST_IDENTIFIERS = 2  # one name in common may be chance


def features_of(record: Pattern | Episode) -> Features:
    """Return by what its use would show."""
    if isinstance(record, Episode):
        actions = [action_of(step) for step in record.steps]
        return Features(
            shapes=tuple(dict.fromkeys(action.shape for action in actions if _marks(action))),
            files=tuple(dict.fromkeys(file for action in actions if action.changes for file in action.files)),
            identifiers=tuple(sorted(set().union(*(identifiers_of(step) for step in record.steps)))),
        )
    match record.definition:
        case ToolSequence(tokens):
            return Features(tokens=tokens)
        case DecisionPoint(check):
            return Features(tokens=(check,))
        case ContextPattern(file):
            return Features(files=(file,))
        case ErrorRecovery():
            fixes = [each.detail for each in record.evidence if isinstance(each.detail, Fix)]
            return Features(
                shapes=tuple(dict.fromkeys(parse_command(line).shape for each in fixes for line in each.fix)),
                files=tuple(dict.fromkeys(file for each in fixes for file in each.files)),
            )


def acted_on(features: Features, later: Sequence[Step]) -> bool:
    """Say whether steps taken afterwards show it: the same run, command shape, changed file or identifiers."""
    actions = [action_of(step) for step in later]
    if features.tokens:
        return place_of(features.tokens, distinct(actions)) is not None
    if {action.shape for action in actions if _marks(action)} & set(features.shapes):
        return True
    if {file for action in actions if action.changes for file in action.files} & set(features.files):
        return True
    names = set().union(*(identifiers_of(step) for step in later))
    return len(names & set(features.identifiers)) >= _LEAST_IDENTIFIERS


def _marks(action: Action) -> bool:
    """Whether a shape is telling enough to show that advice was followed: a bare `pytest` or `ls` is not."""
    return action.kind not in {"read", "search", "edit", "other"} and action.shape != action.token
