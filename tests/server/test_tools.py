"""The tools through the official client, in memory and at both revisions of the protocol."""

import json
import threading
from collections.abc import Sequence
from typing import Any

import anyio
import mcp_types as types
import pytest
from mcp.shared.exceptions import MCPError

from memory_mcp.embeddings.provider import Vector
from memory_mcp.memory import Memory
from memory_mcp.models.recall import Query
from memory_mcp.server.desk import Desk
from memory_mcp.server.prompts import INSTRUCTIONS
from memory_mcp.server.tool_calls import described
from memory_mcp.server.tools.catalogue import TOOLS, offered
from tests.fakes import SlowProvider
from tests.server.clients import call, connected, refusal

NEW = {"task_description": "mend the login", "task_type": "bug_fix", "domain": "auth"}


@pytest.mark.anyio
async def test_an_episode_is_recorded_and_found_through_the_tools(desk: Desk, mode: str) -> None:
    async with connected(desk, mode) as client:
        created = await call(client, "create_episode", **NEW, tags=["ci"], complexity="simple")
        episode_id = created["episode_id"]
        assert created == {
            "episode_id": episode_id,
            "status": "active",
            "receipt": {"id": episode_id, "sequence": 1},
        }
        steps = [
            {"tool": "bash", "action": "pytest", "result": {"type": "error", "message": "KeyError: user"}},
            {"tool": "bash", "action": "pytest", "result": {"type": "success", "output": "ok"}, "latency_ms": 12},
        ]
        added = await call(client, "add_episode_steps", episode_id=episode_id, steps=steps)
        assert (added["added"], added["receipt"]["sequence"]) == (2, 2)
        done = await call(
            client, "complete_episode", episode_id=episode_id, outcome_type="success", verdict="use get()"
        )
        assert done["outcome"] == {"type": "success", "verdict": "use get()", "artifacts": [], "evidence": "claimed"}
        assert done["note"].startswith("Recorded as a claim")
        answer = await call(client, "query_memory", query="KeyError in login")
        assert [hit["episode_id"] for hit in answer["hits"]] == [episode_id]
        assert answer["hits"][0]["lesson"] == "use get()"
        whole = await call(client, "get_episode", episode_id=episode_id)
        assert [step["step"] for step in whole["steps"]] == [1, 2]
        assert whole["tags"] == ["ci"]
        timeline = await call(client, "get_episode", episode_id=episode_id, view="timeline", fields=["steps"])
        assert timeline["steps"] == ["1. +0s bash: pytest [FAILED]", "2. +0s bash: pytest [ok]"]
        listed = await call(client, "list_episodes", outcome="success", tags=["ci"])
        assert [row["episode_id"] for row in listed["episodes"]] == [episode_id]
        await call(client, "update_episode", episode_id=episode_id, domain="sessions", add_tags=["flaky"])
        assert (await call(client, "get_episode", episode_id=episode_id, fields=["domain"]))["domain"] == "sessions"
        await call(client, "delete_episode", episode_id=episode_id)
        assert (await call(client, "list_episodes"))["episodes"] == []


@pytest.mark.anyio
async def test_a_success_says_what_it_rests_on_and_what_speaks_against_it(desk: Desk, mode: str) -> None:
    edit = {"tool": "edit", "action": "use get()", "parameters": {"file": "a.py"}, "result": {"type": "success"}}
    passed = {"tool": "bash", "action": "pytest", "result": {"type": "success", "output": "2 passed in 0.1s"}}
    failed = {"tool": "bash", "action": "pytest | tail", "result": {"type": "success", "output": "1 failed in 0.1s"}}
    done = []
    async with connected(desk, mode) as client:
        for steps, confirmed in (([edit, passed], False), ([edit, failed], False), ([edit], True)):
            made = await call(client, "create_episode", **NEW)
            await call(client, "add_episode_steps", episode_id=made["episode_id"], steps=steps)
            closing = {"episode_id": made["episode_id"], "outcome_type": "success", "confirmed_by_user": confirmed}
            done.append(await call(client, "complete_episode", **closing))
        listed = (await call(client, "list_episodes"))["episodes"]

    denied = "The last test run (step 2, pytest | tail) failed: 1 failed in 0.1s"
    assert [each["outcome"]["evidence"] for each in done] == ["shown", "claimed", "user"]
    assert [each.get("doubt") for each in done] == [None, denied, None]
    assert ["note" in each for each in done] == [False, True, False]
    assert [row["evidence"] for row in listed] == ["user", "claimed", "shown"]
    assert [row.get("doubt") for row in listed] == [None, denied, None]


