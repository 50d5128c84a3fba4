"""This module answers a question: candidates from keywords and vectors, one score, hits with their reasons."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

from memory_mcp.config.settings import RecallSettings
from memory_mcp.errors import BusyError, CacheError, ProviderError
from memory_mcp.models import checks, limits
from memory_mcp.models.recall import Answer, Hit, Query
from memory_mcp.models.snapshots import FRESH
from memory_mcp.retrieval import fusion, lending, weights
from memory_mcp.retrieval.dates import named_spans
from memory_mcp.retrieval.hits import Reader
from memory_mcp.retrieval.keyword_index import KeywordIndex
from memory_mcp.retrieval.keywords import match_expression
from memory_mcp.retrieval.prompts import read
from memory_mcp.retrieval.repeats import Ranked, chosen_runs, distinct
from memory_mcp.retrieval.terms import MOST_MATCHES, Terms, look_up
from memory_mcp.storage import search_index
from memory_mcp.storage.database import Session
from memory_mcp.storage.search_index import Candidate, Sight
from memory_mcp.storage.store import Store
from memory_mcp.worktrees.trees import WorkTree

if TYPE_CHECKING:
    from memory_mcp.embeddings.provider import Provider
    from memory_mcp.retrieval.similarity import Serving, Similarity
    from memory_mcp.retrieval.vector_cache import Base

_NO_SHARED_WORD = (
    "no record shares a word with the question, and similar spelling is not searched in a store of this size; "
    "'memory-cli model install' adds a model that compares meaning"
)
_TALK_MATCHES = 4_000
_DATED = 500  # characters at each end of a question in which dates are looked for
_DESCRIBED = 100  # at least so many of the best candidates are read


class Recall:
    """Ranks the documents of one store; without `similarity` by keywords alone, which loads no numpy."""

    def __init__(
        self,
        store: Store,
        keywords: KeywordIndex,
        settings: RecallSettings,
        similarity: "Similarity | None" = None,
        tree: WorkTree | None = None,
    ) -> None:
        self._store = store
        self._keywords = keywords
        self._settings = settings
        self.similarity = similarity
        self._tree = tree

    def search(self, query: Query, *, patience_s: float = 0.0, follow: bool = True) -> Answer:
        """Return ranked hits; `patience_s` is how long a slow provider may take to make missing vectors first.

        `follow` lets the index catch up before; without, what changed since is not found.

        Raises:
            InvalidInputError: the question is empty or too long.
            StoreError: the file could not be read.

        """
        checks.text(query.text, "the query", limits.QUERY_CHARACTERS, required=True)
        degraded = self._follow(patience_s) if follow else []
        reading = read(query.text)
        sight = self._sight(query)
        with self._store.database.read() as session:
            terms = look_up(session, reading, sight)
        serving = None
        if self.similarity is not None:
            try:
                serving = self.similarity.serving(reading.text, terms)
            except ProviderError as error:
                degraded.append(str(error))
        try:
            return self._answer(query, terms, sight, serving, degraded)
        except CacheError:  # health_check tells why
            return self._answer(query, terms, sight, serving, degraded, alone=True)

    def _sight(self, query: Query) -> Sight:
        return Sight(self._store.wall, query.scope, query.filter, query.kinds, self._store.clock.now())

    def _answer(
        self,
        query: Query,
        terms: Terms,
        sight: Sight,
        serving: "Serving | None",
        degraded: list[str],
        *,
        alone: bool = False,
    ) -> Answer:
        """Answer from one snapshot of the store."""
        told = list(degraded)
        with self._opened(serving, terms, alone=alone) as base, self._store.database.read() as session:
            bm25 = self._keyword_list(session, terms, sight)
            similar: dict[int, float] = {}
            if self.similarity is not None and serving is not None:
                similar = self.similarity.similar(session, base, serving, sight, bm25)
                if base is None and not bm25:
                    told.append(_NO_SHARED_WORD)
            ranked = self._ranked(session, bm25, similar, query, terms)
            hits = self._hits(session, ranked, terms, query, serving.provider if serving else None)
            pending = self.similarity.pending(session, serving, told) if self.similarity is not None else 0
        return Answer(
            hits=hits,
            mode="hybrid" if serving else "keyword",
            model=serving.provider.model if serving else None,
            degraded=tuple(told),
            pending=pending,
            corrected=tuple(terms.corrected.items()),
            considered=len(bm25.keys() | similar.keys()),
        )

    def _opened(self, serving: "Serving | None", terms: Terms, *, alone: bool) -> "AbstractContextManager[Base | None]":
        if self.similarity is None:
            return nullcontext()
        return self.similarity.opened(serving, terms.documents, alone=alone)

    def _follow(self, patience_s: float) -> list[str]:
        """Let the index catch up; what hinders it degrades the answer instead of failing it."""
        try:
            if self.similarity is not None:
                self.similarity.follow(patience_s)
            else:
                self._keywords.follow()
        except (BusyError, ProviderError) as error:
            return [str(error)]
        if self._store.database.is_read_only:
            with self._store.database.read() as session:
                lag = search_index.count_pending(session, search_index.followed(session, search_index.KEYWORDS))
            if lag:
                return [f"the store is read-only, so {lag} newer records are not indexed and cannot be found"]
        return []

    def _keyword_list(self, session: Session, terms: Terms, sight: Sight) -> dict[int, float]:
        if not terms.words:
            return {}
        words = terms.affordable()
        too_common = len(words) == 1 and terms.matches[words[0]] > MOST_MATCHES
        newest = MOST_MATCHES if too_common else None
        return dict(
            search_index.search_keywords(session, match_expression(words), sight, self._settings.candidates, newest)
        )

    def _ranked(
        self, session: Session, bm25: dict[int, float], cosines: dict[int, float], query: Query, terms: Terms
    ) -> list[Ranked]:
        """Score all candidates, best first."""
        fused = fusion.fuse(bm25, cosines, self._settings)
        spans = named_spans(_dated(query.text), self._store.clock.now())
        home = self._store.wall.project if query.scope == "all" else None
        most = fusion.most_boost(self._settings, home=home, spans=spans)
        best = max((sum(parts) for parts in fused.values()), default=0.0)
        if self._settings.similarity_weight:
            most = weights.most_of_others(self._settings, best)
        elif query.kinds == ("turn",):
            most += self._settings.importance_boost + self._settings.talk_share + self._settings.neighbour_share * best
        described = search_index.candidates(session, fusion.contenders(fused, most, _DESCRIBED))
        now = self._store.clock.now()
        if self._settings.similarity_weight:
            return self._by_three_weights(session, described, fused, bm25, cosines)
        extra = self._turn_boosts(session, described, fused, terms)
        scored: list[Ranked] = []
        for key, candidate in described.items():
            keyword, similarity = fused[key]
            boosts = fusion.boosts(candidate, self._settings, now=now, home=home, spans=spans) | extra.get(key, {})
            score = keyword + similarity + sum(boosts.values())
            scored.append(Ranked(candidate, score, keyword, similarity, boosts, bm25.get(key), cosines.get(key)))
        return sorted(scored, key=_place)

    def _by_three_weights(
        self,
        session: Session,
        described: Mapping[int, Candidate],
        fused: Mapping[int, tuple[float, float]],
        bm25: dict[int, float],
        cosines: dict[int, float],
    ) -> list[Ranked]:
        related = {key: sum(parts) for key, parts in fused.items()}
        turns = self._store.turns.load_many(session, [key for key, each in described.items() if each.kind == "turn"])
        parts = weights.three_parts(related, described, turns, self._settings, self._store.clock.now())
        scored = [
            Ranked(candidate, sum(parts[key].values()), *fused[key], parts[key], bm25.get(key), cosines.get(key))
            for key, candidate in described.items()
        ]
        return sorted(scored, key=_place)

    def _turn_boosts(
        self,
        session: Session,
        described: Mapping[int, Candidate],
        fused: Mapping[int, tuple[float, float]],
        terms: Terms,
    ) -> dict[int, dict[str, float]]:
        """Return what turns of conversations get beside what every record gets."""
        keys = [key for key, candidate in described.items() if candidate.kind == "turn"]
        if not keys:
            return {}
        turns, settings = self._store.turns, self._settings
        own = {key: sum(parts) for key, parts in fused.items()}
        talks = turns.talks(session, keys)
        words = {word: match_expression([word]) for word in terms.affordable(_TALK_MATCHES)}
        by_talk = lending.lent_by_talks(turns.count_words(session, words, sorted(set(talks.values()))), terms, settings)
        named = {
            "neighbour": lending.lent(own, turns.neighbours(session, keys), settings),
            "talk": {key: by_talk.get(talk, 0.0) for key, talk in talks.items()},
            "importance": lending.weighed(turns.load_many(session, keys), settings, self._store.clock.now()),
        }
        return {key: {name: each[key] for name, each in named.items() if each.get(key)} for key in keys}

    def _hits(
        self, session: Session, ranked: Sequence[Ranked], terms: Terms, query: Query, provider: "Provider | None"
    ) -> tuple[Hit, ...]:
        """Read the best records; none is shown unless one reaches the floor, then half of it suffices."""
        reader = Reader(session, self._store, self._tree)
        sight = self._sight(query)
        hits: list[Hit] = []
        talks: dict[int, int] = {}
        if query.kinds != ("turn",):  # who asks for turns alone wants each of them
            talks = self._store.turns.talks(session, [each.candidate.key for each in ranked])
        groups = distinct(ranked, talks)
        for start in range(0, min(len(groups), 3 * query.limit), query.limit):
            chosen = chosen_runs(session, groups[start : start + query.limit], sight)
            hits += [
                hit
                for hit in reader.hits(chosen, terms, provider)
                if hit.relevance >= self._settings.floor / 2 and not (query.fresh_only and hit.freshness != FRESH)
            ]
            if len(hits) >= query.limit:
                break
        answers = any(hit.relevance >= self._settings.floor for hit in hits)
        return tuple(hits[: query.limit]) if answers else ()


def _place(entry: Ranked) -> tuple[float, int, int]:
    return -entry.score, -entry.candidate.created_at, entry.candidate.key


def _dated(text: str) -> str:
    return text if len(text) <= 2 * _DATED else f"{text[:_DATED]}\n{text[-_DATED:]}"
