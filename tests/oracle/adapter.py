"""This module joins the memory to the SDK's low-level server."""

import asyncio
import logging
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import mcp_types as types
import msgspec
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.shared.exceptions import MCPError

from memory_mcp import __version__
from memory_mcp.errors import IndexMendedError, InvalidInputError, MemoryMcpError, NotFoundError, StoreGoneError
from memory_mcp.server import prompts
from memory_mcp.server.answers import episode_of
from memory_mcp.server.arguments import Arguments, Nothing
from memory_mcp.server.desk import Desk
from memory_mcp.server.schemas import input_schema, parse
from memory_mcp.server.short_ids import as_given, with_full_ids, with_short_ids
from memory_mcp.server.tools.catalogue import TOOLS, Tool, offered
from memory_mcp.server.tools.operations import health_check
from memory_mcp.visible import visible, visible_json, visible_line, visible_values

logger = logging.getLogger(__name__)
_EPISODE_URI = "memory://episodes/"
_HEALTH_URI = "memory://health"
_RECENT = 20


def build(desk: Desk, pool: ThreadPoolExecutor) -> Server[dict[str, Any]]:
    """Return a server for the memory; blocking work runs on `pool`, so that slow calls never delay a ping."""
    handlers = _Handlers(desk, pool)
    server: Server[dict[str, Any]] = Server(
        "memory-mcp",
        version=__version__,
        title="memory-mcp",
        instructions=prompts.INSTRUCTIONS,
        on_list_tools=handlers.list_tools,
        on_call_tool=handlers.call_tool,
        on_list_resources=handlers.list_resources,
        on_list_resource_templates=handlers.list_resource_templates,
        on_read_resource=handlers.read_resource,
        on_list_prompts=handlers.list_prompts,
        on_get_prompt=handlers.get_prompt,
    )
    server.middleware.clear()  # tracing spans that nobody collects
    return server


def tool_list(tools: Iterable[Tool]) -> list[types.Tool]:
    """Describe tools to a client."""
    return [
        types.Tool(
            name=tool.name,
            title=tool.title,
            description=tool.description,
            input_schema=input_schema(tool.arguments),
            annotations=types.ToolAnnotations(read_only_hint=True)
            if tool.reads_only
            else types.ToolAnnotations(destructive_hint=tool.destroys),
        )
        for tool in tools
    ]


