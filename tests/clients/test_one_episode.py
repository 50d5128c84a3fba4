"""Importing what the hooks of the real clients recorded adds nothing."""

import json
from typing import Any

from memory_mcp.memory import Memory
from memory_mcp.models.episodes import Episode
from tests.clients.conftest import Client
from tests.clients.scripted import Messages, scripted_model


def episodes_of(client: Client) -> list[Episode]:
    with Memory.open(client.environ, client.project, actor="test") as memory:
        return [memory.episodes.get(row.id) for row in memory.episodes.list().episodes]


def imported(client: Client, kind: str) -> tuple[int, int, int]:
    told = json.loads(client.cli("import", kind, "--json"))
    assert told["bad"] == 0
    return told["read"], told["imported"], told["grown"]


def test_importing_after_the_hooks_of_claude_code_adds_nothing(claude: Client) -> None:
    claude.cli("setup", "claude", "--hooks")
    (claude.project / "billing.py").write_text("rate = 1\n", encoding="utf-8")
    file = str(claude.project / "billing.py")

    def script(_: Messages, called: int) -> tuple[str, dict[str, Any]] | str:
        calls: list[tuple[str, dict[str, Any]]] = [
            ("Bash", {"command": "false", "description": "check"}),
            ("Read", {"file_path": file}),
            ("Edit", {"file_path": file, "old_string": "rate = 1", "new_string": "rate = 2"}),
            ("Bash", {"command": "echo checked", "description": "check"}),
        ]
        return calls[called] if called < len(calls) else "The rate is two now."

    with scripted_model(script) as (url, _):
        claude.ask(url, "hi", "Edit", "Read")
        claude.ask(url, "thanks", "Edit", "Read")
    before = episodes_of(claude)
    read, new, grown = imported(claude, "claude-code")

    assert (new, grown) == (0, 0)
    assert read >= 1
    assert episodes_of(claude) == before
    (episode,) = before
    assert [step.tool for step in episode.steps] == ["Bash", "Read", "Edit", "Bash", "assistant"]
    assert episode.steps[4].action == "The rate is two now."
    assert "-rate = 1\n+rate = 2" in str(episode.steps[2].result).replace("\\n", "\n")


def test_hooks_of_claude_code_go_on_in_an_imported_session_that_is_resumed(claude: Client) -> None:
    def script(messages: Messages, _: int) -> tuple[str, dict[str, Any]] | str:
        last = messages[-1]["content"]
        done = isinstance(last, list) and any(part.get("type") == "tool_result" for part in last)
        return "done" if done else ("Bash", {"command": f"echo {len(messages)}", "description": "check"})

    with scripted_model(script) as (url, _):
        claude.ask(url, "prepare the release of the billing service")
        _, new, _ = imported(claude, "claude-code")
        claude.cli("setup", "claude", "--hooks")
        claude.ask(url, "and now tag it please", "--continue")
    (episode,) = episodes_of(claude)
    after = imported(claude, "claude-code")

    assert new == 1
    assert [step.tool for step in episode.steps if step.tool != "assistant"] == ["Bash", "user", "Bash"]
    assert after[1:] == (0, 0)


def test_importing_after_the_plugin_of_opencode_adds_nothing(opencode: Client) -> None:
    opencode.cli("setup", "opencode", "--hooks")
    (opencode.project / "billing.py").write_text("rate = 1\n", encoding="utf-8")
    file = str(opencode.project / "billing.py")

    def script(_: Messages, called: int) -> tuple[str, dict[str, Any]] | str:
        calls: list[tuple[str, dict[str, Any]]] = [
            ("bash", {"command": "false", "description": "fail"}),
            ("read", {"filePath": file}),
            ("edit", {"filePath": file, "oldString": "rate = 1", "newString": "rate = 2"}),
        ]
        return calls[called] if called < len(calls) else "The rate is two now."

    with scripted_model(script) as (url, _):
        opencode.use_model(url)
        opencode.run("run", "set the rate to two")
        opencode.run("run", "thanks")
    before = episodes_of(opencode)
    read, new, grown = imported(opencode, "opencode")

    assert (new, grown) == (0, 0)
    assert read >= 1
    assert episodes_of(opencode) == before
    (episode,) = before
    assert [step.tool for step in episode.steps] == ["bash", "read", "edit", "assistant"]
    assert "+rate = 2" in str(episode.steps[2].result)
    assert episode.steps[3].action == "The rate is two now."
