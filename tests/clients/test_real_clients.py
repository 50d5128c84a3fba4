"""Claude Code and OpenCode as users have them, from npm, in a fresh home and without an account."""

import json
import re
from pathlib import Path
from typing import Any

from memory_mcp.memory import Memory
from memory_mcp.models.episodes import StepError, StepSuccess
from tests.clients.conftest import Client
from tests.clients.scripted import Messages, scripted_model


def test_claude_code_adds_and_connects_the_server_as_the_readme_says(claude: Client) -> None:
    claude.run("mcp", "add", "memory-mcp", "--", "memory-mcp")

    assert re.search(r"^memory-mcp: memory-mcp\s+- ✔ Connected$", claude.run("mcp", "list"), re.MULTILINE)


def test_setup_registers_with_claude_code_through_its_own_command(claude: Client) -> None:
    first = claude.cli("setup", "claude", "--hooks")
    second = claude.cli("setup", "claude", "--hooks")
    listed = claude.run("mcp", "list")
    removed = claude.cli("setup", "claude", "--remove")

    assert "changed by: " in first
    assert "mcp add --scope user memory-mcp -- /" in first
    assert second.count("unchanged") == 2
    assert "✔ Connected" in listed
    assert removed.count("removed") + removed.count(": changed") == 2
    assert "memory-mcp" not in json.loads((claude.home / ".claude.json").read_text(encoding="utf-8")).get(
        "mcpServers", {}
    )


def test_claude_code_runs_the_hooks_and_its_model_sees_what_they_say(claude: Client) -> None:
    claude.cli("setup", "claude", "--hooks")
    claude.cli("note", "add", "releases go out on Tuesday", "--importance", "0.9")
    commands = ["false", "echo checked"]

    def script(_: Messages, called: int) -> tuple[str, dict[str, Any]] | str:
        if called < len(commands):
            return "Bash", {"command": commands[called], "description": "check"}
        return "done"

    with scripted_model(script) as (url, seen):
        told = claude.ask(url, "prepare the release of the billing service")
        first = json.dumps(seen[0])
        claude.ask(url, "prepare the release of the billing service again")

    assert told.strip().endswith("done")
    assert "- releases go out on Tuesday" in first
    assert "SessionStart hook additional context: <memory-mcp-recall>" in first
    assert "prepare the release of the billing service (3 steps; resume with" in json.dumps(seen[-1])
    with Memory.open(claude.environ, claude.project, actor="test") as memory:
        (row, *_) = [each for each in memory.episodes.list().episodes if each.step_count]
        steps = memory.episodes.get(row.id).steps
    assert row.task == "prepare the release of the billing service"
    assert [(step.tool, step.action, type(step.result)) for step in steps] == [
        ("Bash", "false", StepError),
        ("Bash", "echo checked", StepSuccess),
        ("assistant", "done", type(None)),  # the agent's last message
    ]
    assert all(step.latency_ms is not None for step in steps[:2])
    assert not (Path(claude.environ["MEMORY_MCP_HOME"]) / "hooks" / "hook.log").exists()


def test_a_model_in_claude_code_calls_a_tool_and_sees_its_answer(claude: Client) -> None:
    claude.cli("setup", "claude")
    claude.cli("note", "add", "the billing service needs stripe 11 in its tests")

    def script(_: Messages, called: int) -> tuple[str, dict[str, Any]] | str:
        return ("mcp__memory-mcp__query_memory", {"query": "billing service tests"}) if not called else "done"

    with scripted_model(script) as (url, seen):
        claude.ask(url, "repair the billing tests")

    answers = [
        part
        for message in seen[-1]
        if isinstance(message["content"], list)
        for part in message["content"]
        if part.get("type") == "tool_result"
    ]
    assert "the billing service needs stripe 11 in its tests" in json.dumps(answers)


def test_opencode_lists_the_server_as_connected(opencode: Client) -> None:
    opencode.cli("setup", "opencode")

    listed = re.sub(r"\x1b\[[0-9;]*m", "", opencode.run("mcp", "list"))

    assert re.search(r"✓ memory-mcp\s+connected", listed)


def test_a_model_in_opencode_calls_a_tool_and_sees_its_answer(opencode: Client) -> None:
    opencode.cli("setup", "opencode")
    opencode.cli("note", "add", "the billing service needs stripe 11 in its tests", "--tag", "billing")

    def script(_: Messages, answered: int) -> tuple[str, dict[str, Any]] | str:
        return ("memory-mcp_query_memory", {"query": "billing service tests"}) if not answered else "done"

    with scripted_model(script) as (url, seen):
        opencode.use_model(url)
        opencode.run("run", "repair the billing tests")

    (answer,) = [message for message in seen[-1] if message["role"] == "tool"]
    (hit,) = json.loads(answer["content"])["hits"]
    assert hit["kind"] == "note"
    assert hit["text"] == "the billing service needs stripe 11 in its tests"


def test_the_plugin_records_and_briefs_without_the_model_asking(opencode: Client) -> None:
    opencode.cli("setup", "opencode", "--hooks")
    opencode.cli("note", "add", "releases go out on Tuesday", "--importance", "0.9")

    def script(_: Messages, answered: int) -> tuple[str, dict[str, Any]] | str:
        return ("bash", {"command": "false", "description": "fail"}) if not answered else "done"

    with scripted_model(script) as (url, seen):
        opencode.use_model(url)
        opencode.run("run", "prepare the release")

    system = "\n".join(str(message["content"]) for message in seen[0] if message["role"] == "system")
    assert "<memory-mcp-recall>" in system
    assert "- releases go out on Tuesday" in system
    with Memory.open(opencode.environ, opencode.project, actor="test") as memory:
        (row,) = memory.episodes.list().episodes
        step, said = memory.episodes.get(row.id).steps
    assert "prepare the release" in row.task
    assert (said.tool, said.action) == ("assistant", "done")
    assert (step.tool, step.action, type(step.result)) == ("bash", "false", StepError)
    assert not (Path(opencode.environ["MEMORY_MCP_HOME"]) / "hooks" / "hook.log").exists()
