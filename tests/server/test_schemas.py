"""All that is wrong with a call is named at once."""

from typing import Any

import msgspec
import pytest

from memory_mcp.server.desk import Desk
from memory_mcp.server.tools.catalogue import TOOLS
from tests.server.clients import connected, refusal


@pytest.mark.anyio
async def test_every_tool_names_all_wrong_all_missing_and_all_unknown_arguments_at_once(desk: Desk) -> None:
    async with connected(desk) as client:
        for name, tool in TOOLS.items():
            fields = msgspec.structs.fields(tool.arguments)
            wrong = {field.name: {"odd": 1} for field in fields}

            refused = await refusal(client, name, **wrong, strange=1, unheard_of=2)
            assert "unknown argument strange, unheard_of; known are" in refused
            assert all(f"at `{field.name}`" in refused for field in fields), (name, refused)

            if required := [f"`{field.name}`" for field in fields if field.required]:
                assert ", ".join(required) in await refusal(client, name), name


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("tool", "arguments", "sentence"),
    [
        (
            "add_episode_steps",
            {"steps": [{"tool": "a"}, {"action": "b", "result": {"type": "great"}, "x": 1}]},
            (
                "missing required field `episode_id`; missing required field `action` - at `steps[0]`;"
                " missing required field `tool` - at `steps[1]`;"
                " Invalid enum value 'great' (allowed: 'success', 'error', 'timeout') - at `steps[1].result.type`;"
                " unknown argument x - at `steps[1]`; known are tool, action, parameters, result, latency_ms"
            ),
        ),
        (
            "list_episodes",
            {"since": "soon", "until": "1066-10-14", "limit": 0},
            (
                "Expected `int` >= 1 - at `limit`;"
                " 'soon' is no time; write 2026-01-31, 2026-01-31T09:30:00Z or an age such as 7d - at `since`;"
                " '1066-10-14' lies outside the years 1970 to 9999, which are all that the store holds - at `until`"
            ),
        ),
        (
            "add_relationship",
            {"from_episode_id": "", "kind": "follows", "to_episode_id": "BEEF"},
            (
                "'' is no id; give at least its last 8 characters, in small letters - at `from_episode_id`; "
                "'BEEF' is no id; give at least its last 8 characters, in small letters - at `to_episode_id`"
            ),
        ),
        (
            "add_episode_steps",
            {"episode_id": "nope", "steps": [{}] * 50},
            "; ".join(f"missing required fields `tool`, `action` - at `steps[{place}]`" for place in range(40))
            + "; and 10 more",
        ),
    ],
)
async def test_wrong_parts_times_and_ids_are_named_at_once(
    desk: Desk, tool: str, arguments: dict[str, Any], sentence: str
) -> None:
    async with connected(desk) as client:
        assert await refusal(client, tool, **arguments) == sentence
