"""This module makes the ids of records short for those who read them, and finds the record of a short id."""

import threading
from bisect import bisect_left
from collections.abc import Iterable, Sequence

from msgspec import Struct

from memory_mcp.errors import InvalidInputError
from memory_mcp.storage import documents
from memory_mcp.storage.database import Database, Session
from memory_mcp.storage.documents import Wall

SHORTEST = 8  # characters
_FULL = 32
_DIGITS = frozenset("0123456789abcdefABCDEF")
_LOOSE, _RUN = 1_024, 32_768  # tails
_TAIL = f"substr(id, -{SHORTEST})"
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
    """The last eight characters of every id of a table as far as a row: some loose ones, the others in sorted texts.

    Ten ids of 100,000 are shortened in 0.4 ms, where scanning the table takes 10 for each; no schema has to change.
    """

    runs: list[str]
    loose: str = ""
    last: int = 0

    def add(self, tails: str) -> None:
        """Take in tails that stand one after the other; when they are enough, they are sorted."""
        self.loose += tails
        if len(self.loose) <= _LOOSE * SHORTEST:
            return
        joined = self.runs.pop() + self.loose if self.runs and len(self.runs[-1]) < _RUN * SHORTEST else self.loose
        for start in range(0, len(joined), _RUN * SHORTEST):
            self.runs.append("".join(sorted(_split(joined[start : start + _RUN * SHORTEST]))))
        self.loose = ""

    def count(self, tail: str) -> int:
        """Return how many are this one; several count as 2."""
        return min(_count_loose(self.loose, tail) + sum(_count_sorted(run, tail) for run in self.runs), 2)


class ShortIds:
    """The ids of one store as one project sees them."""

    def __init__(self, database: Database, wall: Wall) -> None:
        self._database = database
        self._wall = wall
        self._lock = threading.Lock()
        self._tails = {table: _Tails([]) for table in _TABLES}
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

    def follow(self) -> None:
        """Take in the ids that are new, so that the next answer need not: 80 ms for the first 100,000."""
        with self._lock, self._database.read() as session:
            self._follow(session)

    def full(self, text: str) -> str:
        """Return the id that ends so, of a record that this project sees; what is whole or unknown stays as it is.

        Raises:
            InvalidInputError: several records' ids end so, and the sentence names them; or this can be no id's tail.

        """
        if len(text) == _FULL and _DIGITS.issuperset(text):
            return text
        with self._lock, self._database.read() as session:
            if text in self._shown and self._is_still_unique(session, text):
                return self._shown[text]
            found = self._ending(session, text)
            if text in found:
                return text
            if len(text) >= SHORTEST and len(found) > 1:
                raise InvalidInputError(_ambiguous(session, text, found))
        if len(text) >= SHORTEST and found:
            return found[0]
        if _DIGITS.issuperset(text) and (len(text) < SHORTEST or text != text.lower()):
            raise InvalidInputError(
                f"'{text}' is no id; give at least its last {SHORTEST} characters, in small letters"
            )
        return text

    def _is_still_unique(self, session: Session, text: str) -> bool:
        self._follow(session)
        return self._count(text) == 1

    def _follow(self, session: Session) -> None:  # by whichever process they were made
        tails = f"group_concat({_TAIL}, '')"
        long = f" AND length(id) >= {SHORTEST}"  # a foreign id may be shorter, and is never the same
        for table in ("documents", "recommendations"):
            known = self._tails[table]
            added, last = session.rows(f"SELECT {tails}, max(key) FROM {table} WHERE key > ?{long}", (known.last,))[0]
            if added:
                known.add(added)
                known.last = last
        handoffs = session.value(f"SELECT {tails} FROM handoffs") or ""  # these have no keys, and are few
        self._tails["handoffs"] = _Tails([], handoffs)

    def _count(self, text: str) -> int:
        return sum(each.count(text[-SHORTEST:]) for each in self._tails.values())

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


def _split(tails: str) -> list[str]:
    return [tails[start : start + SHORTEST] for start in range(0, len(tails), SHORTEST)]


def _count_loose(tails: str, tail: str) -> int:
    """Return how many tails of a text are this one; what lies across two of them is none."""
    found, at = 0, tails.find(tail)
    while at >= 0:
        found += at % SHORTEST == 0
        at = tails.find(tail, at + 1)
    return found


def _count_sorted(run: str, tail: str) -> int:
    """Return how many of the sorted tails of a text are this one; several count as 2."""

    def at(place: int) -> str:
        return run[place * SHORTEST : (place + 1) * SHORTEST]

    first = bisect_left(range(len(run) // SHORTEST), tail, key=at)
    return (at(first) == tail) + (at(first + 1) == tail)


def _existing(session: Session, table: str, ids: Sequence[str]) -> list[str]:
    rows = session.rows(
        f"SELECT id FROM {table} WHERE id IN (SELECT value FROM json_each(?))", (documents.texts_json(ids),)
    )
    return [str(row[0]) for row in rows]


def _alike(session: Session, text: str) -> list[str]:
    """Return all ids with the same last eight characters."""
    tail = text[-SHORTEST:]
    return [
        str(row[0]) for table in _TABLES for row in session.rows(f"SELECT id FROM {table} WHERE {_TAIL} = ?", (tail,))
    ]


def _ambiguous(session: Session, text: str, ids: Sequence[str]) -> str:
    listed = documents.texts_json(ids[-_MOST_NAMED:])
    rows = [row for query in _TITLES.values() for row in session.rows(query, (listed,))]
    named = "; ".join(f"{kind} {id_} '{' '.join(title.split())[:_TITLE_CHARACTERS]}'" for id_, kind, title in rows)
    return f"{len(ids)} records have an id that ends in {text}; give more of it: {named}"
