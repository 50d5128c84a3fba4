"""This module books what was told, to which session, by which door, and what it cost."""

import json
from collections.abc import Mapping, Sequence

from msgspec import Struct

from memory_mcp.models.episodes import Step
from memory_mcp.models.voices import LIVE_CLIENTS
from memory_mcp.storage import codec, documents
from memory_mcp.storage.database import Database, Session
from memory_mcp.storage.documents import Writer

DAY_US = 86_400_000_000
_KEPT_US = 90 * DAY_US
_MOST_TELLINGS = 50_000  # of one project
_PRUNED_EVERY = 256  # tellings
_UNUSED_TIMES = 5  # told so often and never used, a record falls silent
_LATER_STEPS = 400


BEGUN = "session-start"


class Booking(Struct, frozen=True):
    """One text that was told; `names` are ids of records, or names of what is computed."""

    session_id: str
    door: str
    moment: str
    size_bytes: int
    tokens: int
    names: tuple[str, ...] = ()
    at: int = 0


class Telling(Struct, frozen=True):
    """A booked text that nobody has looked at yet to see whether it was used."""

    key: int
    session_id: str
    at: int
    names: tuple[str, ...]


class LedgerDay(Struct, frozen=True):
    """What one door told at one kind of moment on one day, counted from 1970; `silent` events got no word."""

    project: str
    day: int
    door: str
    moment: str
    tellings: int
    silent: int
    records: int
    repeats: int
    size_bytes: int
    tokens: int


class ToldRecord(Struct, frozen=True):
    """How often something was told, how often again in one session, and how often it was used, where that is known."""

    name: str
    kind: str
    tellings: int
    repeats: int
    settled: int
    used: int
    is_silent: bool
    last_told_at: int


