"""This module says what is known against an action, and what was decided for its place, before it is made."""

from collections.abc import Collection, Iterator, Sequence

from msgspec import Struct

from memory_mcp.actions.steps import Action, action_of
from memory_mcp.actions.tool_calls import planned_step
from memory_mcp.hooks.companions import companions
from memory_mcp.hooks.decided_places import decided_for
from memory_mcp.hooks.fence import ROOM_BYTES, Section, clipped, filled
from memory_mcp.hooks.quoting import as_code, is_harmless, quoted
from memory_mcp.memory import Memory
from memory_mcp.models.calls import ToolCall
from memory_mcp.models.recommendations import DeadEnd
from memory_mcp.patterns import dead_ends
from memory_mcp.telling import handles
from memory_mcp.telling.choosing import Spoken, chosen
from memory_mcp.tokens import BYTES_PER_TOKEN

_KNOWN, _TOGETHER = "Known dead ends for this action:", "Usually changed together:"
_HEADING_BYTES = 40  # of a line's share of its heading, and what the estimate of tokens rounds up


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
        beside = [(_TOGETHER, each) for each in _companion_lines(memory, action, episode_id)]
        room = most_tokens * BYTES_PER_TOKEN - ROOM_BYTES - sum(_cost(line) for _, line in (*lines, *beside))
        lines += [*_decided_lines(decided_for(memory, call, action, told), room), *beside]
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


def _decided_lines(records: Sequence[Spoken], room: int) -> Iterator[tuple[str, Line]]:
    for each in chosen(records, room):
        for line in each.lines:
            yield each.record.source, Line(line.name, line.line)


def _cost(line: Line) -> int:
    return len(line.text.encode()) + _HEADING_BYTES


def _companion_lines(memory: Memory, action: Action, episode_id: str | None) -> Iterator[Line]:
    for file in action.files[:1]:
        for each in companions(file, memory.store.digests.seen_only().changes_of(file, besides=episode_id)):
            if is_harmless(each.file):
                yield Line(
                    handles.beside(file, each.file),
                    f"{as_code(file)} was changed together with {as_code(each.file)}"
                    f" in {each.times} of its last {each.of} changes.",
                )


def _dead_end_line(dead_end: DeadEnd) -> str:
    instead = f" What ended it: {' ; '.join(map(as_code, dead_end.instead))}" if dead_end.instead else ""
    times = dead_ends.frequency(dead_end)
    return f"{as_code(clipped(dead_end.action))} failed {times}: {quoted(clipped(dead_end.error))}.{instead}"
