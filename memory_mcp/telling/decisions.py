"""This module keeps the decisions of a project in step with its records, and answers what was decided."""

import time
from collections.abc import Callable, Iterable, Sequence

from memory_mcp.clock import Clock
from memory_mcp.errors import BusyError, DamagedError, ReadOnlyStoreError, StoreFullError
from memory_mcp.models import checks, limits
from memory_mcp.models.conversations import Turn
from memory_mcp.models.decisions import Decision, DecisionFilter, DecisionPage, Draft, Link
from memory_mcp.models.episodes import Episode
from memory_mcp.models.notes import Note
from memory_mcp.models.receipts import Receipt
from memory_mcp.models.voices import Voice
from memory_mcp.notes.notebook import Notes
from memory_mcp.storage import documents
from memory_mcp.storage.database import Session
from memory_mcp.storage.decision_sources import DecisionSources
from memory_mcp.storage.store import Store
from memory_mcp.telling.extracting import ADDED, EDITION, drafts_of, whole_note, with_places
from memory_mcp.telling.linking import links_among
from memory_mcp.telling.places import ranked, written_as

_BATCH = 25  # records read in one transaction
_MOST_COMPARED = 4_000  # decisions, the newest, that new ones are compared with
_ANY = DecisionFilter()

Progress = Callable[[int], None]
_Record = tuple[Episode | Note, Sequence[Turn]]


