"""This module gives out everything that a project remembers, and takes it in again under the same ids."""

import json
from collections.abc import Callable, Iterator, Sequence

import msgspec

from memory_mcp.models.archive import (
    DecisionLine,
    EpisodeLine,
    FeedbackLine,
    HandoffLine,
    Line,
    NoteLine,
    PatternLine,
    RecommendationLine,
    RelationshipLine,
    RuleLine,
    SettledLine,
    TurnPart,
)
from memory_mcp.models.episodes import Episode
from memory_mcp.models.relationships import Relationship
from memory_mcp.models.voices import ARCHIVE
from memory_mcp.storage import documents
from memory_mcp.storage.database import Session
from memory_mcp.storage.episode_store import EpisodeStore
from memory_mcp.storage.handoff_store import handoff_checksum
from memory_mcp.storage.note_store import NoteStore
from memory_mcp.storage.recommendation_store import load_recommendations
from memory_mcp.storage.snapshot_store import read_snapshots, write_snapshot
from memory_mcp.storage.store import Store
from memory_mcp.storage.turn_store import TurnStore

_PAGE = 100


class ArchiveStore:
    """The whole of one project."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._project = store.wall.project_key
        writer = msgspec.structs.replace(store.writer, actor=ARCHIVE)  # whose word it was cannot be known any more
        self._episodes = EpisodeStore(store.database, writer, store.episodes.hot)
        self._notes = NoteStore(store.database, writer)
        self._turns = TurnStore(store.database, writer, self._episodes)

    def lines(self) -> Iterator[Line]:
        """Yield everything in one snapshot: episodes and notes in the order of their making, then what is about them.

        Damaged records are passed over; health counts them.
        """
        with self._store.database.read() as session:
            yield from self._documents(session, "episode", self._episode_lines)
            yield from self._documents(session, "note", self._note_lines)
            yield from self._relationships(session)
            yield from self._documents(session, "pattern", self._pattern_lines)
            yield from self._handoffs(session)
            yield from self._recommendations(session)
            yield from self._feedback(session)
            yield from self._decided(session)
            yield from self._rules(session)

    def count(self) -> int:
        """Count the episodes, notes and patterns of the project."""
        return sum(
            number for kind, number in self._store.project_counts().items() if kind not in {"turns", "decisions"}
        )

    def present(self, ids: Sequence[str]) -> dict[str, str]:
        """Map those of the ids that the file knows already, in whatever project, to the project's name."""
        with self._store.database.read() as session:
            rows = session.rows(
                "SELECT d.id, p.name FROM documents d JOIN projects p ON p.key = d.project_key"
                " WHERE d.id IN (SELECT value FROM json_each(?))",
                (json.dumps(list(ids)),),
            )
        return {row[0]: row[1] for row in rows}

    def insert_records(self, lines: Sequence[EpisodeLine | NoteLine]) -> None:
        """Store episodes, conversations and notes as they were, in one transaction."""
        store = self._store
        with store.database.write() as session:
            for line in lines:
                if isinstance(line, NoteLine):
                    self._notes.insert_in(session, line.note)
                    continue
                self._episodes.insert_in(session, line.episode)
                if line.snapshot:
                    key, _ = store.episodes.place(session, line.episode.id)
                    write_snapshot(session, store.writer, key, line.snapshot)
                if line.turns:
                    self._turns.restore(session, line.episode, [(turn.id, turn.message) for turn in line.turns])

    def insert_rest(self, lines: Sequence[Line]) -> int:
        """Store what is about the records, once learning has found their patterns again; return how much was new."""
        added = 0
        with self._store.database.write() as session:
            for line in lines:
                match line:
                    case PatternLine():
                        added += self._name_pattern(session, line)
                    case HandoffLine():
                        added += self._insert_handoff(session, line)
                    case RecommendationLine():
                        added += self._insert_recommendation(session, line)
                    case FeedbackLine():
                        added += self._insert_feedback(session, line)
                    case DecisionLine():
                        added += self._store.decisions.restore(session, line.decision)
                    case SettledLine():
                        added += self._settle(session, line)
                    case RuleLine():
                        added += self._store.rules.restore(session, line.rule, line.identity)
        return added

    def _documents(
        self, session: Session, kind: str, lines_of: Callable[[Session, Sequence[int]], Iterator[Line]]
    ) -> Iterator[Line]:
        after = 0
        while True:
            keys = [
                row[0]
                for row in session.rows(
                    "SELECT key FROM documents WHERE project_key = ? AND kind = ? AND key > ? ORDER BY key LIMIT ?",
                    (self._project, kind, after, _PAGE),
                )
            ]
            yield from lines_of(session, keys)
            if len(keys) < _PAGE:
                return
            after = keys[-1]

    def _episode_lines(self, session: Session, keys: Sequence[int]) -> Iterator[Line]:
        loaded = self._store.episodes.load_many(session, keys)
        snapshots = read_snapshots(session, keys)
        for key in keys:
            episode = loaded.get(key)
            if isinstance(episode, Episode):
                talks = self._store.turns.of(session, key) if episode.kind == "conversation" else []
                parts = tuple(TurnPart(turn.id, turn.message) for turn in talks)
                yield EpisodeLine(episode, parts, snapshots.get(key))

    def _note_lines(self, session: Session, keys: Sequence[int]) -> Iterator[Line]:
        loaded = self._store.notes.load_many(session, keys)
        yield from (NoteLine(loaded[key]) for key in keys if key in loaded)

    def _pattern_lines(self, session: Session, keys: Sequence[int]) -> Iterator[Line]:
        loaded = self._store.patterns.load_many(session, keys)
        for key in keys:
            if key in loaded:
                found = loaded[key]
                yield PatternLine(found.id, found.first_seen, found.retired_at, (found.definition, *found.also))

    def _relationships(self, session: Session) -> Iterator[Line]:
        for kind, one, other in session.rows(
            "SELECT r.kind, f.id, t.id FROM relationships r JOIN documents f ON f.key = r.from_key"
            " JOIN documents t ON t.key = r.to_key WHERE f.project_key = ? ORDER BY f.key, t.key, r.kind",
            (self._project,),
        ):
            yield RelationshipLine(Relationship(kind, one, other))

    def _handoffs(self, session: Session) -> Iterator[Line]:
        for handoff_id, made_at, episode_id, steps, note, next_steps in session.rows(
            "SELECT h.id, h.made_at, d.id, h.steps, h.note, h.next_steps FROM handoffs h"
            " JOIN documents d ON d.key = h.episode_key WHERE h.project_key = ? ORDER BY h.made_at, h.id",
            (self._project,),
        ):
            yield HandoffLine(handoff_id, made_at, episode_id, steps, note, tuple(json.loads(next_steps)))

    def _recommendations(self, session: Session) -> Iterator[Line]:
        for made in load_recommendations(session, self._project):
            rows = session.rows(
                "SELECT d.id, x.acted, x.share FROM recommended x JOIN documents d ON d.key = x.document_key"
                " JOIN recommendations r ON r.key = x.recommendation_key"
                " WHERE r.id = ? AND d.kind <> 'decision' ORDER BY d.id",  # which is found anew, under another id
                (made.id,),
            )
            acted = {row[0]: row[1] for row in rows if row[1] is not None}
            kept = msgspec.structs.replace(made, document_ids=tuple(row[0] for row in rows))
            yield RecommendationLine(kept, acted, {row[0]: row[2] for row in rows if row[2] is not None})

    def _feedback(self, session: Session) -> Iterator[Line]:
        for judgement, at, note, recommendation_id, document_id, rating, share in session.rows(
            "SELECT f.judgement, f.at, f.note, r.id, d.id, f.rating, f.share FROM feedback f"
            " LEFT JOIN recommendations r ON r.key = f.recommendation_key"
            " LEFT JOIN documents d ON d.key = f.document_key WHERE f.project_key = ? ORDER BY f.at, f.key",
            (self._project,),
        ):
            yield FeedbackLine(judgement, at, note, recommendation_id, document_id, rating, share)

    def _decided(self, session: Session) -> Iterator[Line]:
        """Yield what of decisions does not follow from the records: what the user retired and settled."""
        yield from (DecisionLine(each) for each in self._store.decisions.touched(session))
        yield from (
            SettledLine(newer, older, kind, why)
            for newer, older, kind, why in self._store.decision_links.settled(session)
        )

    def _rules(self, session: Session) -> Iterator[Line]:
        yield from (RuleLine(rule, identity) for rule, identity in self._store.rules.decided(session))

    def _settle(self, session: Session, line: SettledLine) -> int:
        keys = documents.find_keys(session, self._store.wall, [line.newer, line.older])
        if len(keys) < len({line.newer, line.older}) or line.newer == line.older:
            return 0
        why = self._store.writer.redactor.text(line.why)
        return int(self._store.decision_links.settle_in(session, keys[line.newer], keys[line.older], line.kind, why))

    def _name_pattern(self, session: Session, line: PatternLine) -> int:
        known = self._store.patterns.find(session, line.definitions)
        if not known or documents.find_keys(session, None, [line.id]):
            return 0
        key = min(known.values())
        session.run("UPDATE documents SET id = ?, created_at = ? WHERE key = ?", (line.id, line.first_seen, key))
        session.run("UPDATE patterns SET retired_at = ? WHERE key = ?", (line.retired_at, key))
        documents.revise(session, key)
        return 1

    def _insert_handoff(self, session: Session, line: HandoffLine) -> int:
        cleaned = self._store.writer.redactor.clean(line)
        key = documents.find_keys(session, self._store.wall, [line.episode_id]).get(line.episode_id)
        next_steps = json.dumps(cleaned.next_steps)
        return 0 if key is None else session.run(
            "INSERT OR IGNORE INTO handoffs (id, project_key, episode_key, made_at, steps, note, next_steps, checksum)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(line.id, self._project, key, line.made_at, line.steps, cleaned.note, next_steps),
                handoff_checksum(line.steps, cleaned.note, next_steps),
            ),
        )  # fmt: skip

    def _insert_recommendation(self, session: Session, line: RecommendationLine) -> int:
        made = line.recommendation
        if session.value("SELECT 1 FROM recommendations WHERE id = ?", (made.id,)):
            return 0
        self._store.recommendations.insert_in(session, made)
        for document_id, key in documents.find_keys(session, self._store.wall, made.document_ids).items():
            session.run(
                "UPDATE recommended SET acted = ?, share = ? WHERE document_key = ?"
                " AND recommendation_key = (SELECT key FROM recommendations WHERE id = ?)",
                (line.acted.get(document_id), line.shares.get(document_id), key, made.id),
            )
        return 1

    def _insert_feedback(self, session: Session, line: FeedbackLine) -> int:
        note = self._store.writer.redactor.text(line.note)
        document = documents.find_keys(session, self._store.wall, filter(None, [line.document_id]))
        made = session.value("SELECT key FROM recommendations WHERE id = ?", (line.recommendation_id,))
        told = (
            self._project,
            made,
            document.get(line.document_id or ""),
            line.judgement,
            line.rating,
            note,
            line.share,
        )
        if session.value(
            "SELECT 1 FROM feedback WHERE (project_key, recommendation_key, document_key, judgement, rating, note,"
            " share, at) IS (?, ?, ?, ?, ?, ?, ?, ?)",
            (*told, line.at),
        ):
            return 0
        return session.run(
            "INSERT INTO feedback (project_key, recommendation_key, document_key, judgement, rating, note, share, at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (*told, line.at),
        )
