"""This module says what is known against an action before it is made."""

from memory_mcp.actions.tool_calls import planned_step
from memory_mcp.hooks.fence import Section, clipped, fenced
from memory_mcp.memory import Memory
from memory_mcp.models.calls import ToolCall
from memory_mcp.models.recommendations import DeadEnd
from memory_mcp.patterns import dead_ends


def action_warning(
    memory: Memory, call: ToolCall, told: tuple[str, ...], episode_id: str | None
) -> tuple[str, tuple[str, ...]]:
    """Return what is known against the very action that is about to be made, and the errors that it names.

    What a session was told is not said again: a test that fails while it is being mended is no news.
    """
    check = dead_ends.check_in(memory.store, planned_step(call), episode_id, root=memory.root)
    new = [each for each in check.dead_ends if _name(each) not in told]
    known = Section("Known dead ends for this action:", [_dead_end_line(each) for each in new])
    text = fenced([known], memory.settings.hooks.warning_tokens)
    return text, tuple(_name(each) for each in new) if text else ()


def _name(dead_end: DeadEnd) -> str:
    return f"{dead_end.action} {dead_end.error}"[:200]


def _dead_end_line(dead_end: DeadEnd) -> str:
    instead = f" What ended it: {' ; '.join(dead_end.instead)}" if dead_end.instead else ""
    times = dead_ends.frequency(dead_end)
    return f"{clipped(dead_end.action)} failed {times}: {clipped(dead_end.error)}.{instead}"
