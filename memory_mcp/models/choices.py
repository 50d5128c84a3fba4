"""This module names the values that may stand where another was given."""

from collections.abc import Iterator
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec

from memory_mcp.expressions import expression

_NOT_ONE_OF = "Invalid enum value "
_STEP = expression(r"\.(\w+)|\[[^\]]*\]")


def complaint(error: msgspec.MsgspecError, wanted: Any) -> str:
    """Return what msgspec says of a value that does not fit a type, with the values that do where it names but one."""
    reason, at, place = str(error).partition(" - at `$")
    if not reason.startswith(_NOT_ONE_OF):
        return str(error)
    types = [wanted]
    for step in _STEP.finditer(place):
        types = [inner for each in types for inner in _inside(each, step[1])]
    allowed = dict.fromkeys(repr(value) for each in types for value in _values(each))
    return f"{reason} (allowed: {', '.join(allowed)}){at}{place}" if allowed else str(error)


def _values(wanted: Any) -> Iterator[str]:
    """Yield the texts that a type names; those of a tuple's or a list's members are not its own."""
    for member in _members(wanted):
        if get_origin(member) is Literal:
            yield from (value for value in get_args(member) if isinstance(value, str))


def _inside(wanted: Any, name: str | None) -> Iterator[Any]:
    """Yield the types of a field of a struct; without a name those of what a collection holds."""
    for member in _members(wanted):
        if name is None:
            yield from get_args(member)
        elif isinstance(member, type) and issubclass(member, msgspec.Struct):
            yield from (field.type for field in msgspec.structs.fields(member) if field.encode_name == name)


def _members(wanted: Any) -> Iterator[Any]:
    """Yield the alternatives that a type is made of."""
    if get_origin(wanted) in (Union, UnionType):
        for each in get_args(wanted):
            yield from _members(each)
    elif get_origin(wanted) is Annotated:
        yield from _members(get_args(wanted)[0])
    else:
        yield wanted
