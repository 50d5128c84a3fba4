"""This module makes small JSON schemas from argument structs, and arguments from what a client sent."""

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
        InvalidInputError: a name is unknown or missing, or a value does not fit; the sentence names it.

    """
    present = {name: value for name, value in values.mended_all(given or {}).items() if value is not None}
    known = arguments.__struct_fields__
    if unknown := sorted(present.keys() - set(known)):
        raise InvalidInputError(f"unknown argument {', '.join(unknown)}; known are {', '.join(known) or 'none'}")
    try:
        return msgspec.convert(present, arguments, strict=False)
    except msgspec.ValidationError as error:
        raise InvalidInputError(str(error).replace("`$.", "`").replace(" - at `$`", "")) from error


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
