"""The tools that advise, hand over and work on patterns, tags and links, through the official client."""

from typing import Any

import pytest
from mcp.shared.exceptions import MCPError

from memory_mcp.config.settings import Settings
from memory_mcp.errors import ConfigError
from memory_mcp.server.desk import Desk
from memory_mcp.server.tools.catalogue import TOOLS, offered
from tests.conftest import OpenMemory
from tests.server.clients import call, connected, refusal

TASK = "checkout loses the basket when the session expires"
FAILING = {
    "tool": "bash",
    "action": "pytest tests/test_cart.py",
    "result": {"type": "error", "message": "SessionError: basket 41 is gone"},
}
EDIT = {"tool": "edit", "action": "keep it in the cookie", "parameters": {"file": "shop/session.py"}}
EDIT["result"] = {"type": "success", "output": ""}
PASSING = {"tool": "bash", "action": "pytest tests/test_cart.py", "result": {"type": "success", "output": "1 passed"}}
COMMIT = {"tool": "bash", "action": "git commit -m done", "result": {"type": "success", "output": ""}}
STEPS = [FAILING, EDIT, PASSING, COMMIT]


async def solve(client: Any, task: str, steps: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    new = {"task_description": task, "task_type": "bug_fix", "domain": "checkout", "language": "python"}
    episode_id = (await call(client, "create_episode", **new))["episode_id"]
    await call(client, "add_episode_steps", episode_id=episode_id, steps=steps or STEPS)
    return await call(client, "complete_episode", episode_id=episode_id, outcome_type="success", verdict="use cookies")


@pytest.mark.anyio
async def test_the_loop_of_asking_doing_and_judging(desk: Desk, mode: str) -> None:
    async with connected(desk, mode) as client:
        assert (await call(client, "recommend_playbook", task_description=TASK))["message"] == (
            "nothing relevant is remembered"
        )
        done = await solve(client, TASK)
        assert done.get("patterns", []) == []  # one task proves nothing
        assert done["reward"]["learning_bonus"] == 0.1

        playbook = await call(client, "recommend_playbook", task_description="guests lose the basket in checkout")
        assert [step["do"] for step in playbook["steps"]] == ["edit: keep it in the cookie [shop/session.py]"]
        assert any("pytest tests/test_" in fact for fact in playbook["facts"])
        assert playbook["pitfalls"] == []  # one task's failure is no rule
        passed_last = await call(client, "check_action", command="pytest tests/test_cart.py")
        assert passed_last == {"dead_ends": []}
        assert (await call(client, "check_action", file="unknown.py")) == {"dead_ends": []}

        again = await solve(client, "guests lose the basket in checkout")
        assert "duplicate_of" not in again
        later = await call(client, "recommend_playbook", task_description="guests lose the basket at the till")
        assert later["pitfalls"][0]["instead"] == ["edit: keep it in the cookie [shop/session.py]"]
        judged = await call(
            client, "record_feedback", feedback="helped", recommendation_id=playbook["playbook_id"], note="right"
        )
        assert judged["counts_for"]
        assert all(each["went_well"] == each["followed"] == 1 for each in judged["counts_for"])
        shown = await call(client, "recommend_playbook", playbook_id=playbook["playbook_id"])
        assert shown == playbook


@pytest.mark.anyio
async def test_patterns_are_searched_analyzed_explained_and_recommended(desk: Desk) -> None:
    async with connected(desk) as client:
        assert (await call(client, "search_patterns", query="anything"))["patterns"] == []
        for task in (TASK, "expired sessions of guests break the order page", "print the bill", "count coupons"):
            await solve(client, task)

        found = await call(client, "search_patterns", query="SessionError basket")
        assert found["patterns"][0]["title"] == "recover from SessionError: basket <n> is gone"
        explained = await call(client, "explain_pattern", pattern_id=found["patterns"][0]["pattern_id"])
        assert explained["do"] == ["edit: keep it in the cookie [shop/session.py]"]
        assert explained["heuristics"] == [
            "on the error 'SessionError: basket <n> is gone': edit: keep it in the cookie [shop/session.py] (4 of 4)"
        ]
        assert len(explained["episode_ids"]) == 4
        analysis = await call(client, "analyze_patterns", kind="error_recovery")
        assert [each["title"] for each in analysis["patterns"]] == ["recover from SessionError: basket <n> is gone"]
        assert analysis["heuristics"][0]["rule"].startswith("on the error 'SessionError: basket <n> is gone'")
        assert (await call(client, "analyze_patterns", kind="decision_point"))["patterns"] == []
        given = await call(client, "recommend_patterns", task_description="SessionError in checkout", language="python")
        assert given["patterns"][0]["why"]
        assert given["recommendation_id"]
        assert await refusal(client, "explain_pattern", pattern_id="nope") == "no pattern nope in project here"


@pytest.mark.anyio
async def test_a_handoff_goes_from_one_client_to_another(desk: Desk, open_memory: OpenMemory) -> None:
    async with connected(desk) as client:
        new = {"task_description": TASK, "task_type": "bug_fix", "domain": "checkout", "tags": ["ci"]}
        episode_id = (await call(client, "create_episode", **new))["episode_id"]
        await call(client, "add_episode_steps", episode_id=episode_id, steps=[FAILING])
        made = await call(
            client, "checkpoint_episode", episode_id=episode_id, note="read too early", next_steps=["move it"]
        )
    other = Desk(open_memory(toolsets=("records",)))
    async with connected(other) as client:
        read = await call(client, "get_handoff", handoff_id=made["handoff_id"])
        resumed = await call(client, "resume_from_handoff", handoff_id=read["handoff_id"])

        assert read["open_errors"] == ["SessionError: basket <n> is gone"]
        assert (read["note"], read["next_steps"], read["steps_done"]) == ("read too early", ["move it"], 1)
        assert resumed["handoff"] == read
        whole = await call(client, "get_episode", episode_id=resumed["episode_id"])
        assert (whole["task_description"], whole["tags"], whole["domain"]) == (TASK, ["ci"], "checkout")
        assert whole["relationships"] == [{"kind": "follows", "from": resumed["episode_id"], "to": episode_id}]
    other.close()


@pytest.mark.anyio
async def test_answers_about_huge_episodes_stay_small(desk: Desk) -> None:
    def failing(number: int) -> list[dict[str, Any]]:
        command = f"tool-{number} " + f"part{number} " * 150
        error = {"type": "error", "message": f"Error{number}: " + f"cause{number} " * 200}
        fixed = {"type": "success", "output": ""}
        edits = [
            {"tool": "edit", "action": "mend " * 200, "parameters": {"file": f"a{number}/{part}.py"}, "result": fixed}
            for part in range(6)
        ]
        return [
            {"tool": "bash", "action": command, "result": error},
            *edits,
            {"tool": "bash", "action": command, "result": fixed},
        ]

    async with connected(desk) as client:  # every call checks that its answer is below 8 KB
        new = {"task_description": TASK + " and more" * 900, "task_type": "bug_fix", "domain": "checkout"}
        for _ in range(3):
            episode_id = (await call(client, "create_episode", **new))["episode_id"]
            steps = [step for number in range(12) for step in failing(number)]
            await call(client, "add_episode_steps", episode_id=episode_id, steps=steps)
            made = await call(
                client, "checkpoint_episode", episode_id=episode_id, note="n" * 9_000, next_steps=["m" * 9_000] * 20
            )
            await call(client, "resume_from_handoff", handoff_id=made["handoff_id"])
            closing = {"outcome_type": "success", "verdict": "v", "confirmed_by_user": True}
            await call(client, "complete_episode", episode_id=episode_id, **closing)
        playbook = await call(client, "recommend_playbook", task_description=TASK)
        known = await call(client, "check_action", command=steps[0]["action"])
        for pattern in (await call(client, "search_patterns", query="cause0 error"))["patterns"]:
            await call(client, "explain_pattern", pattern_id=pattern["pattern_id"])
        await call(client, "recommend_patterns", task_description=TASK, limit=50)
        await call(client, "analyze_patterns", limit=100)

    assert playbook["steps"]
    assert playbook["steps"][0]["sources"]
    assert 8 <= len(playbook["steps"]) <= 12
    assert known == {"dead_ends": []}


@pytest.mark.anyio
async def test_tags_and_relationships_have_their_tools(desk: Desk) -> None:
    async with connected(desk) as client:
        new = {"task_type": "x", "domain": "y"}
        one, two, three = [
            (await call(client, "create_episode", task_description=f"task {number}", **new))["episode_id"]
            for number in range(3)
        ]
        assert (await call(client, "tag_record", record_id=one, add=["ci"]))["tags"] == ["ci"]
        assert (await call(client, "rename_tag", old="ci", new="tests"))["renamed_on"] == 1
        assert (await call(client, "list_tags"))["tags"] == [{"tag": "tests", "records": 1}]
        link = {"from_episode_id": two, "kind": "follows", "to_episode_id": one}
        assert (await call(client, "add_relationship", **link))["added"] == 1
        await call(client, "add_relationship", **{**link, "from_episode_id": three, "to_episode_id": two})
        assert "would close a circle" in await refusal(
            client, "add_relationship", from_episode_id=one, kind="follows", to_episode_id=three
        )
        related = await call(client, "related_episodes", episode_id=one, depth=2)
        assert [(row["episode_id"], row["depth"]) for row in related["episodes"]] == [(one, 0), (two, 1), (three, 2)]
        assert len(related["relationships"]) == 2
        assert (await call(client, "related_episodes", episode_id=one, form="dot"))["dot"].startswith("digraph")
        assert (await call(client, "order_episodes", kind="follows"))["episode_ids"] == [one, two, three]
        assert await call(client, "remove_relationship", **link) == {"removed": 1}


@pytest.mark.anyio
async def test_what_was_asked_before_an_episode_belongs_to_it(desk: Desk) -> None:
    async with connected(desk) as client:
        await solve(client, TASK)
        await call(client, "query_memory", query="lost basket in checkout")
        await call(client, "recommend_playbook", task_description="lost basket in checkout")
        second = await solve(client, "expired sessions of guests break the order page")

    episode_id = desk.memory.store.ids.full(second["episode_id"])
    with desk.memory.store.database.read() as session:
        key, _ = desk.memory.store.episodes.place(session, episode_id)
        given = desk.memory.store.recommendations.given_in(session, key)
    assert sorted(made.kind for made in given) == ["playbook", "recall"]
    assert desk.memory.store.recommendations.counts()["acted on"] == 2


@pytest.mark.anyio
async def test_withheld_recalls_say_so_and_stay_withheld_in_the_episode(open_memory: OpenMemory) -> None:
    desk = Desk(open_memory(withhold_share=1.0))
    async with connected(desk) as client:
        answer = await call(client, "query_memory", query="lost basket in checkout")
        assert answer["degraded"] == [
            "withheld to measure the lift of recall (learning.withhold_share); go on without it"
        ]
        assert "message" in await call(client, "recommend_playbook", task_description="lost basket")
        await solve(client, TASK)
    assert desk.memory.store.recommendations.counts()["withheld"] == 1
    assert [each.withheld for each in desk.memory.store.digests.exposures()] == [True]
    desk.close()


@pytest.mark.anyio
async def test_a_tool_of_a_toolset_that_is_not_offered_says_how_to_get_it(open_memory: OpenMemory) -> None:
    desk = Desk(open_memory())
    async with connected(desk) as client:
        listed = [tool.name for tool in (await client.list_tools()).tools]
        assert len(listed) == 16
        with pytest.raises(MCPError, match="no tool rename_tag; it comes with --toolsets tags; there are query_memory"):
            await client.call_tool("rename_tag", {})
    desk.close()


def test_every_tool_of_the_issue_is_there_and_a_toolset_must_exist() -> None:
    assert {
        *("search_patterns", "analyze_patterns", "explain_pattern", "recommend_patterns", "recommend_playbook"),
        *("record_feedback", "check_action", "checkpoint_episode", "get_handoff", "resume_from_handoff"),
    } < set(TOOLS)
    assert set(offered(["all"])) == set(TOOLS)
    assert len(offered(Settings().server.toolsets)) == 16
    with pytest.raises(ConfigError, match="no toolset kitchen; there are all, learning, records, relationships, tags"):
        offered(["kitchen"])


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("tool", "arguments", "sentence"),
    [
        ("check_action", {}, "give the command, or the file"),
        ("recommend_playbook", {}, "give task_description, or the playbook_id"),
        ("record_feedback", {"feedback": "helped"}, "say what is judged"),
        ("record_feedback", {"feedback": "meh"}, "Invalid enum value 'meh'"),
        ("resume_from_handoff", {"handoff_id": "x"}, "no handoff x in project here"),
        ("related_episodes", {"episode_id": "x", "depth": 99}, "Expected `int` <= 20"),
        ("order_episodes", {"kind": "references"}, "references has no order"),
    ],
)
async def test_bad_arguments_get_a_sentence_that_helps(
    desk: Desk,
    tool: str,
    arguments: dict[str, Any],
    sentence: str,
) -> None:
    async with connected(desk) as client:
        assert sentence in await refusal(client, tool, **arguments)


