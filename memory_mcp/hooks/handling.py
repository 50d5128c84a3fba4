"""This module does what an event of an agent's session asks for."""

from memory_mcp.actions.tool_calls import is_recorded
from memory_mcp.hooks import briefing, recording
from memory_mcp.hooks.events import Event
from memory_mcp.memory import Memory


def handle(memory: Memory, event: Event) -> str:
    """Record an event and return what the agent should read, often nothing.

    Raises:
        BusyError: another process held the write lock; nothing of the event was recorded.

    """
    match event.name:
        case "session-start":
            memory.layers.fold_merged()
            memory.learning.catch_up(0.0)
            return briefing.session_briefing(memory)
        case "user-prompt":
            episode_id = recording.record_prompt(memory, event)
            return briefing.prompt_recall(memory, event, episode_id)
        case "before-tool":
            return _warn(memory, event)
        case "after-tool":
            recording.record_tool(memory, event)
        case "stop" | "before-compaction" | "session-end":
            recording.record_end(memory, event)
    return ""


def _warn(memory: Memory, event: Event) -> str:
    if event.call is None or not is_recorded(event.call.tool):
        return ""
    session = memory.store.sessions.find(event.session_id)
    told = session.told
    text, named = briefing.action_warning(memory, event.call, told, session.episode_id)
    if named:
        memory.store.sessions.tell(event.session_id, (*told, *named))
    return text
