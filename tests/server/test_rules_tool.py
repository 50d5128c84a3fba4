"""The tool `rules` shows what was decided, and changes it when the user says so."""

from typing import Any

import pytest

from memory_mcp.errors import InvalidInputError
from memory_mcp.server import arguments
from memory_mcp.server.desk import Desk
from memory_mcp.server.learning_arguments import Rules
from memory_mcp.server.tools.records import get_episode, query_memory
from memory_mcp.server.tools.rules import rules
from tests.conftest import OpenMemory


@pytest.fixture
def desk(open_memory: OpenMemory) -> Desk:
    return Desk(open_memory())


def ask(desk: Desk, **given: Any) -> dict[str, Any]:
    return dict(rules(desk, Rules(**given)))


def test_a_decision_is_added_listed_and_retired(desk: Desk) -> None:
    added = ask(desk, action="add", text="Never push to main.", file="ci/run.sh")

    (shown,) = ask(desk)["decisions"]
    assert (shown["decision_id"], shown["decision"], shown["by"]) == (
        added["decision_id"],
        "Never push to main.",
        "agent",
    )
    assert shown["files"] == ["ci/run.sh"]
    assert [each["decision_id"] for each in ask(desk, file="ci/run.sh")["decisions"]] == [added["decision_id"]]
    assert ask(desk, file="other.py") == {"decisions": [], "message": "nothing is known to be decided here"}

    ask(desk, action="retire", decision_id=added["decision_id"])
    assert ask(desk)["decisions"] == []


def test_contradictions_are_shown_whole_and_one_call_settles_them(desk: Desk) -> None:
    for seconds, file in ((5, "a.py"), (9, "b.py")):
        desk.memory.notes.add(f"The timeout is {seconds} s for the payment client, never longer, see {file}.")

    (pair,) = ask(desk)["contradictions"]
    assert "timeout" in pair["why"]
    ask(desk, action="settle", decision_id=pair["newer"]["decision_id"], other_id=pair["older"]["decision_id"])

    shown = ask(desk)
    assert "contradictions" not in shown
    assert [each["decision_id"] for each in shown["decisions"]] == [pair["newer"]["decision_id"]]


def test_an_action_that_lacks_an_id_says_which(desk: Desk) -> None:
    with pytest.raises(InvalidInputError, match="this action needs decision_id; 'list' shows the ids"):
        ask(desk, action="retire")


def test_query_memory_finds_decisions_alone_and_get_episode_reads_one(desk: Desk) -> None:
    desk.memory.notes.add("The queue of the shop must never be sorted.")

    (hit,) = query_memory(desk, arguments.QueryMemory("queue of the shop sorted", decisions_only=True))["hits"]

    assert hit["kind"] == "decision"
    whole = get_episode(desk, arguments.GetEpisode(desk.memory.store.ids.full(hit["decision_id"])))
    assert whole["decision"] == "The queue of the shop must never be sorted."
