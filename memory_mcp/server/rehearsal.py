"""This module rehearses the main job: the official client starts the server, records an episode and asks for it."""

import asyncio
import os
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import msgspec
from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters

from memory_mcp.models.rehearsal import Asked, Rehearsal

_EPISODE = {
    "task_description": "Shopping cart loses its items when the session expires during checkout",
    "task_type": "bug_fix",
    "domain": "checkout",
    "language": "python",
}
_STEPS = [
    {
        "tool": "bash",
        "action": "pytest tests/test_cart.py::test_survives_expired_session",
        "result": {"type": "error", "message": "CartExpiredError: basket 0x7f3a is gone after 1800 s"},
    },
    {"tool": "edit", "action": "keep the basket in the signed cookie", "parameters": {"file": "shop/cart_cookie.py"}},
    {
        "tool": "bash",
        "action": "pytest tests/test_cart.py::test_survives_expired_session",
        "result": {"type": "success", "output": "1 passed"},
    },
]
_VERDICT = "The basket lived in the server-side session; a signed cookie outlives it."
_OWN_QUESTIONS = ("cart is empty after the session timed out in checkout", "CartExpiredError: basket is gone")


def main() -> None:
    """Print a Rehearsal as JSON; the question about the history is the first argument."""
    rehearsal = asyncio.run(rehearse(sys.argv[1]))
    sys.stdout.buffer.write(msgspec.json.encode(rehearsal))


async def rehearse(question: str) -> Rehearsal:
    """Record one episode and ask three questions."""
    beside = shutil.which("memory-mcp", path=str(Path(sys.executable).parent))
    command, arguments = (beside, []) if beside else (sys.executable, ["-P", "-m", "memory_mcp.server.app"])
    environment = {name: value for name, value in os.environ.items() if name.startswith("MEMORY_MCP_")}
    timings: dict[str, float] = {}
    started = time.perf_counter()
    async with Client(StdioServerParameters(command=command, args=arguments, env=environment)) as client:
        await client.list_tools()
        timings["server start to first answer"] = time.perf_counter() - started
        started = time.perf_counter()
        created = await _call(client, "create_episode", _EPISODE)
        episode_id = created["episode_id"]
        await _call(client, "add_episode_steps", {"episode_id": episode_id, "steps": _STEPS})
        outcome = {"episode_id": episode_id, "outcome_type": "success", "verdict": _VERDICT}
        await _call(client, "complete_episode", outcome)
        timings["record an episode (3 calls)"] = time.perf_counter() - started
        asked: list[Asked] = []
        for number, text in enumerate((*_OWN_QUESTIONS, question), 1):
            started = time.perf_counter()
            answer = await _call(client, "query_memory", {"query": text, "explain": True})
            timings[f"question {number}"] = time.perf_counter() - started
            asked.append(Asked(text, tuple(answer["hits"])))
        version = client.server_info.version if client.server_info else "unknown"
    first = [each.hits[0].get("episode_id") if each.hits else None for each in asked[: len(_OWN_QUESTIONS)]]
    return Rehearsal(version, episode_id, tuple(asked), all(found == episode_id for found in first), timings)


async def _call(client: Client, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
    result = await client.call_tool(tool, arguments)
    answer = result.structured_content
    if result.is_error or not isinstance(answer, dict):
        raise SystemExit(f"{tool} answered: {result.content}")
    return answer


if __name__ == "__main__":
    main()
