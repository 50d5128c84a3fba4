"""This module makes small JSON schemas from argument structs, and arguments from what a client sent."""

from collections.abc import Iterator
from typing import Any, TypeVar

import msgspec

from memory_mcp.errors import InvalidInputError
from memory_mcp.models import values
from memory_mcp.server.arguments import Arguments

_DROPPED = {"title", "default"}
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
    known = arguments.__struct_fields__
    unknown = sorted(present.keys() - set(known))
    try:
        if not unknown:
            return msgspec.convert(present, arguments, strict=False)
    except msgspec.ValidationError:
        pass  # which arguments do not fit is found out below, since this names the first alone
    complaints = list(_complaints(arguments, present))
    if unknown:
        complaints.append(f"unknown argument {', '.join(unknown)}; known are {', '.join(known) or 'none'}")
    raise InvalidInputError("; ".join(complaints))


def _complaints(arguments: type[Arguments], present: dict[str, Any]) -> Iterator[str]:
    """Say what is wrong with each argument by itself."""
    fields = msgspec.structs.fields(arguments)
    missing = [f"`{field.name}`" for field in fields if field.required and field.name not in present]
    if missing:
        yield f"missing required field{'s' if len(missing) > 1 else ''} {', '.join(missing)}"
    for field in fields:
        if field.name not in present:
            continue
        try:
            msgspec.convert(present[field.name], field.type, strict=False)
        except msgspec.ValidationError as error:
            reason, _, place = str(error).partition(" - at `$")
            yield f"{reason} - at `{field.name}{place.removesuffix('`')}`"


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
