"""Gemini CLI as users have it, from npm, in a fresh home and without an account, with our hooks."""

import json
from pathlib import Path
from typing import Any

from memory_mcp.memory import Memory
from memory_mcp.models.episodes import StepError, StepSuccess
from tests.clients.conftest import Client
from tests.clients.scripted import Messages, scripted_model


def test_gemini_runs_the_hooks_and_its_model_sees_what_they_say(gemini: Client) -> None:
    gemini.cli("setup", "gemini", "--hooks")
    gemini.cli("note", "add", "releases go out on Tuesday", "--importance", "0.9")
    gemini.cli("decision", "add", "The rates in rates.py must be whole numbers, never fractions.", "--file", "rates.py")
    calls: list[tuple[str, dict[str, Any]]] = [
        ("run_shell_command", {"command": "echo boom; exit 3"}),
        ("write_file", {"file_path": "rates.py", "content": "rate = 2\n"}),
    ]

    def script(_: Messages, called: int) -> tuple[str, dict[str, Any]] | str:
        return calls[called] if called < len(calls) else "The rate is two."

    with scripted_model(script) as (url, seen):
        told = gemini.ask_gemini(url, "set the rate of the billing service")
    for message in seen[-1]:
        for part in message["parts"]:
            if "hook_context" in json.dumps(part):
                print(json.dumps(part)[-900:])  # noqa: T201 - what the model saw

    assert "The rate is two." in told
    assert "- releases go out on Tuesday" in json.dumps(seen[0])
    assert "Kept by the user" not in json.dumps(seen[1])
    assert "Kept by the user" in json.dumps(seen[2])  # with the result: nothing is shown before a tool
    with Memory.open(gemini.environ, gemini.project, actor="test") as memory:
        (row,) = [each for each in memory.episodes.list().episodes if each.step_count]
        episode = memory.episodes.get(row.id)
    assert episode.task == "set the rate of the billing service"
    assert [(step.tool, type(step.result)) for step in episode.steps] == [
        ("run_shell_command", StepError),
        ("write_file", StepSuccess),
        ("assistant", type(None)),
    ]
    assert "+rate = 2" in str(episode.steps[1].result)
    assert not (Path(gemini.environ["MEMORY_MCP_HOME"]) / "hooks" / "hook.log").exists()