@pytest.mark.anyio
async def test_notes_are_remembered_replaced_and_deleted(desk: Desk) -> None:
    async with connected(desk) as client:
        old = await call(client, "remember_note", text="staging runs on port 5433", tags=["db"])
        new = await call(client, "remember_note", text="staging runs on port 6543", supersedes=old["note_id"])
        answer = await call(client, "query_memory", query="staging port")
        assert [hit["note_id"] for hit in answer["hits"]] == [new["note_id"]]
        await call(client, "delete_note", note_id=new["note_id"])
        answer = await call(client, "query_memory", query="staging port")
        assert [hit["note_id"] for hit in answer["hits"]] == [old["note_id"]]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("tool", "arguments", "sentence"),
    [
        ("create_episode", {"task": "x"}, "unknown argument task; known are task_description, task_type, domain"),
        ("create_episode", {"task_description": "x"}, "missing required fields `task_type`, `domain`"),
        ("create_episode", {**NEW, "complexity": "huge"}, "Invalid enum value 'huge'"),
        ("create_episode", {**NEW, "task_description": " "}, "the task is empty"),
        ("add_episode_steps", {"episode_id": "nope", "steps": [{"tool": "a", "action": "b"}]}, "no episode nope in"),
        ("add_episode_steps", {"episode_id": "nope", "steps": [{"tool": "a"}]}, "missing required field `action`"),
        ("add_episode_steps", {"episode_id": "nope", "steps": []}, "no steps given"),
        ("complete_episode", {"episode_id": "x", "outcome_type": "great"}, "Invalid enum value 'great'"),
        ("list_episodes", {"since": "yesterday"}, "'yesterday' is no time; write 2026-01-31"),
        ("list_episodes", {"limit": 0}, "Expected `int` >= 1"),
        ("list_episodes", {"cursor": "???"}, "is no cursor"),
        ("query_memory", {"query": "x", "scope": "galaxy"}, "Invalid enum value 'galaxy'"),
        ("query_memory", {"query": "x" * 10_001}, "the query has 10001 characters and may have 10000"),
        ("get_episode", {"episode_id": "x" * 5}, "no episode xxxxx in project here"),
        (
            "complete_episode",
            {"outcome_type": "great", "verdict": 5, "extra": 1},
            (
                "missing required field `episode_id`; Invalid enum value 'great' (allowed: 'success', "
                "'partial_success', 'failure', 'abstained') - at `outcome_type`; "
                "Expected `str`, got `int` - at `verdict`; unknown argument extra; known are episode_id, outcome_type"
            ),
        ),
        ("create_episode", {}, "missing required fields `task_description`, `task_type`, `domain`"),
        ("health_check", {"verbose": True}, "unknown argument verbose; known are none"),
    ],
)
async def test_bad_arguments_get_a_sentence_that_helps(
    desk: Desk, tool: str, arguments: dict[str, Any], sentence: str
) -> None:
    async with connected(desk) as client:
        assert sentence in await refusal(client, tool, **arguments)


@pytest.mark.anyio
async def test_an_illegal_move_says_what_is_allowed(desk: Desk) -> None:
    async with connected(desk) as client:
        created = await call(client, "create_episode", **NEW)
        outcome = {"episode_id": created["episode_id"], "outcome_type": "abstained", "reason": "no rights"}
        await call(client, "complete_episode", **outcome)

        sentence = await refusal(client, "complete_episode", **outcome)

        assert "was completed as abstained, so you cannot complete it; update, get and delete are allowed" in sentence


