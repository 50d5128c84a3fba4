"""A day in the life: an error is met and mended, then avoided, and the work goes on in another agent."""

import re
from pathlib import Path
from typing import Any

from memory_mcp.memory import Memory
from tests.clients.conftest import Client
from tests.clients.scripted import Messages, scripted_model
from tests.hooks.agents import Agent

MISSING = "Exit code 1\nE   ModuleNotFoundError: No module named 'stripe'\n1 failed in 0.2s"


def morning_and_noon(home: Path) -> str:
    """Play the first two sessions, each event a process of its own, and return what the second was briefed with."""
    for name in ("dawn", "morning"):
        first = Agent(home, name)
        assert (first.start() == "") == (name == "dawn")
        first.prompt(f"make the billing tests pass at {name}")
        first.failed("pytest tests/billing", MISSING)
        first.failed("pytest tests/billing -x", MISSING)
        first.failed("pytest tests/billing", MISSING)
        first.passed("uv add stripe==11", "added")
        first.passed("pytest tests/billing", "12 passed")
        first.stop()
        first.end()

    second = Agent(home, "noon")
    briefing = second.start()
    assert "what mended it: `uv add stripe==11`" in briefing
    second.prompt("add refunds to the billing service")
    warning = second.before("pytest tests/refunds")
    assert "failed 2 of 2 runs in 2 episodes: “ModuleNotFoundError: No module named 'stripe'”" in warning
    assert "What ended it: `uv add stripe==11`" in warning
    second.edited("src/refunds.py")
    second.end()
    return briefing


def test_an_error_is_mended_then_avoided_and_the_work_is_handed_on(tmp_path: Path) -> None:
    home = tmp_path / "memory"
    morning_and_noon(home)

    evening = Agent(home, "evening").start()

    assert "Open episodes:\n- add refunds to the billing service (1 steps; resume with resume_from_handoff" in evening


def test_opencode_resumes_the_handoff_in_the_evening(opencode: Client) -> None:
    home = Path(opencode.environ["MEMORY_MCP_HOME"])
    morning_and_noon(home)
    opencode.cli("setup", "opencode", "--hooks")

    def script(messages: Messages, answered: int) -> tuple[str, dict[str, Any]] | str:
        told = "\n".join(str(message["content"]) for message in messages if message["role"] == "system")
        found = re.search(r"resume_from_handoff (\w{8,32})", told)
        assert found is not None
        return ("memory-mcp_resume_from_handoff", {"handoff_id": found[1]}) if not answered else "taken up"

    with scripted_model(script) as (url, seen):
        opencode.use_model(url)
        opencode.run("run", "go on where we stopped")

    (answer,) = [str(message["content"]) for message in seen[-1] if message["role"] == "tool"]
    assert "add refunds to the billing service" in answer
    assert "src/refunds.py" in answer
    with Memory.open(opencode.environ, opencode.project, actor="test") as memory:
        tasks = {row.id: row.task for row in memory.episodes.list().episodes}
        follows = memory.relationships.list(kind="follows")
    assert [(tasks[each.from_id], tasks[each.to_id]) for each in follows] == [
        ("add refunds to the billing service", "add refunds to the billing service")
    ]
    assert not any("go on where we stopped" in task for task in tasks.values())  # the resumed one took its place
