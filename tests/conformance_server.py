"""The product's server plus the fixture tools, resources and prompts that the official conformance suite calls."""

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast

import mcp_types as types
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server

from memory_mcp.memory import Memory
from memory_mcp.server.app import run
from memory_mcp.server.desk import Desk
from memory_mcp.server.protocol import build

Context = ServerRequestContext[Any]
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


def text(words: str) -> types.TextContent:
    return types.TextContent(type="text", text=words)


IMAGE = types.ImageContent(type="image", data=PNG, mime_type="image/png")


def embedded(uri: str, mime_type: str, words: str) -> types.EmbeddedResource:
    resource = types.TextResourceContents(uri=uri, mime_type=mime_type, text=words)
    return types.EmbeddedResource(type="resource", resource=resource)


TOOLS: dict[str, list[types.ContentBlock]] = {
    "test_simple_text": [text("This is a simple text response for testing.")],
    "test_image_content": [IMAGE],
    "test_audio_content": [types.AudioContent(type="audio", data=WAV, mime_type="audio/wav")],
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
RESOURCES: dict[str, types.TextResourceContents | types.BlobResourceContents] = {
    "test://static-text": types.TextResourceContents(
        uri="test://static-text", mime_type="text/plain", text="This is the content of the static text resource."
    ),
    "test://static-binary": types.BlobResourceContents(uri="test://static-binary", mime_type="image/png", blob=PNG),
    "test://template/123/data": types.TextResourceContents(
        uri="test://template/123/data",
        mime_type="application/json",
        text='{"id":"123","templateTest":true,"data":"Data for ID: 123"}',
    ),
}
PROMPTS: dict[str, tuple[str, ...]] = {
    "test_simple_prompt": (),
    "test_prompt_with_arguments": ("arg1", "arg2"),
    "test_prompt_with_embedded_resource": ("resourceUri",),
    "test_prompt_with_image": (),
}


def prompt(name: str, given: dict[str, str]) -> list[types.ContentBlock]:
    if name == "test_simple_prompt":
        return [text("This is a simple prompt for testing.")]
    if name == "test_prompt_with_arguments":
        return [text(f"Prompt with arguments: arg1='{given['arg1']}', arg2='{given['arg2']}'")]
    if name == "test_prompt_with_embedded_resource":
        resource = embedded(given["resourceUri"], "text/plain", "Embedded resource content for testing.")
        return [resource, text("Please process the embedded resource above.")]
    return [IMAGE, text("Please analyze the image above.")]


def with_fixtures(desk: Desk, pool: ThreadPoolExecutor) -> Server[dict[str, Any]]:  # noqa: C901 - six small handlers
    """Let the fixtures answer for their own names and the product for everything else."""
    server = build(desk, pool)
    own = {
        method: entry.handler
        for method in ("tools/list", "tools/call", "resources/list", "resources/read", "prompts/list", "prompts/get")
        if (entry := server.get_request_handler(method))
    }

    async def list_tools(context: Context, params: Any) -> types.ListToolsResult:
        product = cast("types.ListToolsResult", await own["tools/list"](context, params))
        closed = {"type": "object", "properties": {}, "additionalProperties": False}
        fixtures = [
            types.Tool(name=name, description=name, input_schema=SCHEMA_2020_12 if "2020" in name else closed)
            for name in TOOLS
        ]
        return types.ListToolsResult(tools=[*product.tools, *fixtures])

    async def call_tool(context: Context, params: types.CallToolRequestParams) -> Any:
        if params.name not in TOOLS:
            return await own["tools/call"](context, params)
        if params.name == "test_tool_with_progress":
            for done in (0, 50, 100):
                await context.session.report_progress(done, 100)
                await asyncio.to_thread(lambda: None)
        return types.CallToolResult(content=TOOLS[params.name], is_error=params.name == "test_error_handling")

    async def list_resources(context: Context, params: Any) -> types.ListResourcesResult:
        product = cast("types.ListResourcesResult", await own["resources/list"](context, params))
        fixtures = [types.Resource(uri=uri, name=uri, mime_type=each.mime_type) for uri, each in RESOURCES.items()]
        return types.ListResourcesResult(resources=[*product.resources, *fixtures])

    async def read_resource(context: Context, params: types.ReadResourceRequestParams) -> Any:
        found = RESOURCES.get(str(params.uri))
        return types.ReadResourceResult(contents=[found]) if found else await own["resources/read"](context, params)

    async def list_prompts(context: Context, params: Any) -> types.ListPromptsResult:
        product = cast("types.ListPromptsResult", await own["prompts/list"](context, params))
        fixtures = [
            types.Prompt(
                name=name,
                description=name,
                arguments=[types.PromptArgument(name=each, description=each, required=True) for each in names],
            )
            for name, names in PROMPTS.items()
        ]
        return types.ListPromptsResult(prompts=[*product.prompts, *fixtures])

    async def get_prompt(context: Context, params: types.GetPromptRequestParams) -> Any:
        if params.name not in PROMPTS:
            return await own["prompts/get"](context, params)
        contents = prompt(params.name, params.arguments or {})
        return types.GetPromptResult(messages=[types.PromptMessage(role="user", content=each) for each in contents])

    server.add_request_handler("tools/list", types.PaginatedRequestParams, list_tools)
    server.add_request_handler("tools/call", types.CallToolRequestParams, call_tool)
    server.add_request_handler("resources/list", types.PaginatedRequestParams, list_resources)
    server.add_request_handler("resources/read", types.ReadResourceRequestParams, read_resource)
    server.add_request_handler("prompts/list", types.PaginatedRequestParams, list_prompts)
    server.add_request_handler("prompts/get", types.GetPromptRequestParams, get_prompt)
    return server


if __name__ == "__main__":
    run(Memory.open(os.environ, Path.cwd(), actor="conformance"), with_fixtures)
