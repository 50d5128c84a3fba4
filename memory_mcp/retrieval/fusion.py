"""This module joins the keyword list and the vector list into one score; pure arithmetic."""

from collections.abc import Mapping, Sequence

from memory_mcp.config.settings import RecallSettings
from memory_mcp.storage.search_index import Candidate

_DAY = 86_400e6  # microseconds
_LEAST = 0.00005  # what rounds to nothing in the answer


def fuse(
    bm25: Mapping[int, float], cosines: Mapping[int, float], settings: RecallSettings
) -> dict[int, tuple[float, float]]:
    """Divide each list by its best score and weigh it; reciprocal rank fusion lost to this on all nine tasks.

    Returns (keyword, similarity) per document, each 0 to its weight.
    """
    best_bm25 = max(bm25.values(), default=0.0)
    best_cosine = max(cosines.values(), default=0.0)
    return {
        key: (
            settings.keyword_weight * bm25.get(key, 0.0) / best_bm25 if best_bm25 > 0 else 0.0,
            settings.vector_weight * max(cosines.get(key, 0.0), 0.0) / best_cosine if best_cosine > 0 else 0.0,
        )
        for key in bm25.keys() | cosines.keys()
    }


def contenders(fused: Mapping[int, tuple[float, float]], most_boost: float, count: int) -> Sequence[int]:
    """Return the keys that boosts can still lift among the best `count`."""
    totals = sorted((keyword + similarity for keyword, similarity in fused.values()), reverse=True)
    if len(totals) <= count:
        return list(fused)
    least = totals[count - 1] - most_boost
    return [key for key, (keyword, similarity) in fused.items() if keyword + similarity >= least]


def most_boost(settings: RecallSettings, *, home: str | None, spans: Sequence[tuple[int, int]]) -> float:
    """Return the most that `boosts` can add."""
    found = settings.success_boost + settings.recency_boost
    return found + (settings.project_boost if home else 0.0) + (settings.date_boost if spans else 0.0)


def boosts(
    candidate: Candidate,
    settings: RecallSettings,
    *,
    now: int,
    home: str | None,
    spans: Sequence[tuple[int, int]],
) -> dict[str, float]:
    """Return the small addends that apply; `home` is this project's name when all projects are searched."""
    found: dict[str, float] = {}
    if home and candidate.project == home:
        found["project"] = settings.project_boost
    if settings.success_boost and candidate.succeeded:
        found["success"] = settings.success_boost
    recency = settings.recency_boost * faded(candidate, settings, now)
    if recency > _LEAST:
        found["recency"] = round(recency, 4)
    if spans and any(start <= candidate.created_at < end for start, end in spans):
        found["date"] = settings.date_boost
    return found


def faded(candidate: Candidate, settings: RecallSettings, now: int) -> float:
    """Return what is left of a record's newness, 1 down to 0."""
    age_days = max(now - candidate.created_at, 0) / _DAY
    left: float = 0.5 ** (age_days / settings.recency_half_life_days)
    return left
