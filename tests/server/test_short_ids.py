"""Tools answer with short ids and take them."""

import pytest

from memory_mcp.server.desk import Desk
from memory_mcp.server.tools.catalogue import TOOLS
from tests.server.clients import call, connected

NEW = {"task_description": "mend the till", "task_type": "bug_fix", "domain": "shop"}


@pytest.mark.anyio
async def test_every_tool_takes_the_short_ids_that_others_answer_with(desk: Desk) -> None:
    task = {"task_description": "mend the till"}
    async with connected(desk) as client:
        episode = (await call(client, "create_episode", **NEW))["episode_id"]
        step = {"tool": "bash", "action": "make till", "result": {"type": "success"}}
        await call(client, "add_episode_steps", episode_id=episode, steps=[step])
        await call(client, "complete_episode", episode_id=episode, outcome_type="success", verdict="it rings")
        episode = (await call(client, "create_episode", **NEW))["episode_id"]
        other = (await call(client, "create_episode", **NEW))["episode_id"]
        note = (await call(client, "remember_note", text="the till speaks only German"))["note_id"]
        talk = await call(client, "remember_conversation", messages=[{"role": "user", "text": "hi there"}])
        taken: set[str] = set()
        handoff = (await call(client, "checkpoint_episode", episode_id=episode, note="half done"))["handoff_id"]
        playbook = (await call(client, "recommend_playbook", **task))["playbook_id"]
        rule = (await call(client, "rules", action="add", text="Never close the till."))["decision_id"]
        desk.memory.rules.add("Never open the till on Sundays.")
        wanted = (await call(client, "rules"))["rules"][0]["rule_id"]
        newer = (await call(client, "rules", action="add", text="Always close the till."))["decision_id"]

        ids = (episode, other, note, talk["conversation_id"], handoff, playbook, rule, newer, wanted)
        assert {len(each) for each in ids} == {8}
        related = {"from_episode_id": episode, "kind": "parent_child", "to_episode_id": other}
        for tool, arguments in (
            ("add_episode_steps", {"episode_id": episode, "steps": [step]}),
            ("get_episode", {"episode_id": episode}),
            ("get_episode", {"episode_id": note}),
            ("get_episode", {"episode_id": talk["conversation_id"]}),
            ("update_episode", {"episode_id": episode, "language": "go"}),
            ("tag_record", {"record_id": note, "add": ["till"]}),
            ("add_relationship", related),
            ("related_episodes", {"episode_id": other}),
            ("remove_relationship", related),
            ("get_handoff", {"handoff_id": handoff}),
            ("resume_from_handoff", {"handoff_id": handoff}),
            ("recommend_playbook", {"playbook_id": playbook}),
            ("record_feedback", {"feedback": "helped", "recommendation_id": playbook}),
            (
                "remember_conversation",
                {"conversation_id": talk["conversation_id"], "messages": [{"role": "a", "text": "b"}]},
            ),
            ("remember_note", {"text": "it speaks French too", "supersedes": note}),
            ("complete_episode", {"episode_id": other, "outcome_type": "success"}),
            ("checkpoint_episode", {"episode_id": episode}),
            ("rules", {"action": "settle", "decision_id": newer, "other_id": rule}),
            ("rules", {"action": "retire", "decision_id": rule}),
            ("rules", {"action": "reject", "rule_id": wanted}),
            ("delete_note", {"note_id": note}),
            ("delete_episode", {"episode_id": other}),
        ):
            await call(client, tool, **arguments)
            taken |= {name for name in arguments if name.endswith("_id")}
        patterns = {"pattern_id", "pattern_ids"}  # tests/server/test_learning_tools.py has these
        every = {name for tool in TOOLS.values() for name in tool.arguments.__struct_fields__}
        assert {name for name in every if name.endswith(("_id", "_ids"))} - patterns <= taken
