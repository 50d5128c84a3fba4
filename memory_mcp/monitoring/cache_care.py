"""This module fills the hot cache ahead of need, and compares what is in it with the store."""

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

from msgspec import Struct

from memory_mcp.errors import CacheError, DamagedError
from memory_mcp.models.episodes import EpisodeFilter
from memory_mcp.storage import documents
from memory_mcp.storage.cache import Cache
from memory_mcp.storage.episode_store import revisions
from memory_mcp.storage.store import Store

if TYPE_CHECKING:
    from memory_mcp.retrieval.indexing import Index
    from memory_mcp.retrieval.similarity import Similarity

Progress = Callable[[int], None]
_PAGE = 100
_TOGETHER = 500


class Verified(Struct, frozen=True):
    """What a comparison found: entries looked at, outdated ones (replaced when next read), wrong and left-over ones.

    A wrong entry claims to show the store's present state and does not; a left-over one belongs to an erased episode.
    """

    episodes: int
    outdated: int
    wrong: int
    left_over: int
    vectors: int
    wrong_vectors: int

    @property
    def is_right(self) -> bool:
        """Whether no answer could be wrong and nothing erased is left."""
        return not (self.wrong or self.left_over or self.wrong_vectors)


class Warmed(Struct, frozen=True):
    """How many episodes were read into the cache, and how many documents' vectors were folded into it."""

    episodes: int
    vectors: int


def warm(store: Store, index: "Index", similarity: "Similarity", count: int, progress: Progress) -> Warmed:
    """Read the newest episodes into the cache and fold all vectors into it; those of a slow model as far as made.

    Raises:
        CacheError: the cache is switched off or cannot be used.

    """
    cache_of(store).open()
    done, cursor = 0, None
    while done < count:
        page = store.episodes.list(EpisodeFilter(), kind="task", limit=min(_PAGE, count - done), cursor=cursor)
        for row in page.episodes:
            store.episodes.get(row.id)
        done += len(page.episodes)
        progress(len(page.episodes))
        cursor = page.next_cursor
        if cursor is None:
            break
    index.follow_for_search(0)
    return Warmed(done, similarity.settle(at_least=1))


def verify(store: Store, similarity: "Similarity", progress: Progress) -> Verified:
    """Compare every episode and every vector in the cache with the store.

    Raises:
        CacheError: the cache is switched off or cannot be used.

    """
    cache = cache_of(store)
    if not cache.exists:
        return Verified(0, 0, 0, 0, 0, 0)
    with cache.read() as pages:
        ids = [key.decode() for key in pages.keys("episodes")]
    verdicts: Counter[str] = Counter()
    for start in range(0, len(ids), _TOGETHER):
        some = ids[start : start + _TOGETHER]
        verdicts.update(_compare(store, some))
        progress(len(some))
    vectors, wrong_vectors = similarity.compare()
    outdated, wrong, left_over = (verdicts[name] for name in ("outdated", "wrong", "left over"))
    return Verified(len(ids), outdated, wrong, left_over, vectors, wrong_vectors)


def _compare(store: Store, ids: list[str]) -> list[str]:
    verdicts = []
    with store.database.read() as session:
        keys = documents.find_keys(session, None, ids)
        current = revisions(session, list(keys.values()))
        loaded = store.episodes.load_many(session, list(keys.values()))
        for episode_id in ids:
            key = keys.get(episode_id)
            if key is None:
                verdicts.append("left over")
                continue
            held = store.episodes.hot.read(session, episode_id, current[key][1])
            plain = loaded[key]
            if held is None:
                verdicts.append("outdated")
            else:
                verdicts.append("right" if isinstance(plain, DamagedError) or held[0] == plain else "wrong")
    return verdicts


def cache_of(store: Store) -> Cache:
    """Return the cache of a store.

    Raises:
        CacheError: it is switched off.

    """
    if store.cache is None:
        raise CacheError("the cache is switched off; set cache.enabled to use it")
    return store.cache
