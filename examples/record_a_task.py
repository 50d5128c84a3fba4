"""Record one task through the official MCP client: start an episode, log its steps, complete it.

python examples/record_a_task.py
"""

import asyncio
import os
from typing import Any

from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters

SERVER = StdioServerParameters(
    command="memory-mcp", env={name: value for name, value in os.environ.items() if name.startswith("MEMORY_MCP_")}
)


async def main() -> None:
    """Record a task and print its id."""
    async with Client(SERVER) as client:
        created = await call(
            client,
            "create_episode",
            {"task_description": "Make the nightly export resumable", "task_type": "feature", "domain": "export"},
        )
        steps = [
            {
                "tool": "bash",
                "action": "pytest tests/test_export.py",
                "result": {"type": "error", "message": "OSError: [Errno 28] No space left on device"},
            },
            {"tool": "edit", "action": "write in parts of 64 MiB", "parameters": {"file": "app/export.py"}},
            {
                "tool": "bash",
                "action": "pytest tests/test_export.py",
                "result": {"type": "success", "output": "9 passed"},
            },
        ]
        await call(client, "add_episode_steps", {"episode_id": created["episode_id"], "steps": steps})
        done = await call(
            client,
            "complete_episode",
            {
                "episode_id": created["episode_id"],
                "outcome_type": "success",
                "verdict": "Exports go in parts; a part that exists is skipped when a broken run starts again.",
            },
        )
        print(f"recorded {done['episode_id']}, reward {done['reward']['total']}")


async def call(client: Client, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Call a tool and return its structured answer."""
    result = await client.call_tool(tool, arguments)
    if result.is_error or not isinstance(result.structured_content, dict):
        raise SystemExit(f"{tool}: {result.content}")
    return result.structured_content


if __name__ == "__main__":
    asyncio.run(main())