@pytest.mark.anyio
async def test_null_counts_as_absent_and_numbers_in_text_are_read(desk: Desk) -> None:
    async with connected(desk) as client:
        await call(client, "create_episode", **NEW, language=None, complexity=None)

        assert len((await call(client, "list_episodes", limit="5", domain=None))["episodes"]) == 1


@pytest.mark.anyio
async def test_a_huge_episode_is_shown_in_bounded_answers_that_lose_nothing(desk: Desk) -> None:
    async with connected(desk) as client:
        episode_id = (await call(client, "create_episode", **NEW))["episode_id"]
        steps = [{"tool": "bash", "action": f"step {number} " + "x" * 900} for number in range(60)]
        await call(client, "add_episode_steps", episode_id=episode_id, steps=steps)
        seen: list[int] = []
        start = 1
        while start:
            part = await call(client, "get_episode", episode_id=episode_id, from_step=start)
            seen += [step["step"] for step in part["steps"]]
            assert part["steps"][0]["action"].endswith("characters]")
            start = part.get("next_step", 0)
        assert seen == list(range(1, 61))


@pytest.mark.anyio
async def test_a_long_list_is_paged_by_size_and_shows_every_row_once(desk: Desk) -> None:
    async with connected(desk) as client:
        made = [
            (await call(client, "create_episode", **{**NEW, "task_description": f"{number} " + "y" * 800}))[
                "episode_id"
            ]
            for number in range(60)
        ]
        seen: list[str] = []
        cursor = None
        while True:
            page = await call(client, "list_episodes", limit=50, cursor=cursor)
            seen += [row["episode_id"] for row in page["episodes"]]
            cursor = page["next_cursor"]
            if cursor is None:
                break
        assert seen == made[::-1]


@pytest.mark.anyio
async def test_health_touches_every_part(desk: Desk) -> None:
    async with connected(desk) as client:
        health = await call(client, "health_check")

        assert health["status"] == "ok"
        assert [check["name"] for check in health["checks"]] == ["database", "index", "cache", "provider", "disk"]
        assert all(check["latency_ms"] > 0 for check in health["checks"])


@pytest.mark.anyio
async def test_metrics_count_and_say_what_was_not_measured(desk: Desk) -> None:
    async with connected(desk) as client:
        first = await call(client, "get_metrics")
        assert first["calls"] is None
        assert set(first["not_measured"]) == {"calls"}
        await refusal(client, "get_episode", episode_id="nope")
        await call(client, "query_memory", query="anything")

        report = await call(client, "get_metrics")

        assert (report["calls"]["get_episode"]["calls"], report["calls"]["get_episode"]["errors"]) == (1, 1)
        assert report["calls"]["query_memory"]["p95_ms"] > 0
        assert report["cache"]["vectors"]["reads"] == 1
        assert report["cache"]["episodes"]["misses"] == 0
        assert report["index"]["keyword_entries"] == 0


