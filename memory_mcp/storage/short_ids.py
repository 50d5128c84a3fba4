"""This module makes the ids of records short for those who read them, and finds the record of a short id."""

import threading
from collections.abc import Iterable, Sequence

from msgspec import Struct

from memory_mcp.errors import InvalidInputError
from memory_mcp.storage import documents
from memory_mcp.storage.database import Database, Session
from memory_mcp.storage.documents import Wall

SHORTEST = 8  # characters
_FULL = 32
_TABLES = ("documents", "recommendations", "handoffs")
_MOST_NAMED = 5
_TITLE_CHARACTERS = 60
_MOST_KEPT = 10_000
_TITLES = {
    "documents": "SELECT d.id, d.kind, coalesce(e.task, n.text, t.text, '') FROM documents d"
    " LEFT JOIN episodes e ON e.key = d.key LEFT JOIN notes n ON n.key = d.key LEFT JOIN turns t ON t.key = d.key"
    " WHERE d.id IN (SELECT value FROM json_each(?))",
    "recommendations": "SELECT id, kind, task FROM recommendations WHERE id IN (SELECT value FROM json_each(?))",
    "handoffs": "SELECT id, 'handoff', note FROM handoffs WHERE id IN (SELECT value FROM json_each(?))",
}


class _Tails(Struct):
    """The last eight characters of every id of a table, in one text, as far as a row.

    Looking one up among 100,000 takes 0.5 ms, where scanning the table takes 10 to 40; no schema has to change for it.
    """

    text: str = " "
    last: int = 0


class ShortIds:
    """The ids of one store as one project sees them."""

    def __init__(self, database: Database, wall: Wall) -> None:
        self._database = database
        self._wall = wall
        self._lock = threading.Lock()
        self._tails = {table: _Tails() for table in _TABLES}
        self._shown: dict[str, str] = {}

    def shorten(self, ids: Iterable[str]) -> dict[str, str]:
        """Map ids of the store's records to their shortest unique tails of at least 8 characters; others are left out.

        A tail is unique in the whole store, so that it also holds in an answer from all projects.
        """
        asked = sorted({each for each in ids if len(each) > SHORTEST})
        if not asked:
            return {}
        with self._lock, self._database.read() as session:
            self._follow(session)
            known = [each for table in _TABLES for each in _existing(session, table, asked)]
            found = {each: self._shortest(session, each) for each in known}
            if len(self._shown) > _MOST_KEPT:
                self._shown.clear()
            self._shown.update({short: each for each, short in found.items()})
        return found

    def full(self, text: str) -> str:
        """Return the id that ends so, of a record that this project sees; what is whole or unknown stays as it is.

        Raises:
            InvalidInputError: several records' ids end so; the sentence names them.

        """
        if not SHORTEST <= len(text) < _FULL:
            return text
        with self._lock, self._database.read() as session:
            self._follow(session)
            count = self._count(text)  # 0 may be one of a copy that was restored under this process
            if count == 1 and text in self._shown:
                return self._shown[text]
            found = self._ending(session, text)
            if text in found:
                return text
            if len(found) > 1:
                raise InvalidInputError(_ambiguous(session, text, found))
            if found and count == 1:
                self._shown[text] = found[0]
            return found[0] if found else text

    def _follow(self, session: Session) -> None:
        """Take in the ids that are new, by whichever process."""
        tails = f"group_concat(substr(id, -{SHORTEST}), ' ')"
        for table in ("documents", "recommendations"):
            known = self._tails[table]
            added, last = session.rows(f"SELECT {tails}, max(key) FROM {table} WHERE key > ?", (known.last,))[0]
            if added:
                known.text += f"{added} "
                known.last = last
        handoffs = session.value(f"SELECT {tails} FROM handoffs") or ""  # these have no keys, and are few
        self._tails["handoffs"].text = f" {handoffs} "

    def _count(self, text: str) -> int:
        return sum(each.text.count(f" {text[-SHORTEST:]}") for each in self._tails.values())

    def _shortest(self, session: Session, id_: str) -> str:
        if self._count(id_) == 1:
            return id_[-SHORTEST:]
        others = [each for each in _alike(session, id_) if each != id_]
        lengths = range(SHORTEST, len(id_))
        return next((id_[-most:] for most in lengths if not any(each.endswith(id_[-most:]) for each in others)), id_)

    def _ending(self, session: Session, text: str) -> list[str]:
        """Return the ids that end so, of what this project sees; the newest last."""
        alike = sorted(each for each in _alike(session, text) if each.endswith(text))
        visible = {*documents.find_keys(session, self._wall, alike)}
        for table in ("recommendations", "handoffs"):
            rows = session.rows(
                f"SELECT id FROM {table} WHERE project_key IN {self._wall.among}"
                " AND id IN (SELECT value FROM json_each(?))",
                (documents.texts_json(alike),),
            )
            visible |= {row[0] for row in rows}
        return [each for each in alike if each in visible]


def _existing(session: Session, table: str, ids: Sequence[str]) -> list[str]:
    rows = session.rows(
        f"SELECT id FROM {table} WHERE id IN (SELECT value FROM json_each(?))", (documents.texts_json(ids),)
    )
    return [str(row[0]) for row in rows]


def _alike(session: Session, text: str) -> list[str]:
    """Return all ids with the same last eight characters."""
    tail = text[-SHORTEST:]
    return [
        str(row[0])
        for table in _TABLES
        for row in session.rows(f"SELECT id FROM {table} WHERE substr(id, -{SHORTEST}) = ?", (tail,))
    ]


def _ambiguous(session: Session, text: str, ids: Sequence[str]) -> str:
    listed = documents.texts_json(ids[-_MOST_NAMED:])
    rows = [row for query in _TITLES.values() for row in session.rows(query, (listed,))]
    named = "; ".join(f"{kind} {id_} '{' '.join(title.split())[:_TITLE_CHARACTERS]}'" for id_, kind, title in rows)
    return f"{len(ids)} records have an id that ends in {text}; give more of it: {named}"
