"""This module holds the tools that hand an unfinished task from one session to another."""

from memory_mcp.server import learning_answers, learning_arguments
from memory_mcp.server.answers import Rendered, receipt_of
from memory_mcp.server.desk import Desk


def checkpoint_episode(desk: Desk, given: learning_arguments.CheckpointEpisode) -> Rendered:
    """Keep where an episode stands."""
    made = desk.memory.handoffs.checkpoint(given.episode_id, note=given.note, next_steps=given.next_steps)
    return {"handoff_id": made.id, "episode_id": made.episode.id, "steps_done": len(made.episode.steps)}


def get_handoff(desk: Desk, given: learning_arguments.HandoffId) -> Rendered:
    """Read a handoff."""
    return learning_answers.handoff_of(desk.memory.handoffs.get(given.handoff_id))


def resume_from_handoff(desk: Desk, given: learning_arguments.HandoffId) -> Rendered:
    """Start the episode that goes on from a handoff."""
    episode, handoff, receipt = desk.memory.handoffs.resume(given.handoff_id)
    desk.session.begin(episode.id)
    return {
        "episode_id": episode.id,
        "follows": handoff.episode.id,
        "handoff": learning_answers.handoff_of(handoff),
        "receipt": receipt_of(receipt),
    }
