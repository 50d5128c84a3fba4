"""What waits in the hooks' queue and what was set aside, in a terminal."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run, as_json
from tests.hooks.agents import Agent
from tests.hooks.conftest import opened


@pytest.fixture
def agent(tmp_path: Path) -> Agent:
    """An agent whose session began, one of whose events was spoilt while it waited."""
    made = Agent(tmp_path / "home", "one", "desk")
    made.prompt("deploy the site")
    with opened(made) as memory, memory.store.database.write():
        made.passed("make build", "ok")
    return made


def queued(agent: Agent) -> Path:
    return agent.home / "hooks" / "queue.jsonl"


def actions(agent: Agent) -> list[str]:
    with opened(agent) as memory:
        (row,) = memory.episodes.list().episodes
        return [step.action for step in memory.episodes.get(row.id).steps]


def test_waiting_events_are_listed_and_recorded(run: Run, agent: Agent) -> None:
    assert "1 events wait, the oldest since 20" in run("queue", "list").stdout
    assert run("queue", "drain").stdout == "1 events recorded; 0 wait; 0 set aside\n"
    assert actions(agent) == ["make build"]


def test_events_set_aside_are_listed_and_tried_again(run: Run, agent: Agent) -> None:
    good = queued(agent).read_text(encoding="utf-8")
    told = json.loads(good)
    spoilt = {**told, "event": {**told["event"], "name": "wonder"}}
    queued(agent).write_text(f"{json.dumps(spoilt)}\n{good}", encoding="utf-8")

    assert run("queue", "drain").stdout == "1 events recorded; 0 wait; 1 set aside\n"
    (kept,) = as_json(run("queue", "list", "--json"))["set_aside"]
    assert json.loads(kept["line"]) == spoilt
    listed = run("queue", "list").stdout
    assert "ValidationError: Invalid enum value 'wonder'" in kept["reason"]
    assert "ValidationError" in listed
    assert "queue retry" in listed
    again = run("queue", "retry").stdout
    assert again == "1 events put back\n0 events recorded; 0 wait; 1 set aside\n"
    assert run("queue", "delete", "--yes").stdout == "1 events deleted\n"
    assert as_json(run("queue", "list", "--json"))["state"]["set_aside"] == 0
    assert actions(agent) == ["make build"]


def test_the_queue_is_empty_where_no_hook_has_run(run: Run) -> None:
    assert run("queue", "list").stdout == "0 events wait; 0 set aside, 0 dropped\n"
    assert run("queue", "retry").stdout == "0 events put back\n0 events recorded; 0 wait; 0 set aside\n"
    assert run("queue", "delete", "--yes").stdout == "0 events deleted\n"
