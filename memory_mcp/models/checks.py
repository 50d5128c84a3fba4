"""This module checks what callers hand in against the limits; every message names the number and the way out."""

from collections.abc import Iterable, Sequence
from math import isfinite
from typing import TYPE_CHECKING, TypeVar, get_args

import msgspec

from memory_mcp.errors import InvalidInputError, LimitError
from memory_mcp.models import limits, values
from memory_mcp.models.episodes import Complexity, Context, Episode, EpisodeFilter, Outcome, Step

if TYPE_CHECKING:  # a hook that records a step needs neither
    from memory_mcp.models.conversations import Message
    from memory_mcp.models.notes import Note

replace = msgspec.structs.replace
_Texts = TypeVar("_Texts", bound=msgspec.Struct)


def text(value: str, name: str, longest: int, *, required: bool = False) -> str:
    """Return the text as valid Unicode if it is not blank where required, and not too long."""
    if required and not value.strip():
        raise InvalidInputError(f"{name} is empty; say it in a sentence")
    if len(value) > longest:
        raise LimitError(f"{name} has {len(value)} characters and may have {longest}; shorten it")
    return values.mended(value)


def identity(value: str, name: str) -> str:
    """Return the id of an imported record, after checking that commands and answers can show it."""
    if not value or len(value) > limits.ID_CHARACTERS or not value.isprintable():
        raise InvalidInputError(f"{name} '{value[:40]}' must have 1 to {limits.ID_CHARACTERS} printable characters")
    return value


def tags(given: Iterable[str]) -> tuple[str, ...]:
    """Return the tags stripped, sorted, each once."""
    cleaned = sorted({text(value.strip(), "a tag", limits.TAG_CHARACTERS, required=True) for value in given})
    if len(cleaned) > limits.TAGS:
        raise LimitError(f"{len(cleaned)} tags given and {limits.TAGS} are allowed; keep the telling ones")
    return tuple(cleaned)


def context(value: Context) -> Context:
    """Return the context with its names checked and its tags in order."""
    if value.complexity is not None and value.complexity not in get_args(Complexity):
        raise InvalidInputError(f"complexity '{value.complexity}' is none of {', '.join(get_args(Complexity))}")
    names = {
        name: text(getattr(value, name), name, limits.NAME_CHARACTERS) for name in ("domain", "language", "framework")
    }
    return replace(value, **names, tags=tags(value.tags))


def narrowing(chosen: EpisodeFilter) -> EpisodeFilter:
    """Return the filter of a listing or a search, after checking its number of tags."""
    return replace(chosen, tags=tags(chosen.tags)) if chosen.tags else chosen


def steps(given: Sequence[Step]) -> list[Step]:
    """Return the steps with their texts mended.

    Raises:
        InvalidInputError: one has no tool or action, or holds a value that could not be read back.
        LimitError: a payload exceeds a limit.

    """
    return [_step(step, number) for number, step in enumerate(given, 1)]


def _step(step: Step, number: int) -> Step:
    of = f"of step {number}"
    made = replace(
        step,
        tool=text(step.tool, f"tool {of}", limits.NAME_CHARACTERS, required=True),
        action=text(step.action, f"action {of}", limits.TASK_CHARACTERS, required=True),
        parameters=values.checked(step.parameters, f"parameters {of}") if step.parameters else {},
        result=step.result and _mended_texts(step.result),
        latency_ms=None if step.latency_ms is None else _duration(step.latency_ms, f"latency_ms {of}"),
        recorded_at=moment(step.recorded_at, f"recorded_at {of}"),
    )
    for part, payload in (("parameters", made.parameters), ("result", made.result)):
        size = len(msgspec.json.encode(payload))
        if size > limits.PAYLOAD_BYTES:
            raise LimitError(
                f"{part} {of} has {size} bytes and may have {limits.PAYLOAD_BYTES}; record its telling part"
            )
    return made


