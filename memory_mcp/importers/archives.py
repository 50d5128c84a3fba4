"""This module writes and reads exports: everything that a memory holds, as JSON lines."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from memory_mcp import __version__
from memory_mcp.clock import Clock
from memory_mcp.errors import ConflictError, IllegalMoveError, ImporterError, NotFoundError
from memory_mcp.importers.folders import open_inside
from memory_mcp.importers.json_values import decoded
from memory_mcp.importers.line_files import records_in
from memory_mcp.importers.records import MALFORMED, Bad, Progress
from memory_mcp.importers.taking_in import Summary
from memory_mcp.learning.learner import Learning
from memory_mcp.models.archive import (
    FORMAT,
    EpisodeLine,
    Header,
    Line,
    NoteLine,
    RelationshipLine,
)
from memory_mcp.models.relationships import Relationship
from memory_mcp.models.soundness import sound
from memory_mcp.storage.archive_store import ArchiveStore
from memory_mcp.storage.store import Store
from memory_mcp.telling.decisions import Decisions

_BATCH = 50
_BATCH_BYTES = 4_000_000
_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(Line)


def export_lines(store: Store, clock: Clock) -> Iterator[bytes]:
    """Yield the lines of an export of the project that a store is open for."""
    yield _ENCODER.encode(Header(FORMAT, __version__, store.wall.project, clock.now())) + b"\n"
    for line in ArchiveStore(store).lines():
        yield _ENCODER.encode(line) + b"\n"


def is_export(path: Path) -> bool:
    """Whether a file begins as an export of ours does."""
    try:
        with open_inside(path, path) as stream:
            first = _DECODER.decode(stream.readline(10_000))
    except (OSError, ImporterError, *MALFORMED):
        return False
    return isinstance(first, Header)


class Opened(Struct, frozen=True):
    """A project that records go into."""

    store: Store
    learning: Learning
    decisions: Decisions


def import_export(opened: Callable[[str], Opened], path: Path, progress: Progress, *, dry_run: bool) -> Summary:
    """Take in an export under the ids that its records had; what is there already stays as it is.

    `opened` says where the records of a project go, by its name in the export.

    Raises:
        ImporterError: the file cannot be read, or is of a format that is not known.

    """
    summary = Summary()
    section: _Section | None = None
    for line, length in _read(path, summary):
        progress(length)
        if isinstance(line, Header):
            if line.format != FORMAT:
                raise ImporterError(f"{path} says '{line.format}' and only '{FORMAT}' can be read; upgrade memory-mcp")
            if section:
                section.finish()
            section = _Section(opened(line.project), summary, dry_run=dry_run)
        elif section:
            section.take(line, length)
    if section:
        section.finish()
    return summary


class _Section:
    """One project of an export on its way in."""

    def __init__(self, opened: Opened, summary: Summary, *, dry_run: bool) -> None:
        self._opened = opened
        self._archive = ArchiveStore(opened.store)
        self._summary = summary
        self._dry_run = dry_run
        self._batch: list[EpisodeLine | NoteLine] = []
        self._bytes = 0
        self._rest: list[Line] = []

    def take(self, line: Line, length: int) -> None:
        if not isinstance(line, EpisodeLine | NoteLine):
            self._rest.append(line)
            return
        self._batch.append(line)
        self._bytes += length
        if len(self._batch) == _BATCH or self._bytes > _BATCH_BYTES:
            self._store_batch()

    def finish(self) -> None:
        """Store what is left, let learning find the patterns again, then what is about them."""
        self._store_batch()
        if self._dry_run:
            return
        related = [each.relationship for each in self._rest if isinstance(each, RelationshipLine)]
        self._summary.relationships += _relate(self._opened.store, related)
        self._opened.learning.follow()
        self._opened.decisions.follow()
        self._store_rest(self._rest)

    def _store_batch(self) -> None:
        ids = [line.episode.id if isinstance(line, EpisodeLine) else line.note.id for line in self._batch]
        present = self._archive.present(ids)
        new = []
        for line, record_id in zip(self._batch, ids, strict=True):
            self._summary.read += 1
            where = present.get(record_id)
            if where is None:
                new.append(line)
            elif where == self._opened.store.wall.project:
                self._summary.known += 1
            else:
                self._summary.report(Bad(record_id, f"project {where} of this memory has it already"))
        self._batch, self._bytes = [], 0
        self._summary.imported += len(new) if self._dry_run else self._store(new)

    def _store(self, lines: Sequence[EpisodeLine | NoteLine]) -> int:
        """Store records in one transaction, or singly if one is refused; return how many were stored."""
        if not lines:
            return 0
        try:
            self._archive.insert_records(lines)
        except (ConflictError, NotFoundError, *MALFORMED) as error:
            if len(lines) == 1:
                line = lines[0]
                where = line.episode.id if isinstance(line, EpisodeLine) else line.note.id
                self._summary.report(Bad.of(where, "record that can be stored", error))
                return 0
            return sum(self._store([line]) for line in lines)
        return len(lines)

    def _store_rest(self, lines: Sequence[Line]) -> None:
        try:
            self._archive.insert_rest(lines)
        except (ConflictError, NotFoundError, *MALFORMED) as error:
            if len(lines) == 1:
                self._summary.report(Bad.of(type(lines[0]).__name__, "line that can be stored", error))
                return
            for line in lines:
                self._store_rest([line])


def _read(path: Path, summary: Summary) -> Iterator[tuple[Line, int]]:
    """Yield the lines of an export with their lengths.

    Raises:
        ImporterError: it cannot be read.

    """

    def take(raw: bytes) -> tuple[Line, int] | None:
        return sound(decoded(raw, _DECODER)), len(raw)

    for line in records_in(path, path, take, lambda _: None, "line of an export"):
        if not isinstance(line, Bad):
            yield line
        elif line.where == str(path):
            raise ImporterError(f"{path}: {line.reason}")
        else:
            summary.report(line)


def _relate(store: Store, relationships: Sequence[Relationship]) -> int:
    added = 0
    for each in relationships:
        try:
            added += store.relationships.insert_many([each])
        except (NotFoundError, IllegalMoveError):  # an end of it is global and elsewhere, or was passed over as bad
            continue
    return added
