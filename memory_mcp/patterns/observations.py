"""This module prepares a completed episode for the extractors: its actions, its recoveries, how it went."""

from msgspec import Struct

from memory_mcp.actions.recoveries import Recovery, recoveries
from memory_mcp.actions.steps import Action, action_of
from memory_mcp.models.episodes import Episode, share_of
from memory_mcp.models.patterns import Detail, Evidence


class Observation(Struct, frozen=True):
    """An episode as the extractors see it; `share` is None while active and for one that was given back."""

    episode: Episode
    actions: tuple[Action, ...]
    recoveries: tuple[Recovery, ...]
    share: float | None

    def evidence(self, detail: Detail, share: float) -> Evidence:
        """Make evidence of what this episode shows."""
        reward = self.episode.reward.total if self.episode.reward else None
        seen_at = self.episode.completed_at or self.episode.updated_at
        return Evidence(self.episode.id, share, reward, seen_at, detail, self.episode.task)


def observe(episode: Episode, root: str = "") -> Observation:
    """Prepare an episode; `root` is the work tree, to which its files are relative."""
    actions = tuple(action_of(step, root) for step in episode.steps)
    return Observation(episode, actions, tuple(recoveries(episode.steps, actions)), share_of(episode.outcome))