def outcome(given: Outcome) -> Outcome:
    """Return the outcome with its texts mended, after checking their lengths."""
    for name in given.__struct_fields__:
        value = getattr(given, name)
        for part in (value,) if isinstance(value, str) else value:
            text(part, name, limits.TASK_CHARACTERS)
    return _mended_texts(given)


def messages(given: "Sequence[Message]") -> "list[Message]":
    """Return the messages with their texts mended, if there are any."""
    if not given:
        raise InvalidInputError("no messages given; hand in at least one")
    return [
        replace(
            message,
            role=text(message.role, f"role of message {number}", limits.NAME_CHARACTERS, required=True),
            text=text(message.text, f"text of message {number}", limits.MESSAGE_CHARACTERS, required=True),
            at=moment(message.at, f"time of message {number}"),
        )
        for number, message in enumerate(given, 1)
    ]


def episode(given: Episode) -> Episode:
    """Return an episode that was made elsewhere, checked in all its parts.

    Raises:
        InvalidInputError: a part of it cannot be kept.

    """
    return replace(
        given,
        task=text(given.task, "the task", limits.TASK_CHARACTERS, required=True),
        task_type=text(given.task_type, "task_type", limits.NAME_CHARACTERS),
        context=context(given.context),
        started_at=moment(given.started_at, "started_at"),
        updated_at=moment(given.updated_at, "updated_at"),
        completed_at=None if given.completed_at is None else moment(given.completed_at, "completed_at"),
        steps=tuple(steps(given.steps)),
        outcome=given.outcome and outcome(given.outcome),
    )


def note(given: "Note") -> "Note":
    """Return a note that was made elsewhere, checked in all its parts.

    Raises:
        InvalidInputError: a part of it cannot be kept.

    """
    return replace(
        given,
        text=text(given.text, "the note", limits.NOTE_CHARACTERS, required=True),
        tags=tags(given.tags),
        importance=importance(given.importance),
        created_at=moment(given.created_at, "created_at"),
        source=text(given.source, "source", limits.NAME_CHARACTERS),
        valid_until=None if given.valid_until is None else moment(given.valid_until, "valid_until"),
    )


def moment(value: int, name: str) -> int:
    """Refuse a time beyond the calendar."""
    if not 0 <= value <= limits.LATEST_MOMENT:
        raise InvalidInputError(f"{name} is {value} and must lie within the years 1970 to 9999")
    return value


def within(value: int, name: str, least: int, greatest: int) -> int:
    """Refuse a number that is out of bounds."""
    if not least <= value <= greatest:
        raise InvalidInputError(f"{name} is {value} and must lie within {least} and {greatest}")
    return value


def measure(value: float, name: str) -> float:
    """Refuse an impossible reward, share or median."""
    if not 0 <= value <= limits.GREATEST_MEASURE:
        raise InvalidInputError(f"{name} is {value:g} and must lie within 0 and {limits.GREATEST_MEASURE:g}")
    return value


def importance(value: float) -> float:
    """Refuse an importance outside 0 to 1."""
    if not 0 <= value <= 1:
        raise InvalidInputError(f"importance is {value:g} and must lie within 0 and 1")
    return float(value)


def page_size(limit: int) -> int:
    """Refuse a page of no rows or too many."""
    if not 1 <= limit <= limits.PAGE_ROWS:
        raise InvalidInputError(f"limit is {limit} and must lie within 1 and {limits.PAGE_ROWS}")
    return limit


def _duration(value: float, name: str) -> float:
    if not isfinite(value) or value < 0:
        raise InvalidInputError(f"{name} is {value:g} and must be a finite number of at least 0")
    return float(value)


def _mended_texts(given: _Texts) -> _Texts:
    return replace(
        given,
        **{
            name: values.mended(value) if isinstance(value, str) else tuple(map(values.mended, value))
            for name in given.__struct_fields__
            if (value := getattr(given, name))
        },
    )
