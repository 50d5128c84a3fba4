"""This module ends an episode of an agent's session by what its steps show, or checkpoints it."""

from memory_mcp.episodes.shown_outcomes import outcome_shown
from memory_mcp.hooks.events import Event
from memory_mcp.hooks.recording import open_episode
from memory_mcp.memory import Memory
from memory_mcp.models.episodes import Episode, Outcome, Success


def record_end(memory: Memory, event: Event) -> None:
    """Complete the session's episode if the steps show how it went, else checkpoint it for whoever takes it up.

    A failure ends it with the session only: an agent that stops with a failing test may be told to go on.
    """
    episode = open_episode(memory, event.session_id, with_steps=True)
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
    memory.learning.catch_up(0.0)  # it is loaded anyway; then the next session's start need not load it
