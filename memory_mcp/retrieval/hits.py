"""This module reads the records behind ranked candidates and makes hits of them, with the reasons for their places."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from memory_mcp.models.conversations import Turn, importance
from memory_mcp.models.decisions import Decision
from memory_mcp.models.episodes import Episode, outcome_type
from memory_mcp.models.notes import Note
from memory_mcp.models.patterns import Pattern, title_of
from memory_mcp.models.recall import Hit, Kind, Place, ScoreParts
from memory_mcp.models.snapshots import UNKNOWN
from memory_mcp.retrieval.keyword_ranking import Lookup
from memory_mcp.retrieval.keywords import holding, keyword_text
from memory_mcp.retrieval.passages import LESSON_CHARACTERS, best_passage, task_passage
from memory_mcp.retrieval.relevance import pairs_held, relevant
from memory_mcp.retrieval.repeats import Group
from memory_mcp.retrieval.terms import Pair, Terms
from memory_mcp.retrieval.texts import (
    decision_text,
    episode_text,
    note_text,
    outcome_lines,
    pattern_text,
    step_text,
    turn_text,
)
from memory_mcp.storage import vocabulary
from memory_mcp.storage.database import Session
from memory_mcp.storage.snapshot_store import read_snapshots
from memory_mcp.storage.store import Store
from memory_mcp.worktrees.snapshots import freshness
from memory_mcp.worktrees.trees import WorkTree

if TYPE_CHECKING:
    from memory_mcp.embeddings.provider import Provider

Record = Episode | Note | Pattern | Turn | Decision
_DAY = 86_400e6  # microseconds
_LESSON_CHARACTERS = 400
_AROUND_CHARACTERS = 300


class Asked(NamedTuple):
    """What a question was made of; `scanned` are the words of records that the index does not hold yet."""

    terms: Terms
    provider: "Provider | None"
    scanned: Mapping[int, tuple[str, ...]]
    lookup: Lookup


class Reader:
    """Reads records within one snapshot of the store."""

    def __init__(self, session: Session, store: Store, tree: WorkTree | None, asked: Asked) -> None:
        self.session = session
        self._store = store
        self._tree = tree
        self._terms, self._provider, self._scanned, self._lookup = asked
        self._now = store.clock.now()

    def hits(self, groups: Sequence[Group]) -> list[Hit]:
        """Return a hit for each group whose record can be read."""
        records = self._records(groups)
        found = [group.found_key for group in groups if group.found_key not in records]
        asked = records | self._episodes(found)
        matching = self._matching(asked)
        together = self._together(asked, matching)
        states = self._freshness(_of_kind(groups, "episode"), records)
        hits = []
        for group in groups:
            key = group.best.candidate.key
            record = records.get(key)
            if record is None:
                continue
            matched = matching[key]
            relevance = max(
                relevant(
                    self._terms,
                    matching.get(each, ()),
                    together.get(each, ()),
                    cosine=group.best.cosine,
                    provider=self._provider,
                    kind=group.best.candidate.kind,
                )
                for each in {key, group.found_key}
            )
            state = states.get(key, UNKNOWN)
            hits.append(self._hit(group, record, matched, relevance=relevance, freshness=state))
        return hits

    def _matching(self, records: Mapping[int, Record]) -> dict[int, tuple[str, ...]]:
        """Return which words of the question each record holds, by the index as far as it can be used."""
        if not self._terms.is_counted:
            texts = {key: keyword_text(_indexed(record)) for key, record in records.items()}
            return {key: holding(self.session, text, self._terms.words) for key, text in texts.items()}
        found = self._lookup.matching(self.session, self._terms.phrases(), list(records))
        return {key: self._scanned.get(key, tuple(words)) for key, words in found.items()}

    def _together(
        self, records: Mapping[int, Record], matching: Mapping[int, tuple[str, ...]]
    ) -> dict[int, tuple[Pair, ...]]:
        """Return which words that follow each other in the question follow each other in each record too.

        A pair is looked up only where both of its words stand.
        """
        apart = {key for key in records if key in self._scanned or not self._terms.is_counted}
        found = {
            key: pairs_held(self.session, keyword_text(_indexed(records[key])), self._terms.pairs) for key in apart
        }
        held: dict[int, list[Pair]] = {key: [] for key in records}
        for pair in self._terms.pairs:
            keys = [key for key in records if key not in apart and set(pair) <= {*matching[key]}]
            for key in vocabulary.holding(self.session, *self._terms.pair_phrase(pair), keys) if keys else ():
                held[key].append(pair)
        return {key: tuple(pairs) for key, pairs in held.items()} | found

    def _records(self, groups: Sequence[Group]) -> dict[int, Record]:
        session, store = self.session, self._store
        records = self._episodes(_of_kind(groups, "episode"))
        records |= store.notes.load_many(session, _of_kind(groups, "note"))
        records |= store.patterns.load_many(session, _of_kind(groups, "pattern"))
        records |= store.decisions.load_many(session, _of_kind(groups, "decision"))
        return records | store.turns.load_many(session, _of_kind(groups, "turn"))

    def _episodes(self, keys: Sequence[int]) -> dict[int, Record]:
        loaded = self._store.episodes.load_hot(self.session, keys) if keys else {}
        return {key: episode for key, episode in loaded.items() if isinstance(episode, Episode)}

    def _freshness(self, keys: Sequence[int], records: Mapping[int, Record]) -> dict[int, str]:
        """Say of episodes of this project whether the files that they touched are as they were."""
        if self._tree is None:
            return {}
        own = [key for key in keys if key in records and self._store.wall.holds(records[key].project)]
        snapshots = read_snapshots(self.session, own)
        return {key: freshness(self._tree, snapshots.get(key)) for key in own}

    def _place(self, key: int, turn: Turn) -> Place:
        """Say where a turn stands, with what was said around it."""
        beside = self._store.turns.neighbours(self.session, [key]).get(key, {})
        around = self._store.turns.load_many(self.session, list(beside))
        said = {
            each.position: f"{each.message.role}: {each.message.text}"[:_AROUND_CHARACTERS] for each in around.values()
        }
        return Place(
            conversation_id=turn.conversation_id,
            title=turn.title,
            position=turn.position,
            importance=importance(turn.message, self._now),
            before=said.get(turn.position - 1, ""),
            after=said.get(turn.position + 1, ""),
        )

    def _hit(self, group: Group, record: Record, matched: tuple[str, ...], *, relevance: float, freshness: str) -> Hit:
        entry = group.best
        weights = {word: self._terms.weigh(word) for word in matched}
        lesson = " ".join(filter(None, outcome_lines(record))) if isinstance(record, Episode) else ""
        lesson_passage = best_passage(lesson, weights, LESSON_CHARACTERS)
        return Hit(
            kind=entry.candidate.kind,
            id=record.id,
            project=record.project,
            text=_shown(record),
            passage=_passage(record, lesson_passage, weights),
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
            age_days=round(max(self._now - entry.candidate.created_at, 0) / _DAY, 2),
            outcome=outcome_type(record.outcome) if isinstance(record, Episode) and record.outcome else None,
            reward=record.reward.total if isinstance(record, Episode) and record.reward else None,
            task_type=record.task_type if isinstance(record, Episode) else None,
            tags=_tags(record),
            repeats=group.count,
            lesson=lesson[:_LESSON_CHARACTERS],
            lesson_passage=lesson_passage,
            place=self._place(entry.candidate.key, record) if isinstance(record, Turn) else None,
            freshness=freshness,
            evidence=record.outcome.evidence if isinstance(record, Episode) and record.outcome else None,
        )


def _of_kind(groups: Sequence[Group], kind: Kind) -> list[int]:
    return [group.best.candidate.key for group in groups if group.best.candidate.kind == kind]


def _shown(record: Record) -> str:
    match record:
        case Episode():
            return record.task
        case Note() | Decision():
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
        case Pattern() | Decision():
            return ()


def _indexed(record: Record) -> str:
    match record:
        case Episode():
            return episode_text(record)
        case Note():
            return note_text(record)
        case Decision():
            return decision_text(record)
        case Pattern():
            return pattern_text(record)
        case Turn():
            return turn_text(record)


def _passage(record: Record, lesson_passage: str, weights: Mapping[str, float]) -> str:
    match record:
        case Episode():
            return task_passage(record.task, step_text(record), lesson_passage, weights)
        case Note() | Decision():
            return best_passage(record.text, weights)
        case Pattern():
            return best_passage(pattern_text(record), weights)
        case Turn():
            return best_passage(f"{record.message.role}: {record.message.text}", weights)
