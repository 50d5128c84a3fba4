"""This module keeps notes."""

from collections.abc import Sequence
from typing import Any

from memory_mcp.errors import DamagedError, NotFoundError
from memory_mcp.models.episodes import Source
from memory_mcp.models.notes import Note, NotePage
from memory_mcp.models.receipts import Receipt
from memory_mcp.models.voices import voice_of
from memory_mcp.storage import checksums, cursors, documents
from memory_mcp.storage.database import Database, Row, Session
from memory_mcp.storage.documents import Listed, NewDocument, Writer

_COLUMNS = (
    "d.key, d.created_at, d.id, p.name, n.text, n.importance, n.source, n.valid_until, n.superseded_by, d.is_global, "
    "d.source_kind, d.source_id, n.checksum"
)
_LISTED = Listed("note", "notes n ON n.key = d.key")
_TABLES = "documents d JOIN notes n ON n.key = d.key JOIN projects p ON p.key = d.project_key"


class NoteStore:
    """Notes behind one project's wall."""

    def __init__(self, database: Database, writer: Writer) -> None:
        self._database = database
        self._writer = writer

    def insert(self, given: Note, *, supersedes: str | None) -> Receipt:
        """Store a note, and mark the one that it replaces, in one transaction.

        Raises:
            NotFoundError: there is no note to replace.

        """
        with self._database.write() as session:
            old = documents.locate(session, self._writer, "note", supersedes) if supersedes else None
            receipt = self.insert_in(session, given)
            if old is None:
                return receipt
            session.run("UPDATE notes SET superseded_by = ? WHERE key = ?", (given.id, old))
            documents.revise(session, old)
            return documents.seal(session, self._writer, "supersede", given.id)

    def insert_many(self, notes: Sequence[Note]) -> Sequence[Receipt]:
        """Store notes in one transaction; what they supersede is said by themselves."""
        with self._database.write() as session:
            return [self.insert_in(session, note) for note in notes]

    def insert_in(self, session: Session, given: Note) -> Receipt:
        """Store a note in a transaction of the caller's."""
        note = self._writer.redactor.clean(given)
        document = NewDocument(
            id=note.id,
            kind="note",
            created_at=note.created_at,
            tags=note.tags,
            is_global=note.is_global,
            source=note.origin,
            voice=voice_of(self._writer.door(note.origin)),
        )
        key = documents.insert(session, self._writer, document)
        session.run(
            "INSERT INTO notes (key, text, importance, source, valid_until, superseded_by, checksum)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                *(key, note.text, note.importance, note.source, note.valid_until, note.superseded_by),
                checksums.NOTE.checksum(_columns(note)),
            ),
        )
        return documents.seal(session, self._writer, "create", note.id)

    def rewrite(self, session: Session, key: int, note: Note) -> None:
        """Replace the text, the source and the tags of a stored note, whatever project it is of."""
        session.run(
            "UPDATE notes SET text = ?, source = ?, checksum = ? WHERE key = ?",
            (note.text, note.source, checksums.NOTE.checksum(_columns(note)), key),
        )
        documents.replace_tags(session, key, note.tags)
        documents.revise(session, key)

    def delete(self, note_id: str) -> Receipt:
        """Erase a note from every table and index; a note that it superseded stands again.

        Raises:
            NotFoundError: no such note here.

        """
        with self._database.write() as session:
            restored = session.rows("SELECT key FROM notes WHERE superseded_by = ?", (note_id,))
            for (key,) in restored:
                session.run("UPDATE notes SET superseded_by = NULL WHERE key = ?", (key,))
                documents.revise(session, key)
            return documents.delete(session, self._writer, "note", note_id)

    def get(self, note_id: str) -> Note:
        """Return a note.

        Raises:
            NotFoundError: no such note here.

        """
        with self._database.read() as session:
            rows = session.rows(
                f"SELECT {_COLUMNS} FROM {_TABLES} WHERE d.id = ? AND {self._writer.wall.visible()}", (note_id,)
            )
            notes, damaged = _load(session, rows)
        if damaged:
            raise DamagedError(next(iter(damaged.values())))
        if not notes:
            raise NotFoundError(f"no note {note_id} in project {self._writer.wall.project}")
        return notes[rows[0][0]]

    def list(self, *, now: int, include_old: bool, tag: str | None, limit: int, cursor: str | None) -> NotePage:
        """Return one page, newest first; `include_old` adds superseded and expired notes."""
        conditions: list[str] = []
        bindings: dict[str, str | int] = {"limit": limit + 1}
        if not include_old:
            conditions.append("n.superseded_by IS NULL AND (n.valid_until IS NULL OR n.valid_until > :now)")
            bindings["now"] = now
        if tag:
            conditions.append("EXISTS (SELECT 1 FROM tags WHERE document_key = d.key AND tag = :tag)")
            bindings["tag"] = tag
        if cursor:
            after = cursors.load_cursor(cursor)
            conditions.append("(d.created_at, d.key) < (:created_at, :key)")
            bindings |= {"created_at": after.created_at, "key": after.key}
        with self._database.read() as session:
            keys = documents.newest_keys(session, self._writer.wall, _LISTED, conditions, bindings)
            rows = session.rows(
                f"SELECT {_COLUMNS} FROM {_TABLES} WHERE d.key IN (SELECT value FROM json_each(?))"
                " ORDER BY d.created_at DESC, d.key DESC",
                (documents.keys_json(keys),),
            )
            shown = rows[:limit]
            notes, damaged = _load(session, shown)
        documents.set_aside(self._database, self._writer.clock, damaged)
        next_cursor = cursors.dump_cursor(cursors.Position(shown[-1][1], shown[-1][0])) if len(rows) > limit else None
        return NotePage(tuple(notes.values()), next_cursor, len(damaged))

    def load_many(self, session: Session, keys: Sequence[int]) -> dict[int, Note]:
        """Load notes by key for the index, whatever project they are of; damaged ones are left out."""
        rows = session.rows(
            f"SELECT {_COLUMNS} FROM {_TABLES} WHERE d.key IN (SELECT value FROM json_each(?))",
            (documents.keys_json(keys),),
        )
        return _load(session, rows)[0]


def _load(session: Session, rows: Sequence[Row]) -> tuple[dict[int, Note], dict[int, str]]:
    tags = documents.tags_of(session, [row[0] for row in rows])
    notes: dict[int, Note] = {}
    damaged: dict[int, str] = {}
    for key, created_at, note_id, project, text, importance, source, valid_until, superseded, *rest in rows:
        is_global, source_kind, source_id, stored = rest
        note = Note(
            id=note_id,
            project=project,
            text=text,
            tags=tags.get(key, ()),
            importance=importance,
            created_at=created_at,
            source=source,
            valid_until=valid_until,
            superseded_by=superseded,
            is_global=bool(is_global),
            origin=Source(source_kind, source_id) if source_kind and source_id else None,
        )
        if checksums.NOTE.match(stored, _columns(note)):
            notes[key] = note
        else:
            damaged[key] = f"note {note_id} does not match its checksum"
    return notes, damaged


def _columns(note: Note) -> dict[str, Any]:
    """Return the columns of a note's row that its checksum covers."""
    return {
        "text": note.text,
        "importance": float(note.importance),
        "source": note.source,
        "valid_until": note.valid_until,
    }