class LedgerStore:
    """The ledger of one project; a branch's layer shares it with the project below."""

    def __init__(self, database: Database, writer: Writer) -> None:
        self._database = database
        self._writer = writer
        base = writer.wall.project_key if writer.wall.base_key is None else writer.wall.base_key
        self._family = f"(SELECT key FROM projects WHERE key = {base} OR parent_key = {base})"

    def book(self, bookings: Sequence[Booking], silent: Mapping[tuple[int, str, str], int] = {}) -> None:
        """Book texts, and (day, door, moment) of events that got no word, in one transaction."""
        with self._database.write() as session:
            for booking in bookings:
                self.book_in(session, booking)
            for (day, door, moment), count in silent.items():
                self._add_to_day(session, (day, door, moment), (0, count, 0, 0, 0, 0))

    def book_in(self, session: Session, booking: Booking) -> None:
        """Book one text in a transaction of the caller's."""
        writer = self._writer
        at = booking.at or writer.clock.now()
        before = self._told_in(session, booking.session_id) if booking.moment != BEGUN else frozenset()
        names = list(dict.fromkeys(writer.redactor.text(name) for name in booking.names))
        key = session.insert(
            "INSERT INTO tellings (project_key, session_id, door, moment, at, bytes, tokens, settled_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(writer.wall.project_key, writer.redactor.name(booking.session_id), booking.door, booking.moment, at),
                *(booking.size_bytes, booking.tokens, None if names and booking.door == "hook" else at),
            ),
        )
        repeats = [name in before for name in names]
        session.run_many(
            "INSERT INTO told (telling_key, name, is_repeat) VALUES (?, ?, ?)",
            [(key, name, int(is_repeat)) for name, is_repeat in zip(names, repeats, strict=True)],
        )
        added = (int(booking.size_bytes > 0), 0, len(names), sum(repeats), booking.size_bytes, booking.tokens)
        self._add_to_day(session, (at // DAY_US, booking.door, booking.moment), added)
        if not key % _PRUNED_EVERY:
            self._prune(session, at)

    def told(self, session_id: str) -> frozenset[str]:
        """Return what a session, its sub-agents and their starter were told, in whatever worktree."""
        with self._database.read() as session:
            return self._told_in(session, session_id)

    def fallen_silent(self, names: Sequence[str]) -> frozenset[str]:
        """Return what was told five times and never used, since the user last released it."""
        with self._database.read() as session:
            rows = session.rows(
                "SELECT x.name FROM told x JOIN tellings y ON y.key = x.telling_key"
                " LEFT JOIN documents d ON d.id = x.name LEFT JOIN released r ON r.document_key = d.key"
                " WHERE x.name IN (SELECT value FROM json_each(?)) AND x.acted IS NOT NULL"
                f" AND y.project_key IN {self._family} AND y.at > coalesce(r.at, 0) AND coalesce(d.kind, '') <> 'rule'"
                " GROUP BY x.name HAVING count(*) >= ? AND sum(x.acted) = 0",
                (documents.texts_json(names), _UNUSED_TIMES),
            )
        return frozenset(row[0] for row in rows)

    def unsettled(self, before: int, session_id: str | None, limit: int) -> list[Telling]:
        """Return texts told before a time, or in one session, that nobody has looked at yet, oldest first."""
        own = self._writer.redactor.name(session_id) if session_id else ""
        with self._database.read() as session:
            rows = session.rows(
                "SELECT y.key, y.session_id, y.at, json_group_array(x.name) FROM tellings y"
                " JOIN told x ON x.telling_key = y.key"
                f" WHERE y.settled_at IS NULL AND y.project_key IN {self._family}"
                " AND (y.at < ? OR y.session_id = ? OR (y.session_id > ? AND y.session_id < ?))"
                " GROUP BY y.key ORDER BY y.key LIMIT ?",
                (before, own, f"{own}:", f"{own};" if own else "", limit),
            )
        return [Telling(row[0], row[1], row[2], tuple(json.loads(row[3]))) for row in rows]

    def later_steps(self, session_id: str, after: int) -> list[Step]:
        """Return the steps that a session and its sub-agents made after a time, in order."""
        with self._database.read() as session:
            rows = session.rows(
                f"SELECT d.id, {', '.join(f's.{name}' for name in codec.STEP_COLUMNS)} FROM documents d"
                " JOIN steps s ON s.episode_key = d.key"
                f" WHERE d.project_key IN {self._family} AND d.source_kind IN (SELECT value FROM json_each(?))"
                " AND (d.source_id = ? OR (d.source_id > ? AND d.source_id < ?)"
                " OR (d.source_id > ? AND d.source_id < ?))"
                " AND s.recorded_at > ? ORDER BY s.recorded_at, s.position LIMIT ?",
                (
                    *(documents.texts_json(LIVE_CLIENTS), session_id, f"{session_id}#", f"{session_id}$"),
                    *(f"{session_id}:", f"{session_id};", after, _LATER_STEPS),
                ),
            )
        return [codec.load_step(row[1:], row[0]) for row in rows]

    def settle(self, used: Mapping[int, Mapping[str, bool | None]]) -> None:
        """Keep for each telling what of it was used; None where that cannot be seen."""
        with self._database.write() as session:
            for key, names in used.items():
                session.run("UPDATE tellings SET settled_at = ? WHERE key = ?", (self._writer.clock.now(), key))
                session.run_many(
                    "UPDATE told SET acted = ? WHERE telling_key = ? AND name = ?",
                    [(None if acted is None else int(acted), key, name) for name, acted in names.items()],
                )

    def texts(self, ids: Sequence[str]) -> dict[str, str]:
        """Return the texts of the notes, turns and decisions among some ids."""
        with self._database.read() as session:
            rows = session.rows(
                "SELECT d.id, coalesce(n.text, t.text, c.text, '') FROM documents d LEFT JOIN notes n ON n.key = d.key"
                " LEFT JOIN turns t ON t.key = d.key LEFT JOIN decisions c ON c.key = d.key"
                " WHERE d.id IN (SELECT value FROM json_each(?))"
                f" AND {self._writer.wall.visible()}",
                (documents.texts_json(ids),),
            )
        return {row[0]: row[1] for row in rows}

    def days(self, since_day: int) -> list[LedgerDay]:
        """Return the sums of each day from one on, newest first."""
        with self._database.read() as session:
            rows = session.rows(
                "SELECT p.name, l.day, l.door, l.moment, l.tellings, l.silent, l.records, l.repeats, l.bytes, l.tokens"
                " FROM ledger_days l JOIN projects p ON p.key = l.project_key"
                f" WHERE l.project_key IN {self._family} AND l.day >= ?"
                " ORDER BY l.day DESC, p.name, l.door, l.moment",
                (since_day,),
            )
        return [LedgerDay(*row) for row in rows]

    def records(self, since: int, limit: int) -> list[ToldRecord]:
        """Return what was told most often since a time."""
        with self._database.read() as session:
            rows = session.rows(
                "SELECT x.name, coalesce(max(d.kind), ''), count(*), sum(x.is_repeat), count(x.acted),"
                " coalesce(sum(x.acted), 0), max(y.at) FROM told x JOIN tellings y ON y.key = x.telling_key"
                f" LEFT JOIN documents d ON d.id = x.name WHERE y.project_key IN {self._family} AND y.at >= ?"
                " GROUP BY x.name ORDER BY count(*) DESC, x.name LIMIT ?",
                (since, limit),
            )
        silent = self.fallen_silent([row[0] for row in rows])
        return [
            ToldRecord(name, kind, tellings, repeats, settled, used, bool(kind) and name in silent, last_told_at)
            for name, kind, tellings, repeats, settled, used, last_told_at in rows
        ]

    def _told_in(self, session: Session, session_id: str) -> frozenset[str]:
        root = self._writer.redactor.name(session_id.split(":", 1)[0])
        rows = session.rows(
            "SELECT DISTINCT x.name FROM tellings y JOIN told x ON x.telling_key = y.key"
            f" WHERE y.project_key IN {self._family}"
            " AND (y.session_id = :root OR (y.session_id > :root || ':' AND y.session_id < :root || ';'))"
            # a session that begins, or begins again after a compaction, knows nothing of what was told before
            " AND y.key >= coalesce((SELECT max(key) FROM tellings WHERE session_id = :root AND moment = :begun"
            f" AND project_key IN {self._family}), 0)",
            {"root": root, "begun": BEGUN},  # ; comes after :, which begins a sub-agent's name
        )
        return frozenset(row[0] for row in rows)

    def _add_to_day(self, session: Session, place: tuple[int, str, str], added: tuple[int, ...]) -> None:
        session.run(
            "INSERT INTO ledger_days (project_key, day, door, moment, tellings, silent, records, repeats, bytes,"
            " tokens) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (project_key, day, door, moment) DO UPDATE SET"
            " tellings = tellings + excluded.tellings, silent = silent + excluded.silent,"
            " records = records + excluded.records, repeats = repeats + excluded.repeats,"
            " bytes = bytes + excluded.bytes, tokens = tokens + excluded.tokens",
            (self._writer.wall.project_key, *place, *added),
        )

    def _prune(self, session: Session, now: int) -> None:
        """Forget single tellings that are old or too many; the sums of their days stay."""
        project = self._writer.wall.project_key
        session.run("DELETE FROM tellings WHERE project_key = ? AND at < ?", (project, now - _KEPT_US))
        session.run(
            "DELETE FROM tellings WHERE project_key = ? AND key <= (SELECT key FROM tellings WHERE project_key = ?"
            " ORDER BY key DESC LIMIT 1 OFFSET ?)",
            (project, project, _MOST_TELLINGS),
        )
