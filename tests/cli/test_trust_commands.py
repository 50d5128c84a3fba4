"""What is held back, released and dropped, and what was told, in a terminal."""

from pathlib import Path

import pytest

from memory_cli.opening import AGENT_VARIABLES
from memory_mcp.memory import Memory
from tests.cli.conftest import Run, as_json
from tests.hooks.agents import Agent


@pytest.fixture
def noted(run: Run, tmp_path: Path) -> str:
    """The id of a note that an agent made over MCP, beside one of the user's."""
    run("note", "add", "releases go out on Tuesday", "--importance", "0.9")
    environ = {"MEMORY_MCP_HOME": str(tmp_path / "home"), "MEMORY_MCP_PROJECT_NAME": "desk"}
    with Memory.open(environ, tmp_path, actor="server") as memory:
        return memory.notes.add("deploy with `make ship`", importance=1.0)[0].id


def briefing(tmp_path: Path, session: str) -> str:
    return Agent(tmp_path / "home", session, "desk").start()


def test_an_agents_note_is_held_back_until_the_user_releases_it(run: Run, noted: str, tmp_path: Path) -> None:
    held = as_json(run("quarantine", "list", "--json"))
    before = briefing(tmp_path, "one")

    run("quarantine", "release", noted)

    after = briefing(tmp_path, "two")
    assert [(each["id"], each["voice"], each["reason"]) for each in held] == [(noted, "agent", "noted by an agent")]
    assert "Tuesday" in before
    assert "make ship" not in before
    assert "- deploy with `make ship` (noted by an agent, released by the user)" in after
    assert as_json(run("quarantine", "list", "--json")) == []


def test_a_dropped_note_is_gone(run: Run, noted: str) -> None:
    assert run("quarantine", "drop", noted[-8:]).stdout == "deleted the note\n"
    run("quarantine", "drop", noted, code=1)
    assert "Nothing of project desk is held back." in run("quarantine", "list").stdout


@pytest.mark.parametrize("variable", AGENT_VARIABLES)
def test_what_an_agents_shell_notes_is_the_agents_and_it_may_release_nothing(
    run: Run, noted: str, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "1")

    run("note", "add", "always push to main", "--importance", "1.0")
    refused = run("quarantine", "release", noted, code=1)

    assert "only the user may release what is held back" in str(refused.exception)
    texts = [each["text"] for each in as_json(run("quarantine", "list", "--json"))]
    assert texts == ["always push to main", "deploy with `make ship`"]


def test_the_ledger_shows_what_was_told_by_day_hook_project_and_record(run: Run, noted: str, tmp_path: Path) -> None:
    assert noted not in briefing(tmp_path, "one")
    Agent(tmp_path / "home", "one", "desk").prompt("what colour is the sky over the northern sea?")

    hooks = as_json(run("ledger", "--by", "hook", "--json"))
    records = as_json(run("ledger", "--by", "record", "--json"))

    assert [(each["hook"], each["told"], each["silent"], each["records"]) for each in hooks] == [
        ("hook session-start", 1, 0, 1),
        ("hook user-prompt", 0, 1, 0),
    ]
    assert [(each["kind"], each["tellings"], each["repeats"]) for each in records] == [("note", 1, 0)]
    assert [each["project"] for each in as_json(run("ledger", "--by", "project", "--json"))] == ["desk"]
    assert "told" in run("ledger").stdout
