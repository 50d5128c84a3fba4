"""This module answers a question: candidates from keywords and vectors, one score, hits with their reasons."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from memory_mcp.config.settings import RecallSettings
from memory_mcp.errors import CacheError, IndexDamagedError, ProviderError, StoreError, StoreFullError, StoreGoneError
from memory_mcp.models import checks, limits
from memory_mcp.models.recall import Answer, Hit, Query
from memory_mcp.models.snapshots import FRESH
from memory_mcp.retrieval import fusion, lending, weights
from memory_mcp.retrieval.dates import named_spans
from memory_mcp.retrieval.hits import Asked, Reader
from memory_mcp.retrieval.keyword_index import SCANNED, KeywordIndex
from memory_mcp.retrieval.keyword_ranking import ENGINE, Lookup
from memory_mcp.retrieval.keywords import match_expression
from memory_mcp.retrieval.means import Means, told_of
from memory_mcp.retrieval.prompts import Reading, read
from memory_mcp.retrieval.repeats import Group, Ranked, chosen_runs, distinct
from memory_mcp.retrieval.standing import newer_first
from memory_mcp.retrieval.terms import MOST_MATCHES, Terms, look_up
from memory_mcp.storage import search_index
from memory_mcp.storage.database import Session
from memory_mcp.storage.decision_rows import replaced_records
from memory_mcp.storage.search_index import Candidate
from memory_mcp.storage.sights import Sight
from memory_mcp.storage.store import Store
from memory_mcp.worktrees.trees import WorkTree

if TYPE_CHECKING:
    from memory_mcp.retrieval.similarity import Serving, Similarity
    from memory_mcp.retrieval.vector_cache import Base

_NO_SHARED_WORD = (
    "no record shares a word with the question, and similar spelling is not searched in a store of this size; "
    "'memory-cli model install' adds a model that compares meaning"
)
_TALK_MATCHES = 4_000
_DATED = 500  # characters at each end of a question in which dates are looked for
_DESCRIBED = 100  # at least so many of the best candidates are looked at
_LOOKED_AT, _LIKELY = 3, 8  # times the hits asked for: distinct candidates of them, and candidates that mostly suffice
_BESIDE = 0.4  # of the floor is asked of the hits beside one that reaches it; half cost true hits and silenced nothing


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
        text = checks.text(query.text, "the query", limits.QUERY_CHARACTERS, required=True)
        query = msgspec.structs.replace(query, text=text, filter=checks.narrowing(query.filter))
        degraded = self._follow(patience_s) if follow else []
        reading = read(query.text)
        means = Means(scans=bool(degraded))
        while True:
            try:
                return self._answer(query, reading, means, degraded)
            except CacheError:  # health_check tells why
                means = msgspec.structs.replace(means, cache=False)
            except IndexDamagedError as error:
                left = means.without(error.part)
                if left == means:
                    raise
                means = left
                degraded += self._mend(error, can_write=follow)

    def _mend(self, error: IndexDamagedError, *, can_write: bool) -> list[str]:
        """Begin to rebuild a damaged part, and say so; the rest serves the answer."""
        if not can_write:
            return [told_of(error.part, "'memory-cli index rebuild' mends it")]
        try:
            self._store.mend_index(error.part)
        except StoreError as obstacle:
            return [told_of(error.part, f"not mended yet: {obstacle}")]
        return [told_of(error.part, "rebuilding")]

    def _sight(self, query: Query) -> Sight:
        return Sight(self._store.wall, query.scope, query.filter, query.kinds, self._store.clock.now())

    def _answer(self, query: Query, reading: Reading, means: Means, degraded: list[str]) -> Answer:
        """Answer from one snapshot of the store, by some means."""
        sight = self._sight(query)
        told = list(degraded)
        lookup = self.similarity.postings.asked() if self.similarity else ENGINE
        with self._store.database.read() as session:
            terms = look_up(session, reading, sight, counted=means.keywords, lookup=lookup)
        serving = self._serving(reading, terms, told) if means.vectors else None
        with (
            self._opened(serving, terms, means) as base,
            self._store.database.read() as session,
        ):
            bm25 = self._keyword_list(session, terms, sight, lookup) if means.keywords else {}
            scanned: dict[int, tuple[str, ...]] = {}
            if means.scans or not means.keywords:
                scanned = self._keywords.scan(session, terms, sight)
                bm25 = {key: sum(map(terms.weigh, words)) for key, words in scanned.items()} | bm25
            similar: dict[int, float] = {}
            if self.similarity is not None and serving is not None:
                similar = self.similarity.similar(session, base, serving, sight, bm25)
                if base is None and not bm25:
                    told.append(_NO_SHARED_WORD)
            groups = self._ranked(session, bm25, similar, query, terms)
            asked = Asked(terms, serving.provider if serving else None, scanned, lookup)
            hits = self._hits(groups, Reader(session, self._store, self._tree, asked), query)
            counts = self.similarity is not None and means.vectors
            pending = self.similarity.pending(session, serving, told) if self.similarity and counts else 0
        return Answer(
            hits=hits,
            mode=means.mode(serves=serving is not None),
            model=serving.provider.model if serving else None,
            degraded=tuple(told),
            pending=pending,
            corrected=tuple(terms.corrected.items()),
            considered=len(bm25.keys() | similar.keys()),
        )

    def _serving(self, reading: Reading, terms: Terms, told: list[str]) -> "Serving | None":
        if self.similarity is None:
            return None
        try:
            return self.similarity.serving(reading, terms)
        except ProviderError as error:
            told.append(str(error))
            return None

    def _opened(self, serving: "Serving | None", terms: Terms, means: Means) -> "AbstractContextManager[Base | None]":
        if self.similarity is None:
            return nullcontext()
        documents = terms.documents if means.keywords else 0  # without matches to rank, all vectors are ranked
        return self.similarity.opened(serving, documents, alone=not means.cache)

    def _follow(self, patience_s: float) -> list[str]:
        """Let the index catch up; what hinders it degrades the answer instead of failing it."""
        try:
            if self.similarity is not None:
                self.similarity.follow(patience_s)
            else:
                self._keywords.follow()
        except StoreGoneError:
            raise
        except StoreFullError:
            return self._lagging("there is no room to index")
        except (StoreError, ProviderError) as error:
            return self._lagging(str(error))
        if self._store.database.is_read_only:
            is_full = self._store.database.is_full
            return self._lagging("there is no room to index" if is_full else "the store is read-only")
        if self._keywords.is_rebuilding():
            return self._lagging("the keyword index was damaged and is being rebuilt")
        return []

    def _lagging(self, reason: str) -> list[str]:
        """Say how many records the index does not hold yet, and why."""
        try:
            lag = self._keywords.count_lag()
        except IndexDamagedError:
            return [reason]
        if not lag:
            return [] if self._store.database.is_read_only else [reason]
        looked = "all of them were" if lag <= SCANNED else f"{SCANNED} of them were"
        return [f"{reason}: {lag} newer records are not indexed yet; {looked} scanned one by one"]

    def _keyword_list(self, session: Session, terms: Terms, sight: Sight, lookup: Lookup) -> dict[int, float]:
        if not terms.words:
            return {}
        words = terms.affordable()
        too_common = len(words) == 1 and terms.matches[words[0]] > MOST_MATCHES
        newest = MOST_MATCHES if too_common else None
        return dict(lookup.ranked(session, words, sight, self._settings.candidates, newest))

    def _ranked(
        self, session: Session, bm25: dict[int, float], cosines: dict[int, float], query: Query, terms: Terms
    ) -> list[Group]:
        """Score the best candidates and return those that are distinct, best first."""
        fused = fusion.fuse(bm25, cosines, self._settings)
        spans = named_spans(_dated(query.text), self._store.clock.now())
        home = self._store.wall.project if query.scope == "all" else None
        most = fusion.most_boost(self._settings, home=home, spans=spans)
        best = max((sum(parts) for parts in fused.values()), default=0.0)
        if self._settings.similarity_weight:
            most = weights.most_of_others(self._settings, best)
        elif query.kinds == ("turn",):
            most += self._settings.importance_boost + self._settings.talk_share + self._settings.neighbour_share * best
        keys = fusion.contenders(fused, most, _DESCRIBED)
        talks = self._store.turns.talks(session, keys)

        def scored(keys: Sequence[int]) -> list[Ranked]:
            described = {
                key: each
                for key, each in search_index.candidates(session, keys).items()
                if each.id not in query.without
            }
            if self._settings.similarity_weight:
                return self._by_three_weights(session, described, fused, bm25, cosines)
            extra = self._turn_boosts(session, talks, fused, terms)
            now = self._store.clock.now()
            found: list[Ranked] = []
            for key, candidate in described.items():
                boosts = fusion.boosts(candidate, self._settings, now=now, home=home, spans=spans) | extra.get(key, {})
                score = sum(fused[key]) + sum(boosts.values())
                found.append(Ranked(candidate, score, *fused[key], boosts, bm25.get(key), cosines.get(key)))
            return sorted(found, key=_place)

        if not talks:  # turns lift each other, and are counted
            few = distinct(scored(fusion.contenders(fused, most, _LIKELY * query.limit)), talks)
            if len(few) >= _LOOKED_AT * query.limit:
                return few
        return distinct(scored(keys), {} if query.kinds == ("turn",) else talks)  # who asks for turns wants each

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
        talks: Mapping[int, int],
        fused: Mapping[int, tuple[float, float]],
        terms: Terms,
    ) -> dict[int, dict[str, float]]:
        """Return what turns of conversations get beside what every record gets."""
        keys = list(talks)
        if not keys:
            return {}
        turns, settings = self._store.turns, self._settings
        own = {key: sum(parts) for key, parts in fused.items()}
        words = {word: match_expression([word]) for word in terms.affordable(_TALK_MATCHES) if terms.matches[word]}
        by_talk = lending.lent_by_talks(turns.count_words(session, words, sorted(set(talks.values()))), terms, settings)
        named = {
            "neighbour": lending.lent(own, turns.neighbours(session, keys), settings),
            "talk": {key: by_talk.get(talk, 0.0) for key, talk in talks.items()},
            "importance": lending.weighed(turns.load_many(session, keys), settings, self._store.clock.now()),
        }
        return {key: {name: each[key] for name, each in named.items() if each.get(key)} for key in keys}

    def _hits(self, groups: Sequence[Group], reader: Reader, query: Query) -> tuple[Hit, ...]:
        """Read the best records; none is shown unless one reaches the floor, then a share of it suffices."""
        session, sight = reader.session, self._sight(query)
        hits: list[Hit] = []
        talks = self._store.turns.talks(session, [each.best.candidate.key for each in groups])
        groups = newer_first(groups, talks, partial(replaced_records, session, self._store.wall))
        for start in range(0, min(len(groups), _LOOKED_AT * query.limit), query.limit):
            chosen = chosen_runs(session, groups[start : start + query.limit], sight)
            hits += [
                hit
                for hit in reader.hits(chosen)
                if hit.relevance >= _BESIDE * self._settings.floor
                and not (query.fresh_only and hit.freshness != FRESH)
                and hit.id not in query.without  # nor as another run of the same task
            ]
            if len(hits) >= query.limit:
                break
        answers = any(hit.relevance >= self._settings.floor for hit in hits)
        return tuple(hits[: query.limit]) if answers else ()


def _place(entry: Ranked) -> tuple[float, int, int]:
    return -entry.score, -entry.candidate.created_at, entry.candidate.key


def _dated(text: str) -> str:
    return text if len(text) <= 2 * _DATED else f"{text[:_DATED]}\n{text[-_DATED:]}"