class _Handlers:
    def __init__(self, desk: Desk, pool: ThreadPoolExecutor) -> None:
        self._desk = desk
        self._pool = pool
        self._offered = offered(desk.memory.settings.server.toolsets)
        self._tools = types.ListToolsResult(tools=tool_list(self._offered.values()))

    async def list_tools(
        self, _: ServerRequestContext[Any], __: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        self._desk.nudge()  # the client has its first answer; load what the first search will need
        return self._tools

    async def call_tool(
        self, _: ServerRequestContext[Any], params: types.CallToolRequestParams
    ) -> types.CallToolResult:
        tool = self._offered.get(params.name)
        if tool is None:
            hint = f"it comes with --toolsets {TOOLS[params.name].toolset}; " if params.name in TOOLS else ""
            named = visible_line(params.name)
            raise MCPError(types.INVALID_PARAMS, f"no tool {named}; {hint}there are {', '.join(self._offered)}")
        return await asyncio.wrap_future(self._pool.submit(self._run, tool, params.arguments))

    def _run(self, tool: Tool, given: dict[str, Any] | None) -> types.CallToolResult:
        """Run a tool on a worker thread and count it; what was foreseen becomes a tool error of one sentence."""
        started = time.perf_counter()
        failed = True
        try:
            arguments = parse(tool.arguments, given)
            self._desk.prepare()
            try:
                answer = self._answer(tool, arguments)
            except IndexMendedError:  # nothing was kept, and a second try works now
                answer = self._answer(tool, arguments)
            failed = False
        except StoreGoneError as error:
            self._desk.tell_gone()
            return _tool_error(str(error))
        except MemoryMcpError as error:
            return _tool_error(str(error))
        except Exception:
            logger.exception("%s failed", tool.name)
            return _tool_error(f"{tool.name} failed inside memory-mcp; its log (stderr) has the cause")
        finally:
            self._desk.metrics.record(tool.name, time.perf_counter() - started, failed=failed)
            self._desk.nudge()
        text = types.TextContent(type="text", text=msgspec.json.encode(answer).decode())
        return types.CallToolResult(content=[text], structured_content=answer)

    def _answer(self, tool: Tool, given: Arguments) -> dict[str, Any]:
        """Run a tool on whole ids, and answer with short ones."""
        ids = self._desk.memory.store.ids
        whole = with_full_ids(given, ids)
        answer = tool.run(self._desk, whole)
        shown: dict[str, Any] = visible_values(with_short_ids(answer, ids, as_given(given, whole)))
        return shown

    async def list_resources(
        self, _: ServerRequestContext[Any], __: types.PaginatedRequestParams | None
    ) -> types.ListResourcesResult:
        page = await self._blocking(lambda: self._desk.memory.episodes.list(limit=_RECENT))
        health = types.Resource(
            uri=_HEALTH_URI, name="health", title="Health of the memory", mime_type="application/json"
        )
        recent = [
            types.Resource(
                uri=f"{_EPISODE_URI}{row.id}",
                name=f"episode {row.id}",
                title=visible_line(" ".join(row.task.split())[:100]),
                mime_type="application/json",
            )
            for row in page.episodes
        ]
        return types.ListResourcesResult(resources=[health, *recent])

    async def list_resource_templates(
        self, _: ServerRequestContext[Any], __: types.PaginatedRequestParams | None
    ) -> types.ListResourceTemplatesResult:
        template = types.ResourceTemplate(
            uri_template=f"{_EPISODE_URI}{{id}}", name="episode", title="One episode", mime_type="application/json"
        )
        return types.ListResourceTemplatesResult(resource_templates=[template])

    async def read_resource(
        self, _: ServerRequestContext[Any], params: types.ReadResourceRequestParams
    ) -> types.ReadResourceResult:
        uri = str(params.uri)
        try:
            found = await self._blocking(lambda: self._resource(uri))
        except (NotFoundError, InvalidInputError) as error:
            raise MCPError(types.INVALID_PARAMS, visible_line(str(error)), {"uri": uri}) from error
        text = visible_json(msgspec.json.encode(found).decode())
        content = types.TextResourceContents(uri=uri, mime_type="application/json", text=text)
        return types.ReadResourceResult(contents=[content])

    def _resource(self, uri: str) -> dict[str, Any]:
        if uri == _HEALTH_URI:
            return health_check(self._desk, Nothing())
        if not uri.startswith(_EPISODE_URI):
            raise NotFoundError(f"no resource {uri}; there are {_HEALTH_URI} and {_EPISODE_URI}ID")
        episode = self._desk.memory.episodes.get(self._desk.memory.store.ids.full(uri.removeprefix(_EPISODE_URI)))
        return episode_of(episode, timeline=False, fields=(), start=1, full=True)

    async def list_prompts(
        self, _: ServerRequestContext[Any], __: types.PaginatedRequestParams | None
    ) -> types.ListPromptsResult:
        return types.ListPromptsResult(prompts=prompts.list_prompts())

    async def get_prompt(
        self, _: ServerRequestContext[Any], params: types.GetPromptRequestParams
    ) -> types.GetPromptResult:
        found = prompts.get_prompt(params.name, params.arguments or {})
        if found is None:
            known = "; ".join(f"{each.name} with {(each.arguments or [])[0].name}" for each in prompts.list_prompts())
            raise MCPError(types.INVALID_PARAMS, f"no such prompt or argument; there are {known}")
        return found

    async def _blocking(self, call: Any) -> Any:
        """Run on the pool; an error of ours is a protocol error, since resources have no other."""

        def prepared() -> Any:
            self._desk.prepare()
            return call()

        try:
            return await asyncio.wrap_future(self._pool.submit(prepared))
        except (NotFoundError, InvalidInputError):
            raise
        except MemoryMcpError as error:
            raise MCPError(types.INTERNAL_ERROR, visible_line(str(error))) from error


def _tool_error(sentence: str) -> types.CallToolResult:
    """Answer an anticipated failure; both halves are complete, since each client shows only one."""
    sentence = visible(sentence)
    return types.CallToolResult(
        content=[types.TextContent(type="text", text=sentence)], structured_content={"error": sentence}, is_error=True
    )
