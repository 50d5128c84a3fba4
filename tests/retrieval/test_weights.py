"""Three weights rank exactly as they are said."""

import pytest

from memory_mcp.models.episodes import Success
from memory_mcp.models.recall import Query
from tests.conftest import OpenMemory
from tests.fakes import DAY, FrozenClock


def test_sixty_percent_similarity_thirty_importance_ten_recency(open_memory: OpenMemory, clock: FrozenClock) -> None:
    said = {"similarity_weight": 0.6, "importance_weight": 0.3, "recency_weight": 0.1, "recency_half_life_days": 30.0}
    memory = open_memory(recall=said)
    episode, _ = memory.episodes.start("the tomato harvest")
    memory.episodes.complete(episode.id, Success())
    clock.moment += 30 * DAY
    old, _ = memory.notes.add("the tomato harvest of the year was large and good", importance=1.0)
    clock.moment += 30 * DAY
    memory.notes.add("the tomato harvest", importance=0.2)

    hits = memory.recall.search(Query("tomato harvest")).hits

    expected = {}
    best = max(hit.parts.keyword + hit.parts.similarity for hit in hits)
    for hit in hits:
        similarity = (hit.parts.keyword + hit.parts.similarity) / best
        assert hit.reward is None or hit.kind == "episode"
        importance = (hit.reward or 0.0) / 2 if hit.kind == "episode" else 1.0 if hit.id == old.id else 0.2
        recency = 0.5 ** (hit.age_days / 30)
        expected[hit.id] = pytest.approx(0.6 * similarity + 0.3 * importance + 0.1 * recency, abs=0.001)
    assert {hit.id: hit.score for hit in hits} == expected
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert len(hits) == 3
    assert hits[0].id == old.id
