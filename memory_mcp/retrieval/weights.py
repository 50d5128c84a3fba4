"""This module scores by three weights that people say: so much similarity, so much importance, so much recency."""

from collections.abc import Mapping

from memory_mcp.config.settings import RecallSettings
from memory_mcp.models.conversations import Turn, importance
from memory_mcp.retrieval.fusion import faded
from memory_mcp.storage.search_index import Candidate

_MOST_REWARD = 2.0


def importance_of(candidate: Candidate, turn: Turn | None, now: int) -> float:
    """Return how much a record matters, 0 to 1: a note's and a turn's importance, an episode's share of full reward."""
    if turn is not None:
        return importance(turn.message, now)
    if candidate.kind == "note":
        return candidate.importance or 0.0
    return min(max((candidate.reward or 0.0) / _MOST_REWARD, 0.0), 1.0)


def three_parts(
    related: Mapping[int, float],
    described: Mapping[int, Candidate],
    turns: Mapping[int, Turn],
    settings: RecallSettings,
    now: int,
) -> dict[int, dict[str, float]]:
    """Return what each of the three adds for each record; similarity is a share of the best record's."""
    best = max((related[key] for key in described), default=0.0) or 1.0
    return {
        key: {
            "similarity_part": round(settings.similarity_weight * related[key] / best, 6),
            "importance_part": round(settings.importance_weight * importance_of(candidate, turns.get(key), now), 6),
            "recency_part": round(settings.recency_weight * faded(candidate, settings, now), 6),
        }
        for key, candidate in described.items()
    }


def most_of_others(settings: RecallSettings, best: float) -> float:
    """Return how much less related than the best a record may be that importance and recency still lift to the top."""
    return best * (settings.importance_weight + settings.recency_weight) / settings.similarity_weight
