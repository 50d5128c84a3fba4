"""Ask the memory before starting a task, as an agent should.

python examples/recall_before_you_start.py "nightly export breaks on a full disk"
"""

import asyncio
import os
import sys

from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters

SERVER = StdioServerParameters(
    command="memory-mcp", env={name: value for name, value in os.environ.items() if name.startswith("MEMORY_MCP_")}
)


async def main(task: str) -> None:
    """Print what is known about the task."""
    async with Client(SERVER) as client:
        result = await client.call_tool("query_memory", {"query": task, "limit": 3})
        answer = result.structured_content
        if result.is_error or not isinstance(answer, dict):
            raise SystemExit(f"query_memory: {result.content}")
        if not answer["hits"]:
            print("nothing relevant is remembered")
        for hit in answer["hits"]:
            print(f"{hit['score']:.2f}  {hit.get('outcome', hit['kind'])}: {hit['text'].splitlines()[0]}")
            if hit.get("lesson"):
                print(f"      lesson: {hit['lesson']}")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else "nightly export breaks on a full disk"))
