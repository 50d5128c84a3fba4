"""What a hook imports, which is most of its time."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.hooks.agents import Agent

HOOK_THAT_TELLS = """
import json, os, sys
sys.argv[1:] = ["hook"]
def leave(code):
    print(json.dumps(list(sys.modules)), file=sys.stderr)
    sys.exit(code)
os._exit = leave
from memory_cli.entrance import main; main()
"""
BASH = {"tool_name": "Bash", "tool_input": {"command": "pytest tests/billing"}}
EVENTS: dict[str, dict[str, Any]] = {
    "SessionStart": {},
    "UserPromptSubmit": {"prompt": "the billing tests fail on the build server again"},
    "PreToolUse": BASH,
    "PostToolUse": {**BASH, "tool_response": {"stdout": "x"}},
    "Edit": {"tool_name": "Edit", "tool_input": {"file_path": "a.py"}, "tool_response": {}},
    "Stop": {},
}
# modules of ours that each event may load, of 0.2 ms each; raise a number only for something that the event needs
# an edit loads no table of runners; a command does (ten modules), for its output decides whether it failed
MOST = {"SessionStart": 118, "UserPromptSubmit": 157, "PreToolUse": 137, "PostToolUse": 113, "Edit": 106, "Stop": 119}
HEAVY = {
    *("typer", "rich", "click", "numpy", "mcp", "pydantic", "lmdb", "asyncio", "hashlib", "tomllib", "subprocess"),
    *("platformdirs", "logging", "dataclasses", "inspect", "tempfile", "shutil", "random", "traceback", "sqlite3"),
    *("urllib.parse", "ipaddress", "textwrap", "decimal", "typing_extensions", "msgspec.inspect"),  # as stand_ins.py
}
RUNNERS = {f"memory_mcp.actions.{name}" for name in ("runner_tables", "runners_python", "builds", "linters")}
# of the most frequent event, beside what only others need
UNUSED_AFTER_A_TOOL = {
    *("base64", "json", "graphlib", "memory_mcp.episodes.reward", "memory_mcp.episodes.reflection"),
    *(f"memory_mcp.hooks.{name}" for name in ("briefing", "fence", "ending", "queue", "replaying", "taken_lines")),
    *(f"memory_mcp.models.{name}" for name in ("conversations", "notes", "patterns", "recall", "recommendations")),
    *(f"memory_mcp.storage.{name}_store" for name in ("note", "turn", "tag", "handoff", "digest", "pattern")),
    *("memory_mcp.storage.search_index", "memory_mcp.notes", "memory_mcp.patterns", "memory_mcp.retrieval"),
}


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """Return the modules that each event loads in a memory that knows something."""
    home = tmp_path_factory.mktemp("home")
    agent = Agent(home, "one")
    agent.prompt("mend the billing tests")
    agent.failed("pytest tests/billing", "KeyError: 'vat'")
    agent.edited("billing.py")
    agent.passed("pytest tests/billing", "1 passed")
    agent.end()
    said = {"Edit": "PostToolUse"}
    return {
        name: modules_of(agent, home, {"hook_event_name": said.get(name, name), **fields})
        for name, fields in EVENTS.items()
    }


def modules_of(agent: Agent, directory: Path, event: dict[str, Any]) -> set[str]:
    told = json.dumps({"session_id": "two", **event}).encode()
    command = [sys.executable, "-P", "-c", HOOK_THAT_TELLS]
    done = subprocess.run(command, input=told, env=agent.environ, capture_output=True, check=True, cwd=directory)
    return set(json.loads(done.stderr)) - set(json.loads(bare()))


def bare() -> str:
    """Return what an interpreter loads before any program."""
    code = "import json, sys; print(json.dumps(list(sys.modules)))"
    return subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True).stdout


def test_no_event_loads_what_takes_long(loaded: dict[str, set[str]]) -> None:
    assert {name: HEAVY & modules for name, modules in loaded.items() if HEAVY & modules} == {}


def test_each_event_loads_no_more_modules_of_ours_than_its_budget(loaded: dict[str, set[str]]) -> None:
    ours = {name: sorted(each for each in modules if each.startswith("memory_")) for name, modules in loaded.items()}

    assert {name: modules for name, modules in ours.items() if len(modules) > MOST[name]} == {}


def test_an_event_after_a_tool_loads_nothing_that_only_others_need(loaded: dict[str, set[str]]) -> None:
    assert UNUSED_AFTER_A_TOOL & loaded["PostToolUse"] == set()
    assert RUNNERS & loaded["Edit"] == set()


def test_what_other_clients_say_is_read_by_their_hooks_alone(loaded: dict[str, set[str]]) -> None:
    foreign = {"memory_mcp.hooks.dialects", "memory_mcp.hooks.late_telling"}

    assert {name for name, modules in loaded.items() if foreign & modules} == set()


@pytest.mark.parametrize("client", ["codex", "gemini", "cursor", "vscode"])
def test_the_hooks_of_other_clients_load_nothing_that_takes_long(tmp_path: Path, client: str) -> None:
    agent = Agent(tmp_path, "one")
    agent.failed("pytest tests/billing", "KeyError: 'vat'")
    after = {"gemini": "AfterTool", "cursor": "postToolUse"}.get(client, "PostToolUse")
    told = json.dumps({"session_id": "two", "hook_event_name": after, **BASH, "tool_response": "x"}).encode()
    code = HOOK_THAT_TELLS.replace('["hook"]', f'["hook", "--client", "{client}"]')
    command = [sys.executable, "-P", "-c", code]

    done = subprocess.run(command, input=told, env=agent.environ, capture_output=True, check=True, cwd=tmp_path)

    assert HEAVY & (set(json.loads(done.stderr)) - set(json.loads(bare()))) == set()
