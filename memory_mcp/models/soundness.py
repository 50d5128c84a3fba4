"""This module checks what another memory wrote: the lines of an export, the steps of a handoff."""

from collections.abc import Sequence

import msgspec
from msgspec import Struct

from memory_mcp.models import checks, limits, values
from memory_mcp.models.archive import DecisionLine, EpisodeLine, Line, NoteLine
from memory_mcp.models.episodes import Step

replace = msgspec.structs.replace
_MOMENTS = {
    *("exported_at", "started_at", "updated_at", "completed_at", "recorded_at", "created_at", "valid_until"),
    *("at", "made_at", "first_seen", "retired_at", "taken_at", "said_at"),
}
_BOUNDS = {"share": (0, 1_000), "shares": (0, 1_000), "acted": (0, 1), "rating": (1, 5)}
_TOLD = frozenset(("task", "tool", "action", "role"))  # texts that lists show


def sound(line: Line) -> Line:
    """Return a line after checking that each part can be stored, found, shown and exported again.

    Lengths are not checked: redaction may have made a text longer than the limit.

    Raises:
        InvalidInputError: a number, a time, an id or a blank text in it cannot be kept.

    """
    if isinstance(line, EpisodeLine):
        checks.identity(line.episode.id, "the episode's id")
        line = replace(line, episode=replace(line.episode, steps=tamed(line.episode.steps)))
    if isinstance(line, NoteLine):
        checks.identity(line.note.id, "the note's id")
        checks.importance(line.note.importance)
    if isinstance(line, DecisionLine):
        checks.identity(line.decision.id, "the decision's id")
        checks.text(line.decision.text, "the decision", len(line.decision.text), required=True)
    _check_parts(line, "line")
    return line


def _check_parts(value: object, name: str) -> None:
    """Check the parts of a value, each by the name of its field."""
    if isinstance(value, Struct):
        for field in value.__struct_fields__:
            _check_parts(getattr(value, field), field)
    elif isinstance(value, tuple):
        for part in value:
            _check_parts(part, name)
    elif isinstance(value, dict) and name != "parameters":
        for part in value.values():
            _check_parts(part, name)
    else:
        _check_single(value, name)


def _check_single(value: object, name: str) -> None:
    if isinstance(value, int) and name in _MOMENTS:
        checks.moment(value, name)
    elif isinstance(value, int):
        checks.within(value, name, *_BOUNDS.get(name, (-limits.GREATEST_COUNT, limits.GREATEST_COUNT)))
    elif isinstance(value, float) and name != "latency_ms":
        checks.measure(value, name)
    elif isinstance(value, str) and name in _TOLD:
        checks.text(value, name, len(value), required=True)


def tamed(steps: Sequence[Step]) -> tuple[Step, ...]:
    """Return steps with tamed parameters: an earlier version accepted any number and any depth."""
    return tuple(replace(step, parameters=values.tamed(step.parameters)) for step in steps)
