"""Serve a memory on the SDK, as `memory-mcp` does on its own core: `python -m tests.oracle`."""

import asyncio
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from memory_mcp.memory import Memory
from memory_mcp.server.desk import Desk
from memory_mcp.server.methods import methods_of
from tests.oracle.adapter import build
from tests.oracle.pipes import divert, served


async def serve(memory: Memory) -> None:
    desk = Desk(memory)
    pool = ThreadPoolExecutor(memory.settings.server.threads, thread_name_prefix="tool")
    server = build(methods_of(desk), pool)
    async with served(*divert(), memory.settings.server.max_line_mb << 20) as (incoming, outgoing):
        await server.run(incoming, outgoing, server.create_initialization_options())
    pool.shutdown()
    desk.close()


if __name__ == "__main__":
    asyncio.run(serve(Memory.open(os.environ, Path.cwd(), actor="server")))
    sys.stderr.flush()
    os._exit(0)