@pytest.mark.anyio
async def test_an_erased_episode_does_not_keep_its_session_from_asking(desk: Desk) -> None:
    async with connected(desk) as client:
        await solve(client, TASK)
        new = {"task_description": "another", "task_type": "x", "domain": "y"}
        episode_id = (await call(client, "create_episode", **new))["episode_id"]
        desk.memory.episodes.delete(desk.memory.store.ids.full(episode_id))

        assert (await call(client, "query_memory", query="lost basket in checkout"))["hits"]
        assert (await call(client, "recommend_playbook", task_description="lost basket in checkout"))["steps"]


@pytest.mark.anyio
async def test_advice_stands_where_it_cannot_be_kept(open_memory: OpenMemory) -> None:
    desk = Desk(open_memory(busy_timeout_s=0.05))
    async with connected(desk) as client:
        await solve(client, TASK)
        new = {"task_description": "another", "task_type": "x", "domain": "y"}
        episode_id = (await call(client, "create_episode", **new))["episode_id"]
        failed = {"type": "error", "message": "KeyError: basket"}
        steps = [{"tool": "bash", "action": "pytest tests/test_cart.py", "result": failed}]
        await call(client, "add_episode_steps", episode_id=episode_id, steps=steps)
        await call(client, "query_memory", query="lost basket in checkout")
        with open_memory(busy_timeout_s=5.0).store.database.write():
            playbook = await call(client, "recommend_playbook", task_description="lost basket in checkout")
            answer = await call(client, "query_memory", query="lost basket in checkout")
            known = await call(client, "check_action", command="pytest tests/test_cart.py")

    assert playbook["steps"]
    assert "playbook_id" not in playbook
    assert playbook["message"].startswith("this answer is not kept for feedback and credit: ")
    assert answer["hits"]
    assert any(reason.startswith("this answer is not kept") for reason in answer["degraded"])
    assert known["dead_ends"][0]["failed"] == "1 of 1 run in this session"
    desk.close()