class Decisions:
    """The decisions of one project."""

    def __init__(self, store: Store, notes: Notes, clock: Clock) -> None:
        self._store = store
        self._notes = notes
        self._clock = clock
        self._sources = DecisionSources(store.database, store.writer, EDITION)

    def follow(self, patience_s: float = float("inf"), progress: Progress | None = None) -> int:
        """Extract from every record that changed, until there are none or the time is up; return how many are left.

        Raises:
            BusyError: another process held the write lock until the deadline.

        """
        if self._store.database.is_read_only:
            return self._sources.count()
        deadline = time.monotonic() + patience_s
        while self._sources.lags():
            with self._store.database.read() as session:
                changed, up_to = self._sources.unread(session, _BATCH)
                records = {key: self._load(session, key, kind) for key, _, kind in changed}
            drafts = {key: drafts_of(*record) for key, record in records.items() if record is not None}
            with self._store.database.write() as session:
                there = self._sources.remaining(session, changed)
                for key, _, _ in there:
                    self._keep(session, key, records[key], drafts.get(key, []))
                self._sources.reach(session, there, up_to)
            if progress:
                progress(len(changed))
            if time.monotonic() > deadline and (left := self._sources.count()):
                return left  # what replaces what is looked for when all are read
        self._link()
        return 0

    def catch_up(self, patience_s: float) -> int:
        """Catch up before an answer, unless the store is busy or full; return how many records are left."""
        try:
            return self.follow(patience_s)
        except (BusyError, ReadOnlyStoreError, StoreFullError):
            return self._sources.count()

    def renew(self, progress: Progress | None = None) -> None:
        """Extract anew from every record of the project; what the user added, retired or settled stays."""
        with self._store.database.write() as session:
            self._sources.forget(session)
            self._store.decision_links.forget(session)
        self.follow(progress=progress)

    def add(
        self,
        text: str,
        *,
        files: Iterable[str] = (),
        names: Iterable[str] = (),
        voice: Voice = "user",
        who: str = "",
        replaces: Sequence[str] = (),
        is_global: bool = False,
    ) -> tuple[Decision, Receipt]:
        """Keep a decision as a note of its own; `replaces` are the ids of those that it puts an end to.

        Raises:
            InvalidInputError: the text is empty or too long.
            NotFoundError: there is no decision to replace.

        """
        for each in replaces:
            self._store.decisions.get(each)
        places = [checks.text(each, "a place", limits.NAME_CHARACTERS, required=True) for each in (*files, *names)]
        written = with_places(checks.text(text, "the decision", limits.NOTE_CHARACTERS, required=True).strip(), places)
        note, receipt = self._notes.add(written, tags=(ADDED,), importance=1.0, source=who, is_global=is_global)
        with self._store.database.write() as session:
            key = documents.locate(session, self._store.writer, "note", note.id)
            self._store.decisions.sync(session, key, [whole_note(note, voice)])
        decision = self._store.decisions.of([note.id])[0]
        for each in replaces:
            self._store.decision_links.settle(decision.id, each, "replaces", "said with the newer one")
        return self._store.decisions.get(decision.id), receipt

    def get(self, decision_id: str) -> Decision:
        """Return a decision.

        Raises:
            NotFoundError: no such decision here.

        """
        return self._store.decisions.get(decision_id)

    def list(self, chosen: DecisionFilter = _ANY, *, limit: int = 20, cursor: str | None = None) -> DecisionPage:
        """Return one page of decisions, newest first; those that stand, unless the filter asks for others."""
        return self._store.decisions.list(
            chosen, written_as(chosen.file) if chosen.file else (), limit=checks.page_size(limit), cursor=cursor
        )

    def of(self, record_ids: Iterable[str], *, standing: bool = True) -> Sequence[Decision]:
        """Return the decisions of some records, best first; a turn stands for its talk.

        With `standing` those that were replaced or retired are left out.
        """
        found = self._store.decisions.of(record_ids)
        kept = [each for each in found if each.is_standing or not standing]
        return sorted(kept, key=lambda each: (-each.score, -each.said_at, each.id))

    def about(self, files: Iterable[str] = (), names: Iterable[str] = (), limit: int = 5) -> Sequence[Decision]:
        """Return the standing decisions for files, functions and names: those that name most of them, then newest."""
        return ranked(self._store.decisions.at, files, names)[:limit]

    def contradictions(self, limit: int = 20) -> Sequence[Link]:
        """Return the pairs of decisions that contradict each other, as far as nobody settled them."""
        return self._store.decision_links.list("contradicts", limit)

    def replacements(self, limit: int = 20) -> Sequence[Link]:
        """Return which decisions replaced which, newest first."""
        return self._store.decision_links.list("replaces", limit)

    def retire(self, decision_id: str) -> Receipt:
        """Mark a decision as one that holds no more.

        Raises:
            NotFoundError: no such decision here.

        """
        return self._store.decisions.retire(decision_id, self._clock.now())

    def restore(self, decision_id: str) -> Receipt:
        """Let a retired decision hold again.

        Raises:
            NotFoundError: no such decision here.

        """
        return self._store.decisions.retire(decision_id, None)

    def settle(self, standing: str, other: str, *, both: bool = False, why: str = "") -> Receipt:
        """Say that one decision replaces another, or that both stand.

        Raises:
            NotFoundError: no such decision here.

        """
        return self._store.decision_links.settle(standing, other, "both" if both else "replaces", why)

    def _link(self) -> None:
        """Find what replaces what among decisions that changed and all others."""
        with self._store.database.read() as session:
            fresh, up_to = self._sources.unlinked(session)
            decisions = self._store.decisions.standing(session, _MOST_COMPARED) if fresh else {}
        if not fresh:
            return
        found = links_among(decisions, fresh)
        with self._store.database.write() as session:
            self._store.decision_links.replace(session, fresh, found)
            self._sources.reach_links(session, up_to)

    def _keep(self, session: Session, key: int, record: _Record | None, drafts: Sequence[Draft]) -> None:
        """Bring the decisions of one record up to date; a damaged one is reported where it is read."""
        if record is None:
            return
        if _is_added(record[0]) and self._store.decisions.has_source(session, key):
            return  # it was kept when it was added, with the voice of that door
        kept = [  # what takes back no decision is none
            each for each in drafts if each.score or self._store.decisions.has_origin(session, each.reverts)
        ]
        self._store.decisions.sync(session, key, kept)

    def _load(self, session: Session, key: int, kind: str) -> _Record | None:
        if kind == "note":
            note = self._store.notes.load_many(session, [key]).get(key)
            return (note, ()) if note else None
        episode = self._store.episodes.load_many(session, [key]).get(key)
        if episode is None or isinstance(episode, DamagedError):
            return None
        return episode, self._store.turns.of(session, key) if episode.kind == "conversation" else ()


def _is_added(record: Episode | Note) -> bool:
    return isinstance(record, Note) and ADDED in record.tags
