"""This module says what is known against an action, and what was decided for its place, before it is made."""

from collections.abc import Collection, Sequence

from msgspec import Struct

from memory_mcp.actions.steps import action_of
from memory_mcp.actions.tool_calls import planned_step
from memory_mcp.hooks.fence import ROOM_BYTES, Section, clipped, cost, filled
from memory_mcp.hooks.quoting import as_code, is_harmless, quoted
from memory_mcp.memory import Memory
from memory_mcp.models.calls import ToolCall
from memory_mcp.models.recommendations import DeadEnd
from memory_mcp.patterns import dead_ends
from memory_mcp.telling import handles
from memory_mcp.tokens import BYTES_PER_TOKEN

_KNOWN = "Known dead ends for this action:"


class Line(Struct, frozen=True):
    """A line for an agent, and the name under which a session remembers that it was told."""

    name: str
    text: str


def action_warning(
    memory: Memory, call: ToolCall, told: Collection[str], episode_id: str | None
) -> tuple[str, tuple[str, ...]]:
    """Return what is known of the very action that is about to be made, and the names of what is said.

    What a session was told is not said again: a test that fails while it is being mended is no news.
    """
    step = planned_step(call)
    check = dead_ends.check_in(memory.store, step, episode_id, root=memory.root, seen_only=True)
    action = action_of(step, memory.root)
    lines = [
        (_KNOWN, Line(handles.avoiding(action.shape, each.error), _dead_end_line(each)))
        for each in check.dead_ends
        if is_harmless(each.action, each.error, *each.instead)
    ]
    most_tokens = memory.settings.hooks.warning_tokens
    if action.kind == "edit":
        from memory_mcp.hooks.decided_places import place_lines  # noqa: PLC0415 - most actions are commands

        room = most_tokens * BYTES_PER_TOKEN - ROOM_BYTES - sum(cost(line.text) for _, line in lines)
        found = place_lines(memory, call, action, told, episode_id, room)
        lines += [(heading, Line(name, text)) for heading, name, text in found]
    return _said([(heading, line) for heading, line in lines if line.name not in told], most_tokens)


def _said(lines: Sequence[tuple[str, Line]], most_tokens: int) -> tuple[str, tuple[str, ...]]:
    """Fence lines under their headings; return the text and the names of what it holds."""
    groups: dict[str, list[Line]] = {}
    for heading, line in lines:
        groups.setdefault(heading, []).append(line)
    sections = [Section(heading, [line.text for line in group]) for heading, group in groups.items()]
    said = filled(sections, most_tokens)
    names = [group[at].name for group, taken in zip(groups.values(), said.taken, strict=True) for at in taken]
    return said.text, tuple(dict.fromkeys(names))


def _dead_end_line(dead_end: DeadEnd) -> str:
    instead = f" What ended it: {' ; '.join(map(as_code, dead_end.instead))}" if dead_end.instead else ""
    times = dead_ends.frequency(dead_end)
    return f"{as_code(clipped(dead_end.action))} failed {times}: {quoted(clipped(dead_end.error))}.{instead}"
