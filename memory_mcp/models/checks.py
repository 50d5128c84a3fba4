"""This module checks what callers hand in against the limits; every message names the number and the way out."""

from collections.abc import Iterable, Sequence
from typing import get_args

import msgspec

from memory_mcp.errors import InvalidInputError, LimitError
from memory_mcp.models import limits
from memory_mcp.models.episodes import Complexity, Context, Step


def text(value: str, name: str, longest: int, *, required: bool = False) -> str:
    """Return the text if it is valid Unicode, not blank where required, and not too long."""
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise InvalidInputError(f"{name} is not valid Unicode at character {error.start}; send it as UTF-8") from error
    if required and not value.strip():
        raise InvalidInputError(f"{name} is empty; say it in a sentence")
    if len(value) > longest:
        raise LimitError(f"{name} has {len(value)} characters and may have {longest}; shorten it")
    return value


def tags(values: Iterable[str]) -> tuple[str, ...]:
    """Return the tags stripped, sorted, each once."""
    cleaned = sorted({text(value.strip(), "a tag", limits.TAG_CHARACTERS, required=True) for value in values})
    if len(cleaned) > limits.TAGS:
        raise LimitError(f"{len(cleaned)} tags given and {limits.TAGS} are allowed; keep the telling ones")
    return tuple(cleaned)


def context(value: Context) -> Context:
    """Return the context with its names checked and its tags in order."""
    if value.complexity is not None and value.complexity not in get_args(Complexity):
        raise InvalidInputError(f"complexity '{value.complexity}' is none of {', '.join(get_args(Complexity))}")
    for name in ("domain", "language", "framework"):
        text(getattr(value, name), name, limits.NAME_CHARACTERS)
    return msgspec.structs.replace(value, tags=tags(value.tags))


def steps(values: Sequence[Step]) -> None:
    """Refuse steps without a tool or action, or with a payload beyond the limit."""
    for number, step in enumerate(values, 1):
        text(step.tool, f"tool of step {number}", limits.NAME_CHARACTERS, required=True)
        text(step.action, f"action of step {number}", limits.TASK_CHARACTERS, required=True)
        for part, payload in (("parameters", step.parameters), ("result", step.result)):
            try:
                size = len(msgspec.json.encode(payload))
            except UnicodeEncodeError as error:
                raise InvalidInputError(f"{part} of step {number} is not valid Unicode; send it as UTF-8") from error
            if size > limits.PAYLOAD_BYTES:
                raise LimitError(
                    f"{part} of step {number} has {size} bytes and may have {limits.PAYLOAD_BYTES}; "
                    "record its telling part"
                )


def page_size(limit: int) -> int:
    """Refuse a page of no rows or too many."""
    if not 1 <= limit <= limits.PAGE_ROWS:
        raise InvalidInputError(f"limit is {limit} and must lie within 1 and {limits.PAGE_ROWS}")
    return limit
