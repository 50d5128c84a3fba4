"""This module digests an episode: its retries, and each failing action with what made it pass."""

from collections import Counter

from memory_mcp.actions.recoveries import identity
from memory_mcp.models.digests import Digest, Failed
from memory_mcp.patterns.error_recoveries import error_line
from memory_mcp.patterns.observations import Observation
from memory_mcp.patterns.run_counts import ended_by, run_counts

_MOST_FILES = 5


def digest(seen: Observation, root: str = "") -> Digest:
    """Return what learning keeps of an episode, completed or not; `root` is the work tree of its files."""
    episode = seen.episode
    runs = Counter(identity(action) for action in seen.actions)
    failed = tuple(
        Failed(
            position=each.failures[0],
            shape=seen.actions[each.failures[0]].shape,
            files=seen.actions[each.failures[0]].files[:_MOST_FILES],
            action=seen.actions[each.failures[0]].text,
            error=error_line(seen, each.failures[0]),
            signature=each.signature,
            failures=len(each.failures),
            runs=runs[identity(seen.actions[each.failures[0]])],
            remedy=ended_by(seen, each.failures[-1], root),
            seen_at=episode.steps[each.failures[-1]].recorded_at or episode.updated_at,
        )
        for each in seen.recoveries
    )
    return Digest(
        episode_id=episode.id,
        steps=len(episode.steps),
        retries=sum(len(each.failures) - (each.passed is None) for each in seen.recoveries),
        share=seen.share,
        reward=episode.reward.total if episode.reward else None,
        completed_at=episode.completed_at,
        failed=failed,
        runs=run_counts(seen, root),
    )
