"""This module finds the episode that a completed one repeats."""

from memory_mcp.embeddings.words import content_words
from memory_mcp.models.episodes import Episode, EpisodeFilter
from memory_mcp.retrieval.keywords import match_expression, query_terms
from memory_mcp.storage import keyword_matches
from memory_mcp.storage.database import Session
from memory_mcp.storage.sights import Sight
from memory_mcp.storage.store import Store

# Dice coefficient of the words of two tasks from which one repeats the other: on 5,424 commit subjects pairs from 0.85
# up are one task (the same with a number more), below it stand other versions and other files (benchmarks/merging.py)
NEAR = 0.85
_LOOKED_AT = 10
_LATEST = 20
_MOST_TERMS = 12


def repeats(task: str, other: str) -> float:
    """Return the Dice coefficient of the words of two tasks, 0 to 1."""
    one, two = set(content_words(task)), set(content_words(other))
    return 2 * len(one & two) / (len(one) + len(two)) if one and two else 0.0


def find_repeated(session: Session, store: Store, episode: Episode) -> str | None:
    """Return the id of the earlier episode whose task is most alike, if nearly the same; None without one."""
    terms = query_terms(episode.task)[:_MOST_TERMS]
    keys: list[int] = []
    if terms:
        sight = Sight(store.wall, "project", EpisodeFilter(status="completed"), ("episode",), store.clock.now())
        found = keyword_matches.search_keywords(session, match_expression(terms), sight, _LOOKED_AT)
        keys = [key for key, _ in found]
    best, best_id = 0.0, None
    for other_id, task in store.episodes.repeatable(session, episode.task, keys, _LATEST):
        if other_id == episode.id:
            break  # those that come later repeat this one, not the other way round
        alike = repeats(episode.task, task)
        if alike >= NEAR and alike > best:
            best, best_id = alike, other_id
    return best_id
