"""This module stores what readers hand over: in batches, each record once, bad ones reported."""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from typing import TypeGuard

import msgspec
from msgspec import Struct

from memory_mcp.episodes.conversations import Conversations
from memory_mcp.episodes.lifecycle import Episodes
from memory_mcp.episodes.relationships import Relationships
from memory_mcp.errors import IllegalMoveError, NotFoundError
from memory_mcp.importers.records import (
    MALFORMED,
    Bad,
    ConversationRecord,
    EpisodeRecord,
    NoteRecord,
    Record,
    printable,
)
from memory_mcp.models.episodes import Context, Episode, Source, live_kind
from memory_mcp.models.receipts import Receipt
from memory_mcp.models.relationships import Relationship
from memory_mcp.notes.notebook import Notes
from memory_mcp.redaction.redactor import Redactor

_BATCH = 50  # records of one transaction
_BATCH_BYTES = 4_000_000  # of steps and messages, so that what is held stays small
_MOST_SHOWN = 100
_LONGEST_ID = 500


class Targets(Struct, frozen=True):
    """Where records go."""

    episodes: Episodes
    notes: Notes
    conversations: Conversations
    relationships: Relationships
    redactor: Redactor


class Summary(Struct):
    """What an import did, or in a rehearsal would do; of the bad records the first hundred are named.

    `grown` counts the known episodes whose source has more steps than when it was imported; `projects` maps the
    projects that were looked at to what was imported into each.
    """

    read: int = 0
    imported: int = 0
    grown: int = 0
    known: int = 0
    relationships: int = 0
    bad: int = 0
    reports: list[Bad] = []
    projects: dict[str, int] = {}

    def add(self, more: "Summary") -> None:
        """Add the counts of another summary, without its projects."""
        for name in ("read", "imported", "grown", "known", "relationships", "bad"):
            setattr(self, name, getattr(self, name) + getattr(more, name))
        self.reports = [*self.reports, *more.reports][:_MOST_SHOWN]

    def report(self, bad: Bad) -> None:
        """Count a bad record."""
        self.bad += 1
        if len(self.reports) < _MOST_SHOWN:
            self.reports.append(Bad(printable(bad.where), printable(bad.reason)))


class Intake:
    """What takes in the records of one project, in batches; `finish` stores what is left of the last one."""

    def __init__(self, targets: Targets, kind: str, *, dry_run: bool = False) -> None:
        self.summary = Summary()
        self._targets = targets
        self._kind = kind
        self._dry_run = dry_run
        self._live = targets.episodes.sources(live_kind(kind))
        self._known = targets.episodes.sources(kind) | self._live
        self._steps = targets.episodes.step_counts(kind)
        self._batch: list[Record] = []
        self._size = 0

    def take(self, given: Record) -> None:
        """Take a record whose source is not known yet, and what was added to a session since it was imported."""
        record = _named(given, self._targets.redactor)
        self.summary.read += 1
        record = _identified(record)
        if record.source_id in self._known or self._is_live(record):
            if _has_grown(record, self._steps) and not self._is_live(record):
                self._take_again(record)
            else:
                self.summary.known += 1
            return
        self._known[record.source_id] = ""  # a second record of the same source is known too
        self._batch.append(record)
        self._size += _size(record)
        if len(self._batch) == _BATCH or self._size > _BATCH_BYTES:
            self.finish()

    def _is_live(self, record: Record) -> bool:
        """Whether hooks recorded the session while it ran, or the one that started it as a sub-agent's."""
        parent = record.parent if isinstance(record, EpisodeRecord) else None
        named = (name.split("#")[0] for name in (record.source_id, parent or ""))
        return any(name in self._live for name in named if name)

    def _take_again(self, record: EpisodeRecord) -> None:
        if not self._dry_run:
            try:
                self._targets.episodes.record_again(self._known[record.source_id], _sourced(self._kind, record))
            except (NotFoundError, *MALFORMED) as error:  # the episode was erased meanwhile, or has become too large
                self.summary.report(Bad.of(record.source_id, "record that can be stored", error))
                return
        self.summary.grown += 1

    def finish(self) -> None:
        """Store the batch in one transaction for each sort; where one record is refused, each by itself."""
        batch, self._batch, self._size = self._batch, [], 0
        if self._dry_run:
            self.summary.imported += len(batch)
            return
        for sort in (EpisodeRecord, NoteRecord, ConversationRecord):
            some = [record for record in batch if isinstance(record, sort)]
            try:
                stored = _write(self._targets, self._kind, some)
            except MALFORMED:
                stored = {}
                for record in some:
                    try:
                        stored |= _write(self._targets, self._kind, [record])
                    except MALFORMED as error:
                        self.summary.report(Bad.of(record.source_id, "record that can be stored", error))
            self._known |= stored
            self.summary.imported += len(stored)
        for record in batch:
            if isinstance(record, EpisodeRecord) and self._known.get(record.source_id):
                self.summary.relationships += _relate(self._targets.relationships, record, self._known)


