"""This module defines a handoff: an episode as it stood at a checkpoint, ready for another session to take up."""

from msgspec import Struct

from memory_mcp.models.episodes import Episode


class Handoff(Struct, frozen=True):
    """A checkpoint with its episode up to that point; `next_steps` is what its maker would do next."""

    id: str
    made_at: int
    episode: Episode
    note: str = ""
    next_steps: tuple[str, ...] = ()


class HandoffSummary(Struct, frozen=True):
    """One row of a listing."""

    id: str
    made_at: int
    episode_id: str
    task: str
    step_count: int
    note: str
