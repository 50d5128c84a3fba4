"""This module rebuilds the keyword index and the vectors while servers go on answering."""

from collections.abc import Callable, Sequence
from typing import Literal

from msgspec import Struct

from memory_mcp.retrieval.indexing import Index
from memory_mcp.retrieval.similarity import Similarity
from memory_mcp.storage import search_index
from memory_mcp.storage.store import Store

Rebuildable = Literal["keywords", "vectors"]
Progress = Callable[[str, int], None]


class Rebuilt(Struct, frozen=True):
    """Which parts had been damaged, and how many records were indexed again."""

    damaged: tuple[str, ...]
    keywords: int = 0
    vectors: int = 0


def count_records(store: Store) -> int:
    """Count the records to index."""
    with store.database.read() as session:
        return search_index.count_documents(session)


def rebuild(
    store: Store, index: Index, similarity: Similarity, parts: Sequence[Rebuildable], progress: Progress
) -> Rebuilt:
    """Mend damage, then rebuild parts; a rebuild that did not finish is continued.

    Raises:
        BusyError: another process held the write lock until the deadline.
        ProviderError: the provider could not make vectors.

    """
    done = {"keywords": 0, "vectors": 0}

    def count(part: str, records: int) -> None:
        done[part] += records
        progress(part, records)

    damaged = store.mend_index()
    if store.cache is not None and damaged:
        store.cache.discard("the index was rebuilt")
    if "keywords" in parts and not index.keywords.is_rebuilding():
        store.empty_index("keywords")
    index.keywords.follow(lambda records: count("keywords", records))
    while index.keywords.merge():
        pass
    wanted = index.wanted
    if wanted is not None:
        if "vectors" in parts and not _is_unfinished(store, wanted.model):
            store.empty_index("vectors")
        index.follow_vectors(wanted, patience_s=float("inf"), progress=lambda records: count("vectors", records))
        similarity.settle()
    return Rebuilt(damaged, done["keywords"], done["vectors"])


def _is_unfinished(store: Store, model: str) -> bool:
    with store.database.read() as session:
        found = search_index.find_vector_set(session, model)
    return found is not None and not found.ready