def take_in(intake_of: Callable[[str], Intake], records: Iterable[Record | Bad], report: Callable[[Bad], None]) -> None:
    """Store each record through the intake that `intake_of` gives for its directory; `report` gets the bad ones.

    Interrupted, it goes on where it stopped.

    Raises:
        ImporterError: the source cannot be read; whole batches before that are kept.

    """
    last: Intake | None = None
    for record in records:
        if isinstance(record, Bad):
            report(record)
            continue
        intake = intake_of("" if isinstance(record, ConversationRecord) else record.directory)
        if last is not None and intake is not last:
            last.finish()  # one batch at a time, so that what is held stays small
        last = intake
        intake.take(record)
    if last is not None:
        last.finish()


def _write(targets: Targets, kind: str, records: Sequence[Record]) -> dict[str, str]:
    """Store records of one sort and map their source ids to the ids that they got."""
    if not records:
        return {}
    receipts: list[Receipt] = []
    episodes = [_sourced(kind, record) for record in records if isinstance(record, EpisodeRecord)]
    if episodes:
        receipts += targets.episodes.record(episodes)
    notes = [
        msgspec.structs.replace(record.note, origin=Source(kind, record.source_id))
        for record in records
        if isinstance(record, NoteRecord)
    ]
    if notes:
        receipts += targets.notes.record(notes)
    talks = [
        (
            targets.conversations.draft(
                record.title,
                record.messages,
                context=Context(tags=record.tags),
                source=Source(kind, record.source_id),
            ),
            record.messages,
        )
        for record in records
        if isinstance(record, ConversationRecord)
    ]
    if talks:
        receipts += targets.conversations.record(talks)
    return {record.source_id: receipt.id for record, receipt in zip(records, receipts, strict=True)}


def _named(record: Record, redactor: Redactor) -> Record:
    """Return a record with redacted source ids, both its own and those that it points to."""
    source_id = redactor.name(record.source_id)
    if not isinstance(record, EpisodeRecord):
        return record if source_id == record.source_id else msgspec.structs.replace(record, source_id=source_id)
    return msgspec.structs.replace(
        record,
        source_id=source_id,
        parent=redactor.name(record.parent) if record.parent else None,
        follows=redactor.name(record.follows) if record.follows else None,
    )


def _has_grown(record: Record, steps: dict[str, int]) -> TypeGuard[EpisodeRecord]:
    """Whether an episode that is known has more steps by now, as an agent's session that was resumed."""
    before = steps.get(record.source_id)
    return isinstance(record, EpisodeRecord) and before is not None and len(record.episode.steps) > before


def _identified(record: Record) -> Record:
    """Return a record whose ids are short and valid Unicode."""
    if not isinstance(record, EpisodeRecord):
        return msgspec.structs.replace(record, source_id=_short(record.source_id))
    parent, follows = (part and _short(part) for part in (record.parent, record.follows))
    return msgspec.structs.replace(record, source_id=_short(record.source_id), parent=parent, follows=follows)


def _short(source_id: str) -> str:
    told = printable(source_id)
    return told if len(told) <= _LONGEST_ID else hashlib.sha256(told.encode()).hexdigest()


def _sourced(kind: str, record: EpisodeRecord) -> Episode:
    return msgspec.structs.replace(record.episode, source=Source(kind, record.source_id))


def _relate(relationships: Relationships, record: EpisodeRecord, known: dict[str, str]) -> int:
    own = known[record.source_id]
    links = []
    if record.parent and known.get(record.parent):
        links.append(Relationship("parent_child", known[record.parent], own))
    if record.follows and known.get(record.follows):
        links.append(Relationship("follows", own, known[record.follows]))
    try:
        return relationships.add(links) if links else 0
    except IllegalMoveError:  # a circle in the source
        return 0


def _size(record: Record) -> int:
    match record:
        case EpisodeRecord():
            return sum(
                len(step.action) + len(str(step.parameters)) + len(str(step.result)) for step in record.episode.steps
            )
        case NoteRecord():
            return len(record.note.text)
        case ConversationRecord():
            return sum(len(message.text) for message in record.messages)
