"""Codex as users have it, from npm, in a fresh home and without an account, with our hooks."""

import json
import sys
from pathlib import Path
from typing import Any

from memory_mcp.memory import Memory
from memory_mcp.models.episodes import StepError, StepSuccess
from tests.clients.conftest import Client
from tests.clients.scripted import Messages, scripted_model

PATCH = "*** Begin Patch\n*** Add File: rates.py\n+rate = 2\n*** End Patch\n"

BEFORE_THE_EDIT = "):\n- The rates in rates.py must be whole numbers, never fractions."


def heard(messages: Messages) -> list[str]:
    """Return what a hook has told the model, which Codex hands over as the developer's word."""
    texts = [str(part.get("text")) for each in messages if each.get("role") == "developer" for part in each["content"]]
    return [text for text in texts if text.startswith("<memory-mcp-recall>")]


def test_codex_runs_the_hooks_and_its_model_sees_what_they_say(codex: Client) -> None:
    codex.cli("setup", "codex", "--hooks")
    codex.cli("note", "add", "releases go out on Tuesday", "--importance", "0.9")
    codex.cli("decision", "add", "The rates in rates.py must be whole numbers, never fractions.", "--file", "rates.py")
    calls: list[tuple[str, dict[str, Any]]] = [
        ("exec_command", {"cmd": "echo checked"}),
        ("apply_patch", {"input": PATCH}),
    ]

    def script(_: Messages, called: int) -> tuple[str, dict[str, Any]] | str:
        return calls[called] if called < len(calls) else "The rate is two."

    with scripted_model(script) as (url, seen):
        told = codex.ask_codex(url, "set the rate of the billing service")
    for text in heard(seen[-1]):
        print(text)  # noqa: T201 - what the model saw

    assert "The rate is two." in told
    assert any("- releases go out on Tuesday" in text for text in heard(seen[0]))
    with Memory.open(codex.environ, codex.project, actor="test") as memory:
        (row,) = [each for each in memory.episodes.list().episodes if each.step_count]
        episode = memory.episodes.get(row.id)
    assert episode.task == "set the rate of the billing service"
    assert [(step.tool, type(step.result)) for step in episode.steps] == [
        ("Bash", StepSuccess),
        ("apply_patch", StepSuccess),
        ("assistant", type(None)),
    ]
    assert [step.action for step in episode.steps] == ["echo checked", "rates.py", "The rate is two."]
    assert (codex.project / "rates.py").read_text(encoding="utf-8") == "rate = 2\n"
    assert any(BEFORE_THE_EDIT in text for text in heard(seen[2]))
    assert not any(BEFORE_THE_EDIT in text for text in heard(seen[1]))
    assert not (Path(codex.environ["MEMORY_MCP_HOME"]) / "hooks" / "hook.log").exists()


def test_importing_after_the_hooks_of_codex_adds_nothing(codex: Client) -> None:
    codex.cli("setup", "codex", "--hooks")

    def script(_: Messages, called: int) -> tuple[str, dict[str, Any]] | str:
        return "done" if called else ("exec_command", {"cmd": "echo checked"})

    with scripted_model(script) as (url, _):
        codex.ask_codex(url, "check the release of the billing service")
    told = json.loads(codex.cli("import", "codex", "--json"))

    assert (told["bad"], told["read"], told["imported"], told["grown"]) == (0, 1, 0, 0)


def test_the_next_session_of_codex_is_told_what_mended_the_last_failure(codex: Client) -> None:
    codex.cli("setup", "codex", "--hooks")
    (codex.project / "test_rate.py").write_text("from rate import RATE\n\ndef test_rate(): assert RATE == 2\n")
    test = f"{sys.executable} -m pytest test_rate.py"
    commands = [test, "echo RATE = 2 > rate.py", test]

    def script(_: Messages, called: int) -> tuple[str, dict[str, Any]] | str:
        return ("exec_command", {"cmd": commands[called]}) if called < len(commands) else "done"

    with scripted_model(script) as (url, seen):
        codex.ask_codex(url, "make the test of the rate pass")
    with Memory.open(codex.environ, codex.project, actor="test") as memory:
        (row,) = memory.episodes.list().episodes
        steps = memory.episodes.get(row.id).steps
    (codex.home / ".codex" / "config.toml").unlink()
    with scripted_model(lambda *_: "done") as (url, seen):
        codex.ask_codex(url, "go on with the billing service")
    print("\n".join(heard(seen[0])))  # noqa: T201 - what the model saw

    assert [type(step.result) for step in steps[:3]] == [StepError, StepSuccess, StepSuccess]
    assert "No module named 'rate'" in "\n".join(heard(seen[0]))
