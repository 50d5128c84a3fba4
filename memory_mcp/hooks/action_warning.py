"""This module says what is known against an action, and what was decided for its place, before it is made."""

from collections.abc import Collection, Iterator, Mapping, Sequence

from msgspec import Struct

from memory_mcp.actions.steps import Action, action_of
from memory_mcp.actions.tool_calls import planned_step
from memory_mcp.hooks.companions import companions
from memory_mcp.hooks.fence import Section, clipped, filled
from memory_mcp.hooks.quoting import is_harmless, quoted
from memory_mcp.memory import Memory
from memory_mcp.models.calls import ToolCall
from memory_mcp.models.recommendations import DeadEnd
from memory_mcp.patterns import dead_ends
from memory_mcp.telling import handles


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
    known = [
        Line(handles.avoiding(action.shape, each.error), _dead_end_line(each))
        for each in check.dead_ends
        if is_harmless(each.action, each.error, *each.instead)
    ]
    beside = list(_companion_lines(memory, action, episode_id)) if action.kind == "edit" else []
    groups = {
        "Known dead ends for this action:": known,
        "Usually changed together:": beside,
    }
    return _said(groups, told, memory.settings.hooks.warning_tokens)


def _said(groups: Mapping[str, Sequence[Line]], told: Collection[str], most_tokens: int) -> tuple[str, tuple[str, ...]]:
    """Fence the lines that are new to a session; return the text and the names of what it holds."""
    new = {heading: [line for line in lines if line.name not in told] for heading, lines in groups.items()}
    sections = [Section(heading, [line.text for line in lines]) for heading, lines in new.items()]
    said = filled(sections, most_tokens)
    names = [lines[at].name for lines, taken in zip(new.values(), said.taken, strict=True) for at in taken]
    return said.text, tuple(names)


def _companion_lines(memory: Memory, action: Action, episode_id: str | None) -> Iterator[Line]:
    for file in action.files[:1]:
        for each in companions(file, memory.store.digests.seen_only().changes_of(file, besides=episode_id)):
            if is_harmless(file, each.file):
                yield Line(
                    handles.beside(file, each.file),
                    f"{file} was changed together with {each.file} in {each.times} of its last {each.of} changes.",
                )


def _dead_end_line(dead_end: DeadEnd) -> str:
    instead = f" What ended it: {' ; '.join(dead_end.instead)}" if dead_end.instead else ""
    times = dead_ends.frequency(dead_end)
    return f"{clipped(dead_end.action)} failed {times}: {quoted(clipped(dead_end.error))}.{instead}"
