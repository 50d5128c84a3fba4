"""This module finds the episode that a completed one repeats."""

from memory_mcp.embeddings.words import content_words
from memory_mcp.models.episodes import Episode, EpisodeFilter
from memory_mcp.retrieval.keywords import match_expression, query_terms
from memory_mcp.storage import search_index
from memory_mcp.storage.database import Session
from memory_mcp.storage.search_index import Sight
from memory_mcp.storage.store import Store

# Dice coefficient of the words of two tasks from which one repeats the other; benchmarks/merging.py: see there
NEAR = 0.85
_LOOKED_AT = 10
_MOST_TERMS = 12


def repeats(task: str, other: str) -> float:
    """Return the Dice coefficient of the words of two tasks, 0 to 1."""
    one, two = set(content_words(task)), set(content_words(other))
    return 2 * len(one & two) / (len(one) + len(two)) if one and two else 0.0


def find_repeated(session: Session, store: Store, episode: Episode) -> str | None:
    """Return the id of the earlier episode whose task is nearly the same, the most alike first; None without one."""
    terms = query_terms(episode.task)[:_MOST_TERMS]
    candidates = dict.fromkeys(store.episodes.keys_of_task(session, episode.task))
    if terms:
        sight = Sight(store.wall, "project", EpisodeFilter(status="completed"), ("episode",), store.clock.now())
        found = search_index.search_keywords(session, match_expression(terms), sight, _LOOKED_AT)
        candidates |= dict.fromkeys(key for key, _ in found)
    others = [
        each
        for each in store.episodes.load_many(session, list(candidates)).values()
        if isinstance(each, Episode)
        and each.id != episode.id
        and each.project == episode.project
        and each.completed_at is not None
        and (each.started_at, each.id) < (episode.started_at, episode.id)
    ]
    alike = [(repeats(episode.task, each.task), each.id) for each in others]
    best = max(alike, default=(0.0, ""))
    return best[1] if best[0] >= NEAR else None
