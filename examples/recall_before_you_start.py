"""Ask the memory before starting a task, as an agent should: what is known, which files matter, what to beware of.

python examples/recall_before_you_start.py "nightly export breaks on a full disk"
"""

import asyncio
import os
import sys
from typing import Any

from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters

SERVER = StdioServerParameters(
    command="memory-mcp", env={name: value for name, value in os.environ.items() if name.startswith("MEMORY_MCP_")}
)


async def call(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    """Call a tool and return its structured answer."""
    result = await client.call_tool(tool, arguments)
    if result.is_error or not isinstance(result.structured_content, dict):
        raise SystemExit(f"{tool}: {result.content}")
    return result.structured_content


async def main(task: str) -> None:
    """Print what is known about the task, and the playbook for it."""
    async with Client(SERVER) as client:
        answer = await call(client, "query_memory", query=task, limit=3)
        if not answer["hits"]:
            print("nothing relevant is remembered")
        for hit in answer["hits"]:
            print(f"{hit['relevance']:.2f}  {hit.get('outcome', hit['kind'])}: {hit['text'].splitlines()[0]}")
            if hit.get("lesson"):
                print(f"      lesson: {hit['lesson']}")
        playbook = await call(client, "recommend_playbook", task_description=task)
        for fact in playbook.get("facts", ()):
            print(f"fact: {fact}")
        for file in playbook.get("files", ()):
            print(f"file: {file['file']} ({file['why']})")
        for number, step in enumerate(playbook["steps"], 1):
            print(f"step {number}: {step['do']} ({step['support']})")
        for pitfall in playbook.get("pitfalls", ()):
            print(f"beware: {pitfall['action']} failed with {pitfall['error']}")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else "nightly export breaks on a full disk"))
