"""This module lets the vector sets, and with them the keyword index, follow the store's changes."""

import contextlib
import time
from collections.abc import Callable, Sequence

import numpy as np

from memory_mcp.config.settings import RecallSettings
from memory_mcp.embeddings.provider import Provider
from memory_mcp.errors import IndexMendedError
from memory_mcp.retrieval.blocks import dump_vectors
from memory_mcp.retrieval.keyword_index import KeywordIndex, texts_of
from memory_mcp.retrieval.texts import chunks
from memory_mcp.storage import search_index
from memory_mcp.storage.database import Session
from memory_mcp.storage.search_index import VectorSet
from memory_mcp.storage.store import Store

_VECTOR_BATCH = 64
_REBUILDING_PATIENCE_S = 2.0

Progress = Callable[[int], None]


class Index:
    """Follows `changes`: every document that was written is findable before the next search answers."""

    def __init__(self, store: Store, providers: Sequence[Provider], settings: RecallSettings) -> None:
        self._store = store
        self._providers = providers
        self._settings = settings
        self.keywords = KeywordIndex(store)

    @property
    def wanted(self) -> Provider | None:
        """The provider whose vectors should serve; None means keywords only."""
        return self._providers[0] if self._providers else None

    def follow_vectors(self, provider: Provider, *, patience_s: float, progress: Progress | None = None) -> None:
        """Make missing vectors until there are none or the time is up.

        Raises:
            ProviderError: the provider could not answer.
            BusyError: another process held the write lock until the deadline.

        """
        deadline = time.monotonic() + patience_s
        while not self._store.database.is_read_only:
            vector_set = self._vector_set(provider)
            with self._store.database.read() as session:
                is_ahead = vector_set.followed > search_index.head(session)
                work = search_index.pending(session, vector_set.followed, _VECTOR_BATCH)
                texts = texts_of(self._store, session, work)
            if is_ahead:
                self._store.mend_index("vectors")
                continue
            if work.up_to == vector_set.followed and vector_set.ready:
                return
            vectors = self._embed(provider, texts)
            with contextlib.suppress(IndexMendedError), self._store.database.write() as session:
                search_index.write_vectors(session, vector_set, vectors, work.up_to, self._store.clock)
            if progress:
                progress(len(vectors))
            if time.monotonic() > deadline:
                return

    def vectors_lag(self) -> bool:
        """Whether the wanted provider has documents to embed, or its set is not there yet."""
        if self._store.database.is_read_only:
            return False
        with self._store.database.read() as session:
            return self._vectors_behind(session)

    def count_lag(self) -> int:
        """Count the documents that lack vectors of the wanted provider."""
        if self.wanted is None:
            return 0
        with self._store.database.read() as session:
            found = search_index.find_vector_set(session, self.wanted.model)
            return search_index.count_pending(session, found.followed if found else 0)

    def usable(self, session: Session) -> tuple[Provider, VectorSet] | None:
        """Return the first provider whose vectors cover the store: the wanted one, else one that it will replace."""
        for provider in self._providers:
            found = search_index.find_vector_set(session, provider.model)
            if found and found.ready:
                return provider, found
        return None

    def follow_for_search(self, patience_s: float) -> None:
        """Do before a search what it needs: all keywords, all instant vectors, others as far as patience goes."""
        if self._is_current():
            return
        self.keywords.follow(patience_s=_REBUILDING_PATIENCE_S)
        self.keywords.remake()
        wanted = self.wanted
        if wanted is None:
            return
        self.follow_vectors(wanted, patience_s=float("inf")) if wanted.is_instant else self._follow_slowly(
            wanted, patience_s
        )

    def _is_current(self) -> bool:
        """Whether nothing is left to follow, asked in one transaction: most searches find it so."""
        with self._store.database.read() as session:
            return not (
                self.keywords.is_behind(session) or self.keywords.is_outdated(session) or self._vectors_behind(session)
            )

    def _vectors_behind(self, session: Session) -> bool:
        if self.wanted is None:
            return False
        found = search_index.find_vector_set(session, self.wanted.model)
        return found is None or not found.ready or found.followed != search_index.head(session)

    def _follow_slowly(self, wanted: Provider, patience_s: float) -> None:
        if patience_s > 0:
            self.follow_vectors(wanted, patience_s=patience_s)
        with self._store.database.read() as session:
            serving = self.usable(session)
        if serving and serving[0].is_instant:
            self.follow_vectors(serving[0], patience_s=float("inf"))

    def _vector_set(self, provider: Provider) -> VectorSet:
        with self._store.database.read() as session:
            found = search_index.find_vector_set(session, provider.model)
        if found:
            return found
        dimension = provider.dimension
        with self._store.database.write() as session:
            search_index.create_vector_set(session, provider.model, dimension)
            created = search_index.find_vector_set(session, provider.model)
        assert created is not None  # noqa: S101 - inserted one line above
        return created

    def _embed(self, provider: Provider, texts: dict[int, str]) -> dict[int, bytes]:
        pieces = {key: chunks(text, self._settings.chunk_characters) for key, text in texts.items()}
        if not pieces:
            return {}
        matrix = provider.embed_documents([piece for group in pieces.values() for piece in group])
        ends = np.cumsum([len(group) for group in pieces.values()])
        return {key: dump_vectors(rows) for key, rows in zip(pieces, np.split(matrix, ends[:-1]), strict=True)}