@pytest.mark.anyio
async def test_a_bug_is_a_plain_tool_error_without_its_insides(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    desk.memory.close()
    desk.memory.store.database.path.unlink()
    async with connected(desk) as client:
        assert desk.memory.notes is not None  # made on first use
        desk.memory.__dict__["notes"] = None

        assert await refusal(client, "remember_note", text="x") == (
            "remember_note failed inside memory-mcp; its log (stderr) has the cause"
        )

    assert "AttributeError" in caplog.text


@pytest.mark.anyio
async def test_resources_and_prompts_are_served(desk: Desk, mode: str) -> None:
    async with connected(desk, mode) as client:
        episode_id = (await call(client, "create_episode", **NEW))["episode_id"]
        uris = [str(each.uri) for each in (await client.list_resources()).resources]
        assert uris == ["memory://health", f"memory://episodes/{desk.memory.store.ids.full(episode_id)}"]
        assert (await client.read_resource(f"memory://episodes/{episode_id}")).contents
        (template,) = (await client.list_resource_templates()).resource_templates
        assert template.uri_template == "memory://episodes/{id}"
        (content,) = (await client.read_resource(uris[1])).contents
        assert isinstance(content, types.TextResourceContents)
        assert json.loads(content.text)["task_description"] == "mend the login"
        with pytest.raises(MCPError, match="no episode nope"):
            await client.read_resource("memory://episodes/nope")
        with pytest.raises(MCPError, match="'cafe' is no id; give at least its last 8 characters") as refused:
            await client.read_resource("memory://episodes/cafe")
        assert refused.value.error.code == types.INVALID_PARAMS
        with pytest.raises(MCPError, match="no resource file:///etc/passwd; there are memory://health"):
            await client.read_resource("file:///etc/passwd")
        names = [prompt.name for prompt in (await client.list_prompts()).prompts]
        assert names == ["recall_before_you_start", "record_what_you_did"]
        prompt = await client.get_prompt(names[0], {"task": "ship it"})
        assert isinstance(prompt.messages[0].content, types.TextContent)
        assert prompt.messages[0].content.text.endswith("Task: ship it")
        with pytest.raises(MCPError, match="there are recall_before_you_start with task"):
            await client.get_prompt("nope")
        with pytest.raises(MCPError, match="no tool nope; there are query_memory"):
            await client.call_tool("nope", {})


@pytest.mark.anyio
async def test_a_cancelled_call_is_given_up_and_the_server_lives_on(desk: Desk, mode: str) -> None:
    async with connected(desk, mode) as client:
        with desk.memory.store.database.write():  # a write now waits for this one
            with anyio.move_on_after(0.05) as scope:
                await client.call_tool("create_episode", NEW)
            assert scope.cancelled_caught
            assert (await call(client, "health_check"))["status"] == "ok"


def test_the_tool_list_is_small_and_every_schema_is_closed() -> None:
    default = described(offered(()).values())

    assert len(default) == 16
    told = [(tool["name"], tool["description"], tool["inputSchema"]) for tool in default]
    assert len(json.dumps(told, separators=(",", ":"))) <= 8_000
    assert len(INSTRUCTIONS.encode()) < 1_500
    for tool in described(TOOLS.values()):
        assert tool["name"].isidentifier()
        assert tool["title"]
        assert tool["inputSchema"]["additionalProperties"] is False
        assert tool["annotations"].get("readOnlyHint") or "destructiveHint" in tool["annotations"]
        assert "$ref" not in json.dumps(tool)


class Watched(SlowProvider):
    """A slow provider that tells when it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = threading.Event()

    def embed_documents(self, texts: Sequence[str]) -> Vector:
        vectors = super().embed_documents(texts)
        self.asked.set()
        return vectors


@pytest.mark.anyio
async def test_a_changed_provider_is_embedded_in_the_background_while_recall_goes_on(desk: Desk) -> None:
    for number in range(5):
        desk.memory.episodes.start(f"login task {number}")
    desk.memory.recall.search(Query("login"))
    slow = Watched()
    desk.memory.providers.insert(0, slow)

    async with connected(desk) as client:
        before = await call(client, "query_memory", query="login")
    assert before["model"] == "hash:2048"
    assert before["pending_vectors"] == 5
    assert slow.asked.wait(30)
    desk.close()

    sets = {each.model: (count, each.ready) for each, count, _ in reopened(desk).store.vector_sets()}
    assert sets == {"hash:2048": (5, True), "fake:slow": (5, True)}


@pytest.mark.anyio
async def test_calls_without_a_pause_do_not_keep_the_background_from_its_work(desk: Desk) -> None:
    slow = Watched()
    desk.memory.providers.insert(0, slow)
    desk.memory.episodes.start("login task")

    async with connected(desk) as client:
        for _ in range(20_000):
            if slow.asked.is_set():
                break
            await client.call_tool("list_episodes", {})

    assert slow.asked.is_set()


def reopened(desk: Desk) -> Memory:
    old = desk.memory
    return Memory(old.settings, old.places, old.project, actor="test", clock=old.clock)
