"""This module talks to a server in memory as the official client does."""

import json
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any

import mcp_types as types
from mcp.client.client import Client

from memory_mcp.server.desk import Desk
from memory_mcp.server.protocol import build


@asynccontextmanager
async def connected(desk: Desk, mode: str = "auto") -> AsyncIterator[Client]:
    with ThreadPoolExecutor(8) as pool:
        async with Client(build(desk, pool), mode=mode) as client:
            yield client


async def call(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content
    assert isinstance(result.structured_content, dict)
    (block,) = result.content
    assert isinstance(block, types.TextContent)
    assert json.loads(block.text) == result.structured_content  # each half is complete on its own
    assert len(block.text.encode()) < 8_192
    return result.structured_content


async def refusal(client: Client, tool: str, **arguments: Any) -> str:
    result = await client.call_tool(tool, arguments)
    assert result.is_error
    (block,) = result.content
    assert isinstance(block, types.TextContent)
    assert result.structured_content == {"error": block.text}
    return block.text
