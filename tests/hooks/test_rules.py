"""Accepted rules reach an agent at the start of its session, and before a call that would break them."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from memory_mcp.memory import Memory
from tests.hooks.agents import HOOK, Agent


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def accepted(home: Path, text: str, on_breach: Any = None) -> None:
    environ = {"MEMORY_MCP_HOME": str(home), "MEMORY_MCP_PROJECT_NAME": "day"}
    with Memory.open(environ, home.parent, actor="cli") as memory:
        rule, _ = memory.rules.add(text)
        memory.rules.accept(rule.id, on_breach)


def before(home: Path, tool: str, **arguments: str) -> dict[str, Any]:
    told = {"session_id": "s1", "hook_event_name": "PreToolUse", "tool_name": tool, "tool_input": arguments}
    environ = {**os.environ, "MEMORY_MCP_HOME": str(home), "MEMORY_MCP_PROJECT_NAME": "day"}
    done = subprocess.run(HOOK, input=json.dumps(told).encode(), env=environ, capture_output=True, check=True)
    answer: dict[str, Any] = json.loads(done.stdout)["hookSpecificOutput"] if done.stdout else {}
    return answer


def test_an_accepted_rule_stands_in_the_briefing(home: Path) -> None:
    accepted(home, "we use tabs in this repo")

    assert "Rules that the user set for every session:\n- we use tabs in this repo" in Agent(home, "s1").start()


def test_the_client_asks_the_user_before_a_call_that_breaks_a_rule(home: Path) -> None:
    accepted(home, "never push to main")

    for _ in range(2):  # at each call, not once in a session
        answer = before(home, "Bash", command="git push origin main")
        assert answer["permissionDecision"] == "ask"
        assert '"never push to main" (the user, ' in answer["permissionDecisionReason"]
    assert before(home, "Bash", command="git push origin topic") == {}


def test_nothing_is_denied_unless_the_user_set_it(home: Path) -> None:
    accepted(home, "never push to main", "deny")

    assert before(home, "Bash", command="git push origin main")["permissionDecision"] == "deny"


def test_a_rule_that_only_warns_is_told_once_with_the_text_that_an_edit_writes(home: Path) -> None:
    accepted(home, "don't import requests", "warn")
    text = "x = 1\n" * 2_000 + "import requests\n"

    answer = before(home, "Write", file_path="a.py", content=text)

    assert "don't import requests" in answer["additionalContext"]
    assert "permissionDecision" not in answer
    assert before(home, "Write", file_path="a.py", content=text) == {}


def test_what_was_only_proposed_is_not_told(home: Path) -> None:
    agent = Agent(home, "s1")
    agent.prompt("mend the shop. never push to main")
    agent.passed("ls")

    assert "Rules" not in agent.start()
    assert before(home, "Bash", command="git push origin main") == {}
