"""This module lets the turns of a talk lend each other a part of their score, and the talk as a whole too."""

from collections.abc import Mapping

from memory_mcp.config.settings import RecallSettings
from memory_mcp.models.conversations import Turn, importance
from memory_mcp.retrieval.terms import Terms

_FARTHER = 0.5  # share of what a neighbour lends that one at distance two does
_SATURATION = 1.2  # k1 of BM25: how fast further turns with a word cease to count


def lent(
    own: Mapping[int, float], neighbours: Mapping[int, Mapping[int, int]], settings: RecallSettings
) -> dict[int, float]:
    """Return what each turn gets of its better neighbour: an answer stands beside the words of its question."""
    found = {
        key: settings.neighbour_share
        * max((own.get(each, 0.0) * (1.0 if away == 1 else _FARTHER) for each, away in beside.items()), default=0.0)
        for key, beside in neighbours.items()
    }
    return {key: round(share, 4) for key, share in found.items() if share > 0}


def lent_by_talks(counts: Mapping[int, Mapping[str, int]], terms: Terms, settings: RecallSettings) -> dict[int, float]:
    """Return what each conversation lends to its turns: how well it matches as a whole, as a share of the best one's.

    BM25 without the part for length, which counts for nothing between talks.
    """
    scores = {
        talk: sum(
            terms.weigh(word) * count * (_SATURATION + 1) / (count + _SATURATION) for word, count in of_talk.items()
        )
        for talk, of_talk in counts.items()
    }
    best = max(scores.values(), default=0.0)
    return {talk: round(settings.talk_share * score / best, 4) for talk, score in scores.items()} if best else {}


def weighed(turns: Mapping[int, Turn], settings: RecallSettings, now: int) -> dict[int, float]:
    """Return what each turn's importance adds."""
    return {key: round(settings.importance_boost * importance(turn.message, now), 4) for key, turn in turns.items()}
