"""This module adds, lists and deletes notes."""

from collections.abc import Iterable, Sequence

import msgspec

from memory_mcp.clock import Clock
from memory_mcp.errors import InvalidInputError
from memory_mcp.models import checks, limits
from memory_mcp.models.notes import Note, NotePage
from memory_mcp.models.receipts import Receipt
from memory_mcp.storage.note_store import NoteStore


class Notes:
    """The notes of one project."""

    def __init__(self, store: NoteStore, clock: Clock, project: str) -> None:
        self._store = store
        self._clock = clock
        self._project = project

    def add(
        self,
        text: str,
        *,
        tags: Iterable[str] = (),
        importance: float = 0.5,
        source: str = "",
        valid_until: int | None = None,
        supersedes: str | None = None,
        is_global: bool = False,
    ) -> tuple[Note, Receipt]:
        """Remember a fact; `supersedes` names the note that it replaces, `valid_until` is in microseconds.

        Raises:
            InvalidInputError: a value is empty, out of range or past its limit.
            NotFoundError: there is no note to supersede.

        """
        now = self._clock.now()
        if valid_until is not None and valid_until <= now:
            raise InvalidInputError("valid_until lies in the past, so the note could never be found")
        note = Note(
            id=self._clock.new_id(),
            project=self._project,
            text=checks.text(text, "the note", limits.NOTE_CHARACTERS, required=True),
            tags=checks.tags(tags),
            importance=checks.importance(importance),
            created_at=now,
            source=checks.text(source, "source", limits.NAME_CHARACTERS),
            valid_until=None if valid_until is None else checks.moment(valid_until, "valid_until"),
            is_global=is_global,
        )
        return note, self._store.insert(note, supersedes=supersedes)

    def record(self, notes: Sequence[Note]) -> Sequence[Receipt]:
        """Store notes that were made elsewhere, in one transaction.

        Raises:
            InvalidInputError: one of them goes past a limit; none is stored then.

        """
        return self._store.insert_many([self._prepared(note) for note in notes])

    def _prepared(self, note: Note) -> Note:
        return msgspec.structs.replace(
            checks.note(note),
            id=note.id or self._clock.new_id(),
            project=self._project,
            created_at=note.created_at or self._clock.now(),
        )

    def get(self, note_id: str) -> Note:
        """Return a note.

        Raises:
            NotFoundError: no such note here.

        """
        return self._store.get(note_id)

    def list(
        self, *, tag: str | None = None, include_old: bool = False, limit: int = 20, cursor: str | None = None
    ) -> NotePage:
        """Return one page, newest first; `include_old` adds superseded and expired notes.

        Raises:
            InvalidInputError: the cursor or the limit is not one.

        """
        page_size = checks.page_size(limit)
        now = self._clock.now()
        return self._store.list(now=now, include_old=include_old, tag=tag, limit=page_size, cursor=cursor)

    def delete(self, note_id: str) -> Receipt:
        """Erase a note for good; one that it superseded counts again.

        Raises:
            NotFoundError: no such note here.

        """
        return self._store.delete(note_id)
