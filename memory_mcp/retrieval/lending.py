"""This module lets neighbouring turns of a conversation lend each other a part of their score."""

from collections.abc import Mapping, Sequence

from memory_mcp.config.settings import RecallSettings
from memory_mcp.models.conversations import Turn, importance


def lent(
    own: Mapping[int, float], neighbours: Mapping[int, Sequence[int]], settings: RecallSettings
) -> dict[int, float]:
    """Return what each turn gets of its better neighbour: an answer stands beside the words of its question."""
    found = {
        key: settings.neighbour_share * max((own.get(each, 0.0) for each in beside), default=0.0)
        for key, beside in neighbours.items()
    }
    return {key: round(share, 4) for key, share in found.items() if share > 0}


def weighed(turns: Mapping[int, Turn], settings: RecallSettings, now: int) -> dict[int, float]:
    """Return what each turn's importance adds."""
    return {key: round(settings.importance_boost * importance(turn.message, now), 4) for key, turn in turns.items()}
