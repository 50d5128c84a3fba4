"""This module ends an episode of an agent's session by what its steps show, or checkpoints it."""

from memory_mcp.episodes.last_messages import with_claim
from memory_mcp.episodes.shown_outcomes import outcome_shown
from memory_mcp.hooks.events import Event
from memory_mcp.hooks.recording import append, open_episode
from memory_mcp.memory import Memory
from memory_mcp.models import limits
from memory_mcp.models.episodes import Episode, Outcome, Step, Success
from memory_mcp.models.relationships import Relationship

_TALK = {"user", "assistant"}


def record_end(memory: Memory, event: Event) -> None:
    """Complete the session's episode if the steps show how it went, else checkpoint it for whoever takes it up.

    A failure ends it with the session only: an agent that stops with a failing test may be told to go on. What its
    sub-agents did ends with the turn.
    """
    _end(memory, event.name, event.session_id, event)
    if event.name == "before-compaction":
        return
    for part in memory.store.sessions.parts_of(event.session_id):
        _relate(memory, event.session_id, part)
        _end(memory, "session-end", part, event)
    if event.name == "session-end":
        memory.store.sessions.leave(event.session_id)


def _relate(memory: Memory, session_id: str, part: str) -> None:
    """Make the episode of a sub-agent a child of that of its session."""
    main, own = (memory.store.sessions.find(each).episode_id for each in (session_id, part))
    if main and own and main != own:
        memory.relationships.add([Relationship("parent_child", main, own)])


def _end(memory: Memory, name: str, session_id: str, event: Event) -> None:
    episode = open_episode(memory, session_id, with_steps=True)
    if episode is not None and any(step.tool not in _TALK for step in episode.steps):
        message = event.message if session_id == event.session_id else ""
        _conclude(memory, name, _with_message(memory, episode, message, event.at))
    if name == "session-end" and session_id != event.session_id:
        memory.store.sessions.leave(session_id)


def _with_message(memory: Memory, episode: Episode, message: str, at: int) -> Episode:
    """Append the agent's last message, if it has done anything since the one before."""
    did = next((step for step in reversed(episode.steps) if step.tool != "user"), None)
    if not message.strip() or (did is not None and did.tool == "assistant"):
        return episode
    append(memory, episode.id, Step("assistant", message.strip()[: limits.TASK_CHARACTERS], recorded_at=at))
    return memory.episodes.get(episode.id)


def _conclude(memory: Memory, name: str, episode: Episode) -> None:
    outcome = None if name == "before-compaction" else outcome_shown(episode.steps)
    if outcome is not None and (isinstance(outcome, Success) or name == "session-end"):
        _complete(memory, episode, outcome)
        return
    latest = next((row for row in memory.handoffs.list() if row.episode_id == episode.id), None)
    if latest is None or latest.step_count < len(episode.steps):
        memory.handoffs.checkpoint(episode.id, note=f"kept by memory-mcp when the agent's session came to: {name}")
    if name != "stop":  # which comes after each turn, and the next session's briefing learns anyway
        memory.learning.catch_up(0.0)


def _complete(memory: Memory, episode: Episode, outcome: Outcome) -> None:
    said = next((step.action for step in reversed(episode.steps) if step.tool == "assistant"), "")
    memory.learning.complete(episode.id, with_claim(outcome, said))
    memory.learning.catch_up(0.0)  # it is loaded anyway; then the next session's start need not load it
