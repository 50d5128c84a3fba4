"""This module records an agent's session: a prompt opens an episode, tools are its steps, evidence ends it."""

import msgspec

from memory_mcp.actions.tool_calls import begun_episode, is_recorded, made_step
from memory_mcp.episodes.shown_outcomes import outcome_shown
from memory_mcp.errors import NotFoundError
from memory_mcp.hooks.events import Event
from memory_mcp.memory import Memory
from memory_mcp.models import limits
from memory_mcp.models.episodes import Episode, Outcome, Step, Success

_NO_PROMPT = "a session of which no prompt was seen"
_LOOKED_BACK = 500  # steps among which one that was recorded already is looked for


def record_prompt(memory: Memory, event: Event) -> str:
    """Open an episode for a prompt, or go on in the one that is open; return its id."""
    prompt = event.prompt.strip()[: limits.TASK_CHARACTERS]
    episode = _open_episode(memory, event.session_id)
    if episode is None:
        return _begin(memory, event.session_id, prompt or _NO_PROMPT)
    if prompt and prompt != episode.task:
        _append(memory, episode, Step("user", prompt, recorded_at=event.at))
    return episode.id


def record_tool(memory: Memory, event: Event) -> None:
    """Record a tool call that has ended as a step; one that was recorded already changes nothing.

    An episode that the agent has begun by itself takes the place of the one that its prompt opened.
    """
    if event.call is None:
        return
    begun = begun_episode(event.call)
    if begun and memory.store.exists(begun):
        opened = _open_episode(memory, event.session_id)
        memory.store.sessions.enter(event.session_id, begun)
        if opened and not opened.steps and opened.id != begun:
            memory.episodes.delete(opened.id)
    if not is_recorded(event.call.tool):
        return
    episode = _open_episode(memory, event.session_id)
    if episode is None:
        episode = memory.episodes.get(_begin(memory, event.session_id, _NO_PROMPT))
    _append(memory, episode, made_step(event.call))


def record_end(memory: Memory, event: Event) -> None:
    """Complete the session's episode if the steps show how it went, else checkpoint it for whoever takes it up.

    A failure ends it with the session only: an agent that stops with a failing test may be told to go on.
    """
    episode = _open_episode(memory, event.session_id)
    if episode is None or not episode.steps:
        return
    outcome = None if event.name == "before-compaction" else outcome_shown(episode.steps)
    if outcome is not None and (isinstance(outcome, Success) or event.name == "session-end"):
        _complete(memory, event.session_id, episode, outcome)
        return
    latest = next((row for row in memory.handoffs.list() if row.episode_id == episode.id), None)
    if latest is None or latest.step_count < len(episode.steps):
        memory.handoffs.checkpoint(
            episode.id, note=f"kept by memory-mcp when the agent's session came to: {event.name}"
        )
    if event.name != "stop":  # which comes after each turn, and the next session's briefing learns anyway
        memory.learning.catch_up(0.0)


def _complete(memory: Memory, session_id: str, episode: Episode, outcome: Outcome) -> None:
    memory.learning.complete(episode.id, outcome)
    memory.store.sessions.leave(session_id)


def _open_episode(memory: Memory, session_id: str) -> Episode | None:
    """Return the episode that a session is in, unless somebody has completed or erased it meanwhile."""
    found = memory.store.sessions.find(session_id).episode_id
    if found is None:
        return None
    try:
        episode = memory.episodes.get(found)
    except NotFoundError:
        return None
    return episode if episode.outcome is None else None


def _begin(memory: Memory, session_id: str, task: str) -> str:
    episode = memory.episodes.draft(task)
    memory.store.sessions.begin(session_id, episode)
    return episode.id


def _append(memory: Memory, episode: Episode, step: Step) -> None:
    """Append a step, once: a queue may be handled again after a crash."""
    cleaned = memory.store.writer.redactor.clean(msgspec.structs.replace(step, result=None))
    if any(_same(each, cleaned) for each in episode.steps[-_LOOKED_BACK:]):
        return
    memory.episodes.append(episode.id, [step])


def _same(one: Step, other: Step) -> bool:
    return one.recorded_at == other.recorded_at and (one.tool, one.action) == (other.tool, other.action)
