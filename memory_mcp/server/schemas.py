"""This module makes small JSON schemas from argument structs, and arguments from what a client sent."""

from collections.abc import Iterator
from functools import cache
from typing import Any, TypeVar, get_args

import msgspec

from memory_mcp.errors import InvalidInputError
from memory_mcp.models import limits, values
from memory_mcp.models.choices import complaint
from memory_mcp.models.moments import parse_moment
from memory_mcp.server.arguments import Arguments, Time

_DROPPED = {"title", "default"}
_MOST_NAMED = 40  # complaints about one call
_Given = TypeVar("_Given", bound=Arguments)


def input_schema(arguments: type[Arguments]) -> dict[str, Any]:
    """Return a schema with every definition in its place; optional means absent, so null is not listed."""
    (schema,), definitions = msgspec.json.schema_components([arguments], ref_template="{name}")
    built: dict[str, Any] = _inlined(schema, definitions)
    return {name: value for name, value in built.items() if name != "description" and value != []}


def parse(arguments: type[_Given], given: dict[str, Any] | None) -> _Given:
    """Convert what a client sent; null counts as absent.

    Raises:
        InvalidInputError: names are unknown or missing, or values do not fit; the sentence names all of them.

    """
    present = {name: value for name, value in values.mended_all(given or {}).items() if value is not None}
    complaints: list[str] = []
    try:
        parsed = msgspec.convert(present, arguments, strict=False)
    except msgspec.ValidationError:  # it names the first alone
        complaints = list(_complaints(arguments, present))
    else:
        complaints = list(_wrong_times(arguments, present))
    if complaints:
        left = len(complaints) - _MOST_NAMED
        raise InvalidInputError("; ".join([*complaints[:_MOST_NAMED], *([f"and {left} more"] if left > 0 else [])]))
    return parsed


_fields = cache(msgspec.structs.fields)  # which looks at every annotation anew: a sixth of a short call


def _complaints(arguments: type[Arguments], present: dict[str, Any], where: str = "") -> Iterator[str]:
    """Say what is wrong with each argument by itself; `where` is the place of arguments within others."""
    fields = _fields(arguments)
    at = f" - at `{where}`" if where else ""
    missing = [f"`{field.name}`" for field in fields if field.required and field.name not in present]
    if missing:
        yield f"missing required field{'s' if len(missing) > 1 else ''} {', '.join(missing)}{at}"
    for field in fields:
        if field.name in present:
            yield from _unfit(field.type, present[field.name], f"{where}.{field.name}" if where else field.name)
    yield from _wrong_times(arguments, present, where)
    known = arguments.__struct_fields__
    if unknown := sorted(present.keys() - set(known)):
        yield f"unknown argument {', '.join(unknown)}{at}; known are {', '.join(known) or 'none'}"


def _unfit(wanted: Any, value: Any, where: str) -> Iterator[str]:
    """Say why a value is not of a type; of arguments within it, why each is not."""
    try:
        msgspec.convert(value, wanted, strict=False)
    except msgspec.ValidationError as error:
        inner = _inner(wanted)
        if inner and isinstance(value, dict):
            yield from _complaints(inner, value, where)
        elif inner and isinstance(value, list):
            for place, each in enumerate(value):
                yield from _unfit(inner, each, f"{where}[{place}]")
        else:
            reason, _, place_in = complaint(error, wanted).partition(" - at `$")
            yield f"{reason} - at `{where}{place_in.removesuffix('`')}`"


def _inner(wanted: Any) -> type[Arguments] | None:
    """Return the arguments that a type is made of, be it several or none of them."""
    if isinstance(wanted, type) and issubclass(wanted, Arguments):
        return wanted
    return next((found for each in get_args(wanted) if (found := _inner(each))), None)


def _wrong_times(arguments: type[Arguments], present: dict[str, Any], where: str = "") -> Iterator[str]:
    """Say which times cannot be read; an age is as good as any other, whenever it is read."""
    for field in _fields(arguments):
        value = present.get(field.name)
        if Time in (field.type, *get_args(field.type)) and isinstance(value, str) and value:
            try:
                parse_moment(value, now=limits.LATEST_MOMENT)
            except InvalidInputError as error:
                yield f"{error} - at `{where}{'.' if where else ''}{field.name}`"


def _inlined(node: Any, definitions: dict[str, Any]) -> Any:
    if isinstance(node, list):
        return [_inlined(item, definitions) for item in node]
    if not isinstance(node, dict):
        return node
    said = {name: node[name] for name in ("description",) if name in node}
    if "$ref" in node:
        found = _inlined(definitions[node["$ref"]], definitions)
        return {name: value for name, value in found.items() if name != "description"}
    if "anyOf" in node:
        (kept,) = (part for part in node["anyOf"] if part != {"type": "null"})
        return _inlined({**kept, **said}, definitions)
    if "enum" in node:
        return {"type": "string", "enum": [value for value in node["enum"] if value is not None], **said}
    built = {name: _inlined(value, definitions) for name, value in node.items() if name not in _DROPPED}
    if "properties" in node:
        built["properties"] = {name: _inlined(value, definitions) for name, value in node["properties"].items()}
    return built
