"""The product's server plus the fixture tools, resources and prompts that the official conformance suite calls."""

import os
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

import msgspec

from memory_mcp.memory import Memory
from memory_mcp.server.app import run
from memory_mcp.server.desk import Desk
from memory_mcp.server.methods import Call, Method, Result, methods_of

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg=="
WAV = "UklGRiQAAABXQVZFZm10IBAAAAABAAEARKwAAIhYAQACABAAZGF0YQAAAAA="
SCHEMA_2020_12: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "$defs": {
        "address": {
            "$anchor": "addressDef",
            "type": "object",
            "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
        }
    },
    "properties": {
        "name": {"type": "string"},
        "address": {"$ref": "#/$defs/address"},
        "contactMethod": {"type": "string", "enum": ["phone", "email"]},
        "phone": {"type": "string"},
        "email": {"type": "string"},
    },
    "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
    "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
    "then": {"required": ["phone"]},
    "else": {"required": ["email"]},
    "additionalProperties": False,
}


Content = dict[str, Any]


def text(words: str) -> Content:
    return {"type": "text", "text": words}


def embedded(uri: str, mime_type: str, words: str) -> Content:
    return {"type": "resource", "resource": {"uri": uri, "mimeType": mime_type, "text": words}}


IMAGE: Content = {"type": "image", "data": PNG, "mimeType": "image/png"}
TOOLS: dict[str, list[Content]] = {
    "test_simple_text": [text("This is a simple text response for testing.")],
    "test_image_content": [IMAGE],
    "test_audio_content": [{"type": "audio", "data": WAV, "mimeType": "audio/wav"}],
    "test_embedded_resource": [
        embedded("test://embedded-resource", "text/plain", "This is an embedded resource content.")
    ],
    "test_multiple_content_types": [
        text("Multiple content types test:"),
        IMAGE,
        embedded("test://mixed-content-resource", "application/json", '{"test":"data","value":123}'),
    ],
    "test_error_handling": [text("This tool intentionally returns an error for testing")],
    "test_tool_with_progress": [text("progress was reported")],
    "json_schema_2020_12_tool": [text("ok")],
}
RESOURCES: dict[str, Content] = {
    each["uri"]: each
    for each in (
        {
            "uri": "test://static-text",
            "mimeType": "text/plain",
            "text": "This is the content of the static text resource.",
        },
        {"uri": "test://static-binary", "mimeType": "image/png", "blob": PNG},
        {
            "uri": "test://template/123/data",
            "mimeType": "application/json",
            "text": '{"id":"123","templateTest":true,"data":"Data for ID: 123"}',
        },
    )
}
PROMPTS: dict[str, tuple[str, ...]] = {
    "test_simple_prompt": (),
    "test_prompt_with_arguments": ("arg1", "arg2"),
    "test_prompt_with_embedded_resource": ("resourceUri",),
    "test_prompt_with_image": (),
}


def prompt(name: str, given: dict[str, str]) -> list[Content]:
    if name == "test_simple_prompt":
        return [text("This is a simple prompt for testing.")]
    if name == "test_prompt_with_arguments":
        return [text(f"Prompt with arguments: arg1='{given['arg1']}', arg2='{given['arg2']}'")]
    if name == "test_prompt_with_embedded_resource":
        resource = embedded(given["resourceUri"], "text/plain", "Embedded resource content for testing.")
        return [resource, text("Please process the embedded resource above.")]
    return [IMAGE, text("Please analyze the image above.")]


def call_tool(name: str, call: Call) -> Result:
    if name == "test_tool_with_progress":
        for done in (0, 50, 100):
            call.progress(done, 100)
    return {"content": TOOLS[name], "isError": name == "test_error_handling"}


def with_fixtures(desk: Desk) -> Mapping[str, Method]:
    """Let the fixtures answer for their own names and the product for everything else."""
    own = methods_of(desk)

    def more(method: str, member: str, added: list[Content]) -> Method:
        """Return a listing with more in it."""

        def run(given: Any, call: Call) -> Result:
            return {member: [*own[method].run(given, call)[member], *added]}

        return msgspec.structs.replace(own[method], run=run)

    def instead(method: str, member: str, known: Collection[str], run: Callable[[Any, Call], Result]) -> Method:
        """Return a method that answers itself for some names."""

        def chosen(given: Any, call: Call) -> Result:
            return (run if getattr(given, member) in known else own[method].run)(given, call)

        return msgspec.structs.replace(own[method], run=chosen)

    closed = {"type": "object", "properties": {}, "additionalProperties": False}
    tools = [
        {"name": name, "description": name, "inputSchema": SCHEMA_2020_12 if "2020" in name else closed}
        for name in TOOLS
    ]
    prompts = [
        {
            "name": name,
            "description": name,
            "arguments": [{"name": each, "description": each, "required": True} for each in names],
        }
        for name, names in PROMPTS.items()
    ]
    resources = [{"uri": uri, "name": uri, "mimeType": each["mimeType"]} for uri, each in RESOURCES.items()]
    return {
        **own,
        "tools/list": more("tools/list", "tools", tools),
        "tools/call": instead("tools/call", "name", TOOLS, lambda given, call: call_tool(given.name, call)),
        "resources/list": more("resources/list", "resources", resources),
        "resources/read": instead(
            "resources/read", "uri", RESOURCES, lambda given, _: {"contents": [RESOURCES[given.uri]]}
        ),
        "prompts/list": more("prompts/list", "prompts", prompts),
        "prompts/get": instead(
            "prompts/get",
            "name",
            PROMPTS,
            lambda given, _: {
                "messages": [{"role": "user", "content": each} for each in prompt(given.name, given.arguments or {})]
            },
        ),
    }


if __name__ == "__main__":
    run(Memory.open(os.environ, Path.cwd(), actor="conformance"), with_fixtures)
