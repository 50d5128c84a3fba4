"""This module tells what a client could not show when it was due with the next text that its model reads."""

import msgspec

from memory_mcp.hooks.dialects import DIALECTS, fitted, shows
from memory_mcp.hooks.events import Event, Said
from memory_mcp.memory import Memory

_OWED = "recall owed"  # stored among what a session was told
_LOOKED_AT = 12  # steps, among which the last prompt is looked for


def owe_recall(memory: Memory, session_id: str) -> None:
    """Remember that a prompt was not answered yet."""
    told = memory.store.sessions.find(session_id).told
    if _OWED not in told:
        memory.store.sessions.tell(session_id, (*told, _OWED))


def told_now(memory: Memory, event: Event, warning: Said) -> Said:
    """Return what is said at a tool: what answers the last prompt if that is owed, and the warning of the call.

    `warning` is empty where the event comes after the tool.
    """
    if not shows(event.client, event.name):
        return fitted(event, warning)
    recalled = _owed_recall(memory, event)
    text = "\n".join(filter(None, (recalled.text, warning.text)))
    return fitted(event, msgspec.structs.replace(warning, text=text, names=(*recalled.names, *warning.names)))


def warns_late(client: str) -> bool:
    """Whether what is known against a call is told with its result."""
    return client in DIALECTS and not shows(client, "before-tool")


def _owed_recall(memory: Memory, event: Event) -> Said:
    session = memory.store.sessions.find(event.session_id)
    if _OWED not in session.told:
        return Said()
    memory.store.sessions.tell(event.session_id, [name for name in session.told if name != _OWED])
    prompt = session.prompts[-1].text if session.prompts else _last_prompt(memory, session.episode_id)
    if not prompt:
        return Said()
    from memory_mcp.hooks.prompt_recall import prompt_recall  # noqa: PLC0415 - once for each prompt

    asked = msgspec.structs.replace(event, name="user-prompt", prompt=prompt)
    return Said(*prompt_recall(memory, asked, session.episode_id, memory.ledger.told(event.session_id)))


def _last_prompt(memory: Memory, episode_id: str | None) -> str:
    if episode_id is None:
        return ""
    steps = memory.store.sessions.latest_steps(episode_id, _LOOKED_AT)
    return next((step.action for step in reversed(steps) if step.tool == "user"), "")
