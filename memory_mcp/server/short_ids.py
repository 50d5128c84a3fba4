"""This module lets tools take short ids and answer with them."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

import msgspec

from memory_mcp.errors import InvalidInputError, StoreError
from memory_mcp.server.arguments import Arguments
from memory_mcp.storage.short_ids import ShortIds

_SUFFIXES = ("_id", "_ids")
_REFERENCES = {"supersedes"}
_ANSWERED = {
    "id",
    "from",
    "to",
    "follows",
    "duplicate_of",
    "superseded_by",
    "replaced_by",
    "contradicts",
    "from_episodes",
    "patterns",
    "deleted",
}
_STORED = {"parameters", "result"}  # what agents recorded stays as they wrote it
_Given = TypeVar("_Given", bound=Arguments)


def with_full_ids(given: _Given, ids: ShortIds) -> _Given:
    """Return arguments with whole ids in the place of short ones.

    Raises:
        InvalidInputError: short ids are those of several records, or too short; the sentence names all of them.

    """
    found: dict[str, Any] = {}
    refused: list[str] = []
    fields, defaults = given.__struct_fields__, given.__struct_defaults__
    absent = dict(zip(fields[len(fields) - len(defaults) :], defaults, strict=True))
    for name in fields:
        value = getattr(given, name)
        if not (name.endswith(_SUFFIXES) or name in _REFERENCES) or value == absent.get(name):
            continue
        try:
            if isinstance(value, str):
                found[name] = ids.full(value.strip())
            elif isinstance(value, tuple):
                found[name] = tuple(ids.full(each.strip()) for each in value)
        except InvalidInputError as error:
            refused.append(f"{error} - at `{name}`")
    if refused:
        raise InvalidInputError("; ".join(refused))
    return msgspec.structs.replace(given, **found) if found else given


def as_given(given: Arguments, whole: Arguments) -> dict[str, str]:
    """Map whole ids of arguments to what was given, for the answer about a record that is erased by then."""
    pairs = ((getattr(whole, name), getattr(given, name)) for name in given.__struct_fields__)
    return {after: before for after, before in pairs if isinstance(after, str) and after != before}


def with_short_ids(answer: dict[str, Any], ids: ShortIds, given: dict[str, str]) -> dict[str, Any]:
    """Return an answer with short ids in the place of whole ones; a store that cannot be read leaves them whole."""
    short = given | shown_ids(ids_in(answer), ids)
    shown: dict[str, Any] = _replaced(answer, short) if short else answer
    return shown


def shown_ids(asked: Iterable[str], ids: ShortIds) -> dict[str, str]:
    """Map whole ids to short ones, or none in a store that cannot be read: what was done is done, and is answered."""
    try:
        return ids.shorten(asked)
    except StoreError:
        return {}


def ids_in(value: Any) -> Iterator[str]:
    """Yield the ids of the records that an answer shows."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if _names_ids(name):
                yield from _texts_of(inner)
            if name not in _STORED:
                yield from ids_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from ids_in(inner)


def _texts_of(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        yield from (each for each in value if isinstance(each, str))


def _replaced(value: Any, short: dict[str, str]) -> Any:
    def shown(text: Any) -> Any:
        return short.get(text, text) if isinstance(text, str) else _replaced(text, short)

    if isinstance(value, dict):
        return {name: _member(name, inner, shown, short) for name, inner in value.items()}
    return [_replaced(each, short) for each in value] if isinstance(value, list) else value


def _member(name: str, value: Any, shown: Callable[[Any], Any], short: dict[str, str]) -> Any:
    if name in _STORED:
        return value
    if not _names_ids(name):
        return _replaced(value, short)
    return [shown(each) for each in value] if isinstance(value, list) else shown(value)


def _names_ids(name: str) -> bool:
    return name.endswith(_SUFFIXES) or name in _ANSWERED
