"""This module does what an event of an agent's session asks for."""

import contextlib
from collections.abc import Collection

from memory_mcp.errors import BusyError
from memory_mcp.hooks.events import FOREIGN, RESUMED, Event, Said
from memory_mcp.memory import Memory

_SETTLING_S = 0.05
_OWED = "briefing owed"  # stored among what a session was told

# A hook is one event, so what only one event needs is imported where that is handled.


def handle(memory: Memory, event: Event) -> Said:
    """Record an event and return what the waiting agent should read, often nothing.

    Raises:
        BusyError: another process held the write lock; nothing of the event was recorded.

    """
    match event.name:
        case "session-start":
            known = memory.ledger.told(event.session_id) if event.source == RESUMED else frozenset()
            return _told(memory, _session_briefing(memory, known))
        case "user-prompt":
            if event.client in FOREIGN and _owes_recall(memory, event):
                return Said()
            recalled = _recall(memory, event)
            briefing = _told(memory, _owed_briefing(memory, event.session_id))
            text = "\n".join(filter(None, (briefing.text, recalled.text)))
            return Said(text, (*briefing.names, *recalled.names))
        case "before-tool":
            warning = _warn(memory, event)
            return _told_now(memory, event, warning) if event.client in FOREIGN else warning
        case "after-tool":
            late = _told_late(memory, event) if event.client in FOREIGN else Said()
            _record_tool(memory, event)
            return late
        case "stop" | "before-compaction" | "session-end":
            _end(memory, event)
            if event.name == "session-end":
                _settle(memory, event)
    return Said()


def handle_late(memory: Memory, event: Event) -> None:
    """Record an event that waited; the first prompt of a session that began meanwhile gets the briefing.

    Raises:
        BusyError: another process held the write lock; nothing of the event was recorded.

    """
    match event.name:
        case "session-start":
            if _session_briefing(memory).text:
                told = memory.store.sessions.find(event.session_id).told
                memory.store.sessions.tell(event.session_id, (*told, _OWED))
        case "user-prompt":
            _record_prompt(memory, event)
        case _:
            handle(memory, event)


def _session_briefing(memory: Memory, known: Collection[str] = ()) -> Said:
    from memory_mcp.hooks.briefing import session_briefing  # noqa: PLC0415 - as above

    memory.layers.fold_merged()
    if memory.store.digests.lags():  # else nothing is imported for it
        memory.learning.catch_up(0.0)
        memory.trust.follow()
    return session_briefing(memory, known)


def _owed_briefing(memory: Memory, session_id: str) -> Said:
    """Return, once, the briefing that a session did not get when it began."""
    told = memory.store.sessions.find(session_id).told
    if _OWED not in told:
        return Said()
    from memory_mcp.hooks.briefing import session_briefing  # noqa: PLC0415 - as above

    memory.store.sessions.tell(session_id, [name for name in told if name != _OWED])
    return session_briefing(memory)


def _told(memory: Memory, briefing: Said) -> Said:
    """Return a briefing, and remember that the agent was told what it says of its project."""
    if briefing.text:
        memory.projects.told()
    return briefing


def _recall(memory: Memory, event: Event) -> Said:
    from memory_mcp.hooks.prompt_recall import prompt_recall  # noqa: PLC0415 - as above

    episode_id = _record_prompt(memory, event)
    return Said(*prompt_recall(memory, event, episode_id, memory.ledger.told(event.session_id)))


def _record_prompt(memory: Memory, event: Event) -> str | None:
    from memory_mcp.hooks.recording import record_prompt  # noqa: PLC0415 - as above

    return record_prompt(memory, event)


def _record_tool(memory: Memory, event: Event) -> None:
    from memory_mcp.hooks.tools import record_tool  # noqa: PLC0415 - as above

    record_tool(memory, event)


def _end(memory: Memory, event: Event) -> None:
    from memory_mcp.hooks.ending import record_end  # noqa: PLC0415 - as above

    record_end(memory, event)


def _owes_recall(memory: Memory, event: Event) -> bool:
    """Record a prompt to which a client shows no answer; whether that was done."""
    from memory_mcp.hooks.dialects import shows  # noqa: PLC0415 - as above
    from memory_mcp.hooks.late_telling import owe_recall  # noqa: PLC0415 - as above

    if shows(event.client, event.name):
        return False
    _record_prompt(memory, event)
    owe_recall(memory, event.session_id)
    return True


def _told_now(memory: Memory, event: Event, warning: Said) -> Said:
    from memory_mcp.hooks.late_telling import told_now  # noqa: PLC0415 - as above

    return told_now(memory, event, warning)


def _told_late(memory: Memory, event: Event) -> Said:
    """Return what could not be said before a call, before its result is recorded."""
    from memory_mcp.hooks.late_telling import told_now, warns_late  # noqa: PLC0415 - as above

    return told_now(memory, event, _warn(memory, event) if warns_late(event.client) else Said())


def _settle(memory: Memory, event: Event) -> None:
    """See what of that which a session was told it used, and what it bears out."""
    with contextlib.suppress(BusyError):  # the next session or 'memory-cli ledger' does it
        memory.ledger.settle(event.session_id, budget_s=_SETTLING_S)
        memory.trust.follow()


def _warn(memory: Memory, event: Event) -> Said:
    from memory_mcp.actions.tool_calls import is_recorded  # noqa: PLC0415 - as above
    from memory_mcp.hooks.action_warning import action_warning  # noqa: PLC0415 - as above

    if event.call is None or not is_recorded(event.call.tool):
        return Said()
    episode_id = memory.store.sessions.find(event.session_id).episode_id
    told = memory.ledger.told(event.session_id)
    text, names = action_warning(memory, event.call, told, episode_id)
    if not memory.store.rules.has_checked():
        return Said(text, names)
    from memory_mcp.hooks.rule_breach import with_rules  # noqa: PLC0415 - as above

    return with_rules(memory, event.call, told, Said(text, names))
