"""This module answers a question: candidates from keywords and vectors, one score, hits with their reasons."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from memory_mcp.config.settings import RecallSettings
from memory_mcp.errors import BusyError, CacheError, ProviderError
from memory_mcp.models import checks, limits
from memory_mcp.models.conversations import Turn, importance
from memory_mcp.models.episodes import Episode, outcome_type
from memory_mcp.models.notes import Note
from memory_mcp.models.patterns import Pattern, title_of
from memory_mcp.models.recall import Answer, Hit, Kind, Place, Query, ScoreParts
from memory_mcp.models.snapshots import FRESH, UNKNOWN
from memory_mcp.retrieval import fusion, lending
from memory_mcp.retrieval.dates import named_spans
from memory_mcp.retrieval.keyword_index import KeywordIndex
from memory_mcp.retrieval.keywords import match_expression
from memory_mcp.retrieval.prompts import read
from memory_mcp.retrieval.terms import MOST_MATCHES, Terms, look_up
from memory_mcp.retrieval.texts import outcome_lines
from memory_mcp.storage import search_index
from memory_mcp.storage.database import Session
from memory_mcp.storage.search_index import Candidate, Sight
from memory_mcp.storage.snapshot_store import read_snapshots
from memory_mcp.storage.store import Store
from memory_mcp.worktrees.snapshots import freshness
from memory_mcp.worktrees.trees import WorkTree

if TYPE_CHECKING:
    from memory_mcp.embeddings.provider import Provider
    from memory_mcp.retrieval.similarity import Serving, Similarity
    from memory_mcp.retrieval.vector_cache import Base

Record = Episode | Note | Pattern | Turn
_DAY = 86_400e6  # microseconds
_LESSON_CHARACTERS = 400
_AROUND_CHARACTERS = 300
_NO_SHARED_WORD = (
    "no record shares a word with the question, and similar spelling is not searched in a store of this size; "
    "'memory-cli model install' adds a model that compares meaning"
)
_DESCRIBED = 100  # at least so many of the best candidates are read


class Ranked(Struct, frozen=True):
    """A scored candidate before its record is read; the fields are those of ScoreParts."""

    candidate: Candidate
    score: float
    keyword: float
    similarity: float
    boosts: dict[str, float]
    bm25: float | None
    cosine: float | None


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
        now = self._store.clock.now()
        sight = Sight(self._store.wall, query.scope, query.filter, query.kinds, now)
        with self._store.database.read() as session:
            terms = look_up(session, reading)
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
            ranked = self._ranked(session, bm25, similar, query)
            hits = self._hits(session, ranked, terms, query, serving.provider if serving else None)
            pending = self.similarity.pending(session, serving, told) if self.similarity is not None else 0
        return Answer(
            hits=hits,
            mode="hybrid" if serving else "keyword",
            model=serving.provider.model if serving else None,
            degraded=tuple(told),
            pending=pending,
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
        self, session: Session, bm25: dict[int, float], cosines: dict[int, float], query: Query
    ) -> list[Ranked]:
        """Score all candidates, best first."""
        fused = fusion.fuse(bm25, cosines, self._settings)
        spans = named_spans(query.text)
        home = self._store.wall.project if query.scope == "all" else None
        most = fusion.most_boost(self._settings, home=home, spans=spans)
        if query.kinds == ("turn",):
            best = max((sum(parts) for parts in fused.values()), default=0.0)
            most += self._settings.importance_boost + self._settings.neighbour_share * best
        described = search_index.candidates(session, fusion.contenders(fused, most, _DESCRIBED))
        now = self._store.clock.now()
        extra = self._turn_boosts(session, described, fused, now)
        scored: list[Ranked] = []
        for key, candidate in described.items():
            keyword, similarity = fused[key]
            boosts = fusion.boosts(candidate, self._settings, now=now, home=home, spans=spans) | extra.get(key, {})
            score = keyword + similarity + sum(boosts.values())
            scored.append(Ranked(candidate, score, keyword, similarity, boosts, bm25.get(key), cosines.get(key)))
        scored.sort(key=lambda entry: (-entry.score, -entry.candidate.created_at, entry.candidate.key))
        return scored

    def _turn_boosts(
        self, session: Session, described: Mapping[int, Candidate], fused: Mapping[int, tuple[float, float]], now: int
    ) -> dict[int, dict[str, float]]:
        """Return what turns of conversations get beside what every record gets."""
        keys = [key for key, candidate in described.items() if candidate.kind == "turn"]
        if not keys:
            return {}
        own = {key: sum(parts) for key, parts in fused.items()}
        lent = lending.lent(own, self._store.turns.neighbours(session, keys), self._settings)
        important = lending.weighed(self._store.turns.load_many(session, keys), self._settings, now)
        named = (("neighbour", lent), ("importance", important))
        return {key: {name: each[key] for name, each in named if each.get(key)} for key in keys}

    def _hits(
        self, session: Session, ranked: Sequence[Ranked], terms: Terms, query: Query, provider: "Provider | None"
    ) -> tuple[Hit, ...]:
        """Read the best records; none is shown unless one reaches the floor, then half of it suffices."""
        hits: list[Hit] = []
        collapsed = _collapsed(ranked)
        limit = query.limit
        for start in range(0, min(len(collapsed), 3 * limit), limit):
            group = collapsed[start : start + limit]
            records: dict[int, Record] = {
                key: episode
                for key, episode in self._store.episodes.load_hot(session, _of_kind(group, "episode")).items()
                if isinstance(episode, Episode)
            }
            records |= self._store.notes.load_many(session, _of_kind(group, "note"))
            records |= self._store.patterns.load_many(session, _of_kind(group, "pattern"))
            records |= self._store.turns.load_many(session, _of_kind(group, "turn"))
            matching = search_index.matching(session, terms.matches, list(records))
            states = self._freshness(session, _of_kind(group, "episode"), records)
            for entry, repeats in group:
                state = states.get(entry.candidate.key, UNKNOWN)
                if query.fresh_only and state != FRESH:
                    continue
                record = records.get(entry.candidate.key)
                if record is None:
                    continue
                matched = tuple(matching[entry.candidate.key])
                relevance = relevant(terms.coverage(matched), entry.cosine, provider)
                if relevance >= self._settings.floor / 2:
                    hit = self._hit(entry, record, matched, relevance=relevance, repeats=repeats)
                    hit = msgspec.structs.replace(hit, freshness=state)
                    hits.append(
                        self._placed(session, hit, entry.candidate.key, record) if isinstance(record, Turn) else hit
                    )
            if len(hits) >= limit:
                break
        answers = any(hit.relevance >= self._settings.floor for hit in hits)
        return tuple(hits[:limit]) if answers else ()

    def _freshness(self, session: Session, keys: Sequence[int], records: Mapping[int, Record]) -> dict[int, str]:
        """Say of episodes of this project whether the files that they touched are as they were."""
        if self._tree is None:
            return {}
        own = [key for key in keys if key in records and self._store.wall.holds(records[key].project)]
        snapshots = read_snapshots(session, own)
        return {key: freshness(self._tree, snapshots.get(key)) for key in own}

    def _placed(self, session: Session, hit: Hit, key: int, turn: Turn) -> Hit:
        """Say where a turn stands, with what was said around it."""
        around = self._store.turns.load_many(session, self._store.turns.neighbours(session, [key]).get(key, ()))
        said = {
            each.position: f"{each.message.role}: {each.message.text}"[:_AROUND_CHARACTERS] for each in around.values()
        }
        place = Place(
            conversation_id=turn.conversation_id,
            title=turn.title,
            position=turn.position,
            importance=importance(turn.message, self._store.clock.now()),
            before=said.get(turn.position - 1, ""),
            after=said.get(turn.position + 1, ""),
        )
        return msgspec.structs.replace(hit, place=place)

    def _hit(self, entry: Ranked, record: Record, matched: tuple[str, ...], *, relevance: float, repeats: int) -> Hit:
        now = self._store.clock.now()
        return Hit(
            kind=entry.candidate.kind,
            id=record.id,
            project=record.project,
            text=_shown(record),
            score=round(entry.score, 4),
            relevance=round(relevance, 4),
            parts=ScoreParts(
                keyword=round(entry.keyword, 4),
                similarity=round(entry.similarity, 4),
                boosts=entry.boosts,
                bm25=entry.bm25,
                cosine=entry.cosine,
            ),
            matched=matched,
            created_at=entry.candidate.created_at,
            age_days=round(max(now - entry.candidate.created_at, 0) / _DAY, 2),
            outcome=outcome_type(record.outcome) if isinstance(record, Episode) and record.outcome else None,
            reward=record.reward.total if isinstance(record, Episode) and record.reward else None,
            task_type=record.task_type if isinstance(record, Episode) else None,
            tags=_tags(record),
            repeats=repeats,
            lesson=" ".join(filter(None, outcome_lines(record)))[:_LESSON_CHARACTERS]
            if isinstance(record, Episode)
            else "",
        )


def relevant(coverage: float, cosine: float | None, provider: "Provider | None") -> float:
    """Return how sure it is that a record answers the question at all, whatever its rank: coverage plus weighed cosine.

    Calibrated on `llm` and `sqlite-utils`: 97 % and 96 % of the commits found for their subject reach the floor of 0.4,
    and it is silent on 93 % and 100 % of 30 questions about other things. Words alone count double, to reach it too.
    """
    if provider is None or cosine is None:
        return 2 * coverage
    return coverage + provider.relevance_weight * max(cosine, 0.0)


def _of_kind(group: Sequence[tuple[Ranked, int]], kind: Kind) -> list[int]:
    return [entry.candidate.key for entry, _ in group if entry.candidate.kind == kind]


def _shown(record: Record) -> str:
    match record:
        case Episode():
            return record.task
        case Note():
            return record.text
        case Pattern():
            return title_of(record.definition)
        case Turn():
            return f"{record.message.role}: {record.message.text}"


def _tags(record: Record) -> tuple[str, ...]:
    match record:
        case Episode():
            return record.context.tags
        case Note() | Turn():
            return record.tags
        case Pattern():
            return ()


def _collapsed(ranked: Sequence[Ranked]) -> list[tuple[Ranked, int]]:
    """Keep the best of the episodes that repeat one task, with their number; one that still runs has no lesson yet."""
    groups: dict[tuple[str, str] | int, list[Ranked]] = {}
    for entry in ranked:
        candidate = entry.candidate
        group = candidate.key if candidate.task_key is None else (candidate.project, candidate.task_key)
        groups.setdefault(group, []).append(entry)
    return [
        (next((each for each in members if each.candidate.outcome), members[0]), len(members))
        for members in groups.values()
    ]
