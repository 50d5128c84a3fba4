"""The official client, talking to our stdio core in this process."""

import asyncio
import json
import math
import os
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, Self

import anyio
import mcp_types as types
from anyio.streams.memory import MemoryObjectReceiveStream
from mcp.client.client import Client
from mcp.shared.message import SessionMessage

from memory_mcp.server.desk import Desk
from memory_mcp.server.methods import methods_of
from tests.server.in_process import Pipes

Received = MemoryObjectReceiveStream[SessionMessage | Exception]


class Writing:
    """The stream that the client writes to."""

    def __init__(self, pipes: Pipes) -> None:
        self._pipes = pipes

    async def send(self, item: SessionMessage, /) -> None:
        self._pipes.send(item.message.model_dump_json(by_alias=True, exclude_unset=True).encode())

    async def aclose(self) -> None:
        await asyncio.to_thread(self._pipes.close_input)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()


class Transport:
    """The pipes, as the client wants them."""

    def __init__(self, desk: Desk) -> None:
        self._pipes = Pipes(methods_of(desk), threads=8)

    async def __aenter__(self) -> tuple[Received, Writing]:
        sender, received = anyio.create_memory_object_stream[SessionMessage | Exception](math.inf)
        loop = asyncio.get_running_loop()

        def read() -> None:
            with os.fdopen(self._pipes.reading, "rb") as lines:
                for line in lines:
                    message = types.jsonrpc_message_adapter.validate_json(line, by_name=False)
                    loop.call_soon_threadsafe(sender.send_nowait, SessionMessage(message))

        self._sender, self._received = sender, received
        self._reader = threading.Thread(target=read)
        self._reader.start()
        return received, Writing(self._pipes)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self._pipes.close_input)
        await asyncio.to_thread(self._reader.join)
        self._sender.close()
        self._received.close()


@asynccontextmanager
async def connected(desk: Desk, mode: str = "auto") -> AsyncIterator[Client]:
    async with Client(Transport(desk), mode=mode) as client:
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
