"""This module decides whether something recommended was acted on afterwards; pure functions."""

from collections.abc import Collection, Sequence

from memory_mcp.actions.commands import parse_command
from memory_mcp.actions.steps import Action, action_of
from memory_mcp.models.episodes import Episode, Step
from memory_mcp.models.patterns import ContextPattern, ErrorRecovery, Fix, Pattern
from memory_mcp.models.recommendations import Features


def features_of(record: Pattern | Episode) -> Features:
    """Return by what its use would show."""
    if isinstance(record, Episode):
        actions = [action_of(step) for step in record.steps]
        return Features(
            shapes=tuple(dict.fromkeys(action.shape for action in actions if _marks(action))),
            files=tuple(dict.fromkeys(file for action in actions if action.changes for file in action.files)),
        )
    match record.definition:
        case ContextPattern(file):
            return Features(files=(file,))
        case ErrorRecovery():
            fixes = [each.detail for each in record.evidence if isinstance(each.detail, Fix)]
            return Features(
                shapes=tuple(dict.fromkeys(parse_command(line).shape for each in fixes for line in each.fix)),
                files=tuple(dict.fromkeys(file for each in fixes for file in each.files)),
            )
    return Features()


def acted_on(features: Features, later: Sequence[Step]) -> bool:
    """Say whether steps taken afterwards show it: a change of the same file, or without files the same command.

    What changed a file is followed by changing it: another file, or the same test, shows nothing.
    """
    actions = [action_of(step) for step in later]
    if features.files:
        changed = {file for action in actions if action.changes for file in action.files}
        return any(_is_same(file, changed) for file in features.files)
    return bool({action.shape for action in actions if _marks(action)} & set(features.shapes))


def _is_same(file: str, changed: Collection[str]) -> bool:
    """Whether a file is among the changed ones, which may be named from the root of the disk."""
    return any(each == file or each.endswith(f"/{file}") or file.endswith(f"/{each}") for each in changed)


def _marks(action: Action) -> bool:
    """Whether a shape is telling enough to show that advice was followed: a bare `pytest` or `ls` is not."""
    return action.kind not in {"read", "search", "edit", "other"} and action.shape != action.token
