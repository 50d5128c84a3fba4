"""One session is one episode, whoever records it: hooks, the importer of its transcript, tools."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from memory_mcp.memory import Memory
from memory_mcp.models.episodes import Source, StepSuccess, Success, live_kind
from memory_mcp.models.recall import Query
from memory_mcp.server.sessions import Session
from tests.hooks.agents import Agent
from tests.hooks.conftest import opened
from tests.importers.taking import taken


def test_twelve_chats_make_no_record(home: Path) -> None:
    for number in range(12):
        agent = Agent(home, f"chat {number}")
        agent.start()
        agent.prompt("hi")
        agent.event("Stop", last_assistant_message="Hello! What shall we do?")
        agent.prompt("thanks")
        agent.end()

    with opened(agent) as memory:
        assert memory.episodes.list().episodes == ()
        assert memory.handoffs.list() == []
    assert agent.log == ""


def test_the_first_prompt_that_says_what_to_do_is_the_task(home: Path) -> None:
    agent = Agent(home, "one")

    agent.prompt("hi")
    agent.prompt("make the billing tests pass")
    agent.prompt("go on")
    agent.passed("ls src", "billing.py")

    with opened(agent) as memory:
        (row,) = memory.episodes.list().episodes
        episode = memory.episodes.get(row.id)
    assert episode.task == "make the billing tests pass"
    assert [(step.tool, step.action) for step in episode.steps] == [("user", "go on"), ("Bash", "ls src")]
    assert episode.source == Source(live_kind("claude-code"), "one")


def test_a_follow_up_goes_on_in_the_episode_that_its_tests_had_completed(home: Path) -> None:
    agent = Agent(home, "one")
    agent.prompt("make the billing tests pass")
    agent.edited("src/billing.py")
    agent.passed("pytest tests/billing", "1 passed in 0.1s")
    agent.stop()
    with opened(agent) as memory:
        assert [row.outcome for row in memory.episodes.list().episodes] == ["success"]

    agent.prompt("and now round to cents")
    agent.passed("cat src/billing.py", "def total(): ...")

    with opened(agent) as memory:
        (row,) = memory.episodes.list().episodes
        episode = memory.episodes.get(row.id)
    assert episode.outcome is None
    assert [step.tool for step in episode.steps] == ["Edit", "Bash", "user", "Bash"]

    agent.edited("src/billing.py")
    agent.passed("pytest tests/billing", "2 passed in 0.1s")
    agent.end()
    with opened(agent) as memory:
        (row,) = memory.episodes.list().episodes
    assert (row.outcome, row.evidence, row.step_count) == ("success", "shown", 6)


def test_a_session_that_is_resumed_after_its_end_goes_on_in_its_episode(home: Path) -> None:
    agent = Agent(home, "one")
    agent.prompt("make the billing tests pass")
    agent.passed("ls src", "billing.py")
    agent.end()

    agent.event("SessionStart", source="resume")
    agent.prompt("go on with it please")
    agent.passed("ls tests", "test_billing.py")

    with opened(agent) as memory:
        (row,) = memory.episodes.list().episodes
        episode = memory.episodes.get(row.id)
    assert [step.action for step in episode.steps] == ["ls src", "go on with it please", "ls tests"]


def test_what_an_agent_completed_itself_is_followed_by_another_episode(home: Path) -> None:
    agent = Agent(home, "one")
    agent.prompt("make the billing tests pass")
    agent.passed("ls src", "billing.py")
    with opened(agent) as memory:
        (row,) = memory.episodes.list().episodes
        memory.episodes.complete(row.id, Success("all done"))

    agent.prompt("now the refunds of the shop")
    agent.passed("ls tests", "test_billing.py")

    with opened(agent) as memory:
        rows = {each.task: memory.episodes.get(each.id) for each in memory.episodes.list().episodes}
    assert rows["make the billing tests pass"].outcome is not None
    assert rows["now the refunds of the shop"].source == Source(live_kind("claude-code"), "one#2")


def test_the_last_message_is_kept_as_the_agents_claim(home: Path) -> None:
    agent = Agent(home, "one")
    agent.prompt("make the billing tests pass")
    agent.edited("src/billing.py")
    agent.passed("pytest tests/billing", "1 passed in 0.1s")
    agent.event("Stop", last_assistant_message="I rounded the VAT; all tests pass.")

    with opened(agent) as memory:
        (row,) = memory.episodes.list().episodes
        episode = memory.episodes.get(row.id)
    assert episode.outcome is not None
    assert episode.outcome.evidence == "shown"
    assert episode.outcome.verdict.endswith(
        "nobody said so.\nThe agent's last message, which is its claim: I rounded the VAT; all tests pass."
    )


def test_a_last_message_without_evidence_is_a_step_and_no_outcome(home: Path) -> None:
    agent = Agent(home, "one")
    agent.prompt("make the billing tests pass")
    agent.edited("src/billing.py")
    agent.event("Stop", last_assistant_message="All done, everything works.")
    agent.prompt("thanks")
    agent.event("Stop", last_assistant_message="You are welcome.")
    agent.end()

    with opened(agent) as memory:
        (row,) = memory.episodes.list().episodes
        episode = memory.episodes.get(row.id)
    assert episode.outcome is None
    assert [(step.tool, step.action) for step in episode.steps[1:]] == [
        ("assistant", "All done, everything works."),
        ("user", "thanks"),
    ]


def test_a_sub_agent_is_an_episode_under_the_id_of_its_transcript(home: Path) -> None:
    agent = Agent(home, "one")
    agent.prompt("make the billing tests pass")
    told = {"tool_name": "Bash", "tool_input": {"command": "rg vat"}, "tool_response": {"stdout": "billing.py"}}
    agent.event("PostToolUse", **told, agent_id="a1b2", agent_type="Explore")
    answer = {"status": "completed", "agentId": "a1b2", "content": [{"type": "text", "text": "it is in billing.py"}]}
    asked = {"description": "find it", "prompt": "find where VAT is computed", "subagent_type": "Explore"}
    agent.event("PostToolUse", tool_name="Agent", tool_input=asked, tool_response=answer)
    agent.end()

    with opened(agent) as memory:
        rows = {each.task: memory.episodes.get(each.id) for each in memory.episodes.list().episodes}
        links = memory.relationships.list(kind="parent_child")
    main, part = rows["make the billing tests pass"], rows["find where VAT is computed"]
    assert (main.source, part.source) == (
        Source(live_kind("claude-code"), "one"),
        Source(live_kind("claude-code"), "one:a1b2"),
    )
    assert [step.action for step in part.steps] == ["rg vat"]
    assert [(each.from_id, each.to_id) for each in links] == [(main.id, part.id)]


def test_an_edit_keeps_its_patch_rather_than_the_head_of_the_file(home: Path) -> None:
    agent = Agent(home, "one")
    agent.prompt("make the billing tests pass")
    file = "import vat\n" * 2_000 + "old\n"
    hunk = {"oldStart": 2001, "oldLines": 1, "newStart": 2001, "newLines": 1, "lines": ["-old", "+new"]}
    response: dict[str, Any] = {"filePath": "a.py", "oldString": "old", "newString": "new", "originalFile": file}
    response["structuredPatch"] = [hunk]
    asked = {"file_path": "a.py", "old_string": "old", "new_string": "new"}
    agent.event("PostToolUse", tool_name="Edit", tool_input=asked, tool_response=response)
    written = {"type": "update", "filePath": "a.py", "content": file, "structuredPatch": [hunk], "originalFile": file}
    agent.event(
        "PostToolUse", tool_name="Write", tool_input={"file_path": "a.py", "content": file}, tool_response=written
    )

    with opened(agent) as memory:
        (row,) = memory.episodes.list().episodes
        edit, write = memory.episodes.get(row.id).steps
    patch = StepSuccess("@@ -2001,1 +2001,1 @@\n-old\n+new")
    assert (edit.result, write.result) == (patch, patch)
    assert "import vat" not in json.dumps(write.parameters)


@pytest.mark.parametrize(
    "tool", ["ToolSearch", "TodoWrite", "TaskCreate", "TaskUpdate", "ExitPlanMode", "WaitForMcpServers"]
)
def test_tools_of_the_harness_are_no_steps(home: Path, tool: str) -> None:
    agent = Agent(home, "one")
    agent.prompt("make the billing tests pass")

    agent.event("PostToolUse", tool_name=tool, tool_input={"query": "x"}, tool_response={"ok": True})

    with opened(agent) as memory:
        assert memory.episodes.list().episodes == ()


def transcript(path: Path, session_id: str, commands: list[str], agent_id: str = "") -> Path:
    """Write what Claude Code keeps of a session with these commands."""
    common = {"sessionId": session_id, "timestamp": "2026-01-31T09:00:00Z", "isSidechain": bool(agent_id)}
    common |= {"agentId": agent_id} if agent_id else {}
    lines = [{**common, "type": "user", "uuid": "u", "message": {"role": "user", "content": "mend the billing tests"}}]
    for number, command in enumerate(commands):
        call = {"type": "tool_use", "id": f"c{number}", "name": "Bash", "input": {"command": command}}
        answer = {"type": "tool_result", "tool_use_id": f"c{number}", "content": "ok"}
        for kind, part in (("assistant", call), ("user", answer)):
            lines.append(
                {**common, "type": kind, "uuid": f"{kind}{number}", "message": {"role": kind, "content": [part]}}
            )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(each) + "\n" for each in lines), encoding="utf-8")
    return path


def imported(memory: Memory, path: Path) -> tuple[int, int, int]:
    summary = taken(memory, "claude-code", path)
    assert summary.bad == 0
    return summary.imported, summary.grown, summary.known


def test_importing_what_hooks_recorded_adds_nothing(home: Path, tmp_path: Path) -> None:
    agent = Agent(home, "one")
    agent.prompt("mend the billing tests")
    agent.passed("ls src", "ok")
    part = {"tool_name": "Bash", "tool_input": {"command": "rg vat"}, "tool_response": {"stdout": "ok"}}
    agent.event("PostToolUse", **part, agent_id="a1")
    agent.end()
    places = tmp_path / "projects"
    transcript(places / "one.jsonl", "one", ["ls src", "a call that was denied", "another"])
    transcript(places / "one" / "agent-a1.jsonl", "one", ["rg vat"], agent_id="a1")
    transcript(places / "one" / "agent-a2.jsonl", "one", ["a sub-agent that no hook saw"], agent_id="a2")

    with opened(agent) as memory:
        before = [memory.episodes.get(row.id) for row in memory.episodes.list().episodes]
        assert imported(memory, places) == (0, 0, 3)
        assert [memory.episodes.get(row.id) for row in memory.episodes.list().episodes] == before
    assert len(before) == 2


def test_hooks_go_on_in_what_was_imported_and_a_second_import_adds_nothing(home: Path, tmp_path: Path) -> None:
    agent = Agent(home, "one")
    path = transcript(tmp_path / "one.jsonl", "one", ["ls src"])
    with opened(agent) as memory:
        assert imported(memory, path) == (1, 0, 0)

    agent.prompt("and the refunds of the shop")
    agent.passed("ls tests", "ok")
    agent.end()
    transcript(path, "one", ["ls src", "ls tests"])

    with opened(agent) as memory:
        assert imported(memory, path) == (0, 0, 1)
        (row,) = memory.episodes.list().episodes
        steps = memory.episodes.get(row.id).steps
    assert [step.action for step in steps] == ["ls src", "and the refunds of the shop", "ls tests"]


def test_importing_a_session_whose_episode_the_agent_began_adds_nothing(home: Path, tmp_path: Path) -> None:
    agent = Agent(home, "one")
    agent.prompt("mend the billing tests")
    with opened(agent) as memory:
        begun, _ = memory.episodes.start("repair the parser")
    answer = [{"type": "text", "text": json.dumps({"episode_id": begun.id, "status": "active"})}]
    asked = {"task_description": "repair the parser"}
    agent.event("PostToolUse", tool_name="mcp__memory-mcp__create_episode", tool_input=asked, tool_response=answer)
    agent.passed("ls src", "ok")
    agent.end()

    with opened(agent) as memory:
        assert imported(memory, transcript(tmp_path / "one.jsonl", "one", ["ls src"])) == (0, 0, 1)
        assert [row.id for row in memory.episodes.list().episodes] == [begun.id]


def test_a_session_on_a_branch_is_known_on_every_other(home: Path, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    git = ["git", "-c", "user.name=A", "-c", "user.email=a@example.org", "-C", str(tree)]
    for words in (["init", "-q", "-b", "main"], ["commit", "-q", "--allow-empty", "-m", "begin"]):
        tree.mkdir(exist_ok=True)
        subprocess.run([*git, *words], check=True)
    environ = {**os.environ, "MEMORY_MCP_HOME": str(home)}
    environ.pop("MEMORY_MCP_PROJECT_NAME", None)
    subprocess.run([*git, "switch", "-q", "-c", "feature"], check=True)
    with Memory.open(environ, tree, actor="test") as memory:
        source = Source(live_kind("claude-code"), "one")
        memory.store.episodes.insert(memory.episodes.draft("mend the billing tests", source=source))
        layer = memory.store.wall.project_key
    subprocess.run([*git, "switch", "-q", "main"], check=True)

    with Memory.open(environ, tree, actor="test") as memory:
        assert memory.store.wall.project_key != layer or memory.store.wall.base_key is None
        assert imported(memory, transcript(tmp_path / "one.jsonl", "one", ["ls src"])) == (0, 0, 1)


def test_query_memory_returns_neither_what_is_recorded_now_nor_hides_an_earlier_run(home: Path) -> None:
    for session in ("earlier", "now"):
        agent = Agent(home, session)
        agent.prompt("mend the billing tests of the shop")
        agent.passed("ls src/billing", "refunds.py")
        if session == "earlier":
            agent.end()

    with opened(agent) as memory:
        earlier, now = sorted(memory.episodes.list().episodes, key=lambda row: row.started_at)
        server = Session(memory)
        found = [hit.id for hit in server.recall(Query("billing tests of the shop")).hits]
        begun, _ = memory.episodes.start("mend the billing tests of the shop again")
        server.begin(begun.id)
        inside = [hit.id for hit in server.recall(Query("billing tests of the shop")).hits]
    agent.end()
    with opened(agent) as memory:
        after = [hit.id for hit in Session(memory).recall(Query("mend billing tests shop")).hits]

    assert now.id not in {*found, *inside}
    assert begun.id not in inside
    assert found == inside == [earlier.id]
    assert after  # once it is over, it is a memory like any other


def test_a_question_is_not_answered_with_what_its_tests_have_just_completed(home: Path) -> None:
    agent = Agent(home, "now")
    agent.prompt("mend the billing tests of the shop")
    agent.edited("src/billing.py")
    agent.passed("pytest tests/billing", "1 passed in 0.1s")
    agent.stop()

    with opened(agent) as memory:
        assert [row.outcome for row in memory.episodes.list().episodes] == ["success"]
        assert Session(memory).recall(Query("billing tests of the shop")).hits == ()
    assert "mend the billing tests" not in agent.prompt("the billing tests of the shop once more please")
