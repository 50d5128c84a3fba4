"""The SDK's low-level server in front of our table of methods; its own models check and write every answer."""

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import mcp_types as types
import msgspec
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.shared.exceptions import MCPError

from memory_mcp.server.methods import Call, Method
from memory_mcp.server.prompts import INSTRUCTIONS, SERVER_INFO
from memory_mcp.server.protocol_errors import ProtocolError

Context = ServerRequestContext[Any]
HANDLERS: dict[str, tuple[str, type[types.Result]]] = {
    "tools/list": ("on_list_tools", types.ListToolsResult),
    "tools/call": ("on_call_tool", types.CallToolResult),
    "resources/list": ("on_list_resources", types.ListResourcesResult),
    "resources/templates/list": ("on_list_resource_templates", types.ListResourceTemplatesResult),
    "resources/read": ("on_read_resource", types.ReadResourceResult),
    "prompts/list": ("on_list_prompts", types.ListPromptsResult),
    "prompts/get": ("on_get_prompt", types.GetPromptResult),
}


def build(methods: Mapping[str, Method], pool: ThreadPoolExecutor) -> Server[dict[str, Any]]:
    """Return a server; blocking work runs on `pool`."""
    server: Server[dict[str, Any]] = Server(
        SERVER_INFO["name"],
        version=SERVER_INFO["version"],
        title=SERVER_INFO["title"],
        instructions=INSTRUCTIONS,
        **{handler: answering(methods[name], result, pool) for name, (handler, result) in HANDLERS.items()},
    )
    server.middleware.clear()  # tracing spans that nobody collects
    return server


def answering(method: Method, result: type[types.Result], pool: ThreadPoolExecutor) -> Any:
    """Let the SDK call a method of ours."""

    def run(params: Any, call: Call) -> types.Result:
        given = params.model_dump(by_alias=True, exclude_none=True) if params else {}
        answer = method.run(msgspec.convert(given, method.params), call)
        return result.model_validate_json(msgspec.json.encode(answer))

    async def handle(context: Context, params: Any) -> types.Result:
        loop = asyncio.get_running_loop()

        def notify(_: str, told: dict[str, Any]) -> None:
            told_so = context.session.report_progress(told["progress"], told.get("total"))
            asyncio.run_coroutine_threadsafe(told_so, loop).result()

        token = (context.meta or {}).get("progress_token")
        try:
            if method.blocks:
                return await asyncio.wrap_future(pool.submit(run, params, Call(notify, token)))
            return run(params, Call(notify, None))
        except ProtocolError as error:
            raise MCPError(error.code, str(error), error.data) from error

    return handle
