"""This module joins the keyword list and the vector list into one score; pure arithmetic."""

from collections.abc import Mapping, Sequence

from memory_mcp.config.settings import RecallSettings
from memory_mcp.models.recall import ScoreParts
from memory_mcp.storage.search_index import Candidate

_DAY = 86_400e6  # microseconds


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


def boosts(
    candidate: Candidate,
    settings: RecallSettings,
    *,
    now: int,
    home: str | None,
    spans: Sequence[tuple[int, int]],
) -> dict[str, float]:
    """Return the small addends that apply; `home` is this project's name when all projects are searched."""
    age_days = max(now - candidate.created_at, 0) / _DAY
    found = {
        "project": settings.project_boost if home and candidate.project == home else 0.0,
        "success": settings.success_boost if candidate.outcome == "success" else 0.0,
        "recency": settings.recency_boost * 0.5 ** (age_days / settings.recency_half_life_days),
        "date": settings.date_boost if any(start <= candidate.created_at < end for start, end in spans) else 0.0,
    }
    return {name: round(value, 4) for name, value in found.items() if value >= 0.0001}  # noqa: PLR2004 - rounds to 0


def score(parts: ScoreParts) -> float:
    """Add up the parts."""
    return parts.keyword + parts.similarity + sum(parts.boosts.values())
