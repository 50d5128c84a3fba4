"""This module keeps decisions."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from memory_mcp.errors import DamagedError, NotFoundError
from memory_mcp.models.decisions import Decision, DecisionFilter, DecisionPage, Draft
from memory_mcp.models.receipts import Receipt
from memory_mcp.storage import checksums, cursors, documents
from memory_mcp.storage.database import Database, Session
from memory_mcp.storage.decision_rows import HUNDREDTHS, columns, loaded, rows_of, rows_where
from memory_mcp.storage.decision_schema import IS_REPLACED
from memory_mcp.storage.documents import Listed, NewDocument, Writer
from memory_mcp.storage.source_voices import SourceVoices

_LISTED = Listed("decision", "decisions c ON c.key = d.key")
_MOST_ROWS = 2_000  # that one question about places reads


class DecisionStore:
    """Decisions behind one project's wall."""

    def __init__(self, database: Database, writer: Writer) -> None:
        self._database = database
        self._writer = writer

    def sync(self, session: Session, source_key: int, drafts: Sequence[Draft]) -> list[int]:
        """Make these the decisions of a record and return the keys of new ones; what the user touched stays."""
        voiced = SourceVoices(session, source_key)
        cleaned = {
            self._writer.redactor.text(draft.text): msgspec.structs.replace(draft, voice=voiced.of(draft))
            for draft in drafts
        }
        rows = session.rows(
            "SELECT c.key, c.text, c.retired_at IS NOT NULL OR EXISTS (SELECT 1 FROM decision_links l"
            " WHERE l.is_settled AND c.key IN (l.newer_key, l.older_key)) FROM decisions c WHERE c.source_key = ?",
            (source_key,),
        )
        gone = [(key,) for key, text, is_touched in rows if text not in cleaned and not is_touched]
        session.run_many("DELETE FROM documents WHERE key = ?", gone)
        known = {row[1]: row[0] for row in rows}
        is_global = bool(session.value("SELECT is_global FROM documents WHERE key = ?", (source_key,)))
        added = []
        for text, draft in cleaned.items():
            if text in known:
                self._refresh(session, known[text], draft)
            else:
                added.append(self._insert(session, draft, source_key, is_global=is_global)[0])
        return added

    def get(self, decision_id: str) -> Decision:
        """Return a decision.

        Raises:
            NotFoundError: no such decision here.
            DamagedError: it does not match its checksum.

        """
        with self._database.read() as session:
            rows = rows_where(session, f"d.id = ? AND {self._writer.wall.visible()}", (decision_id,))
            found, damaged = loaded(session, self._writer.wall, rows)
        if damaged:
            raise DamagedError(next(iter(damaged.values())))
        for decision in found.values():
            return decision
        raise NotFoundError(f"no decision {decision_id} in project {self._writer.wall.project}")

    def list(self, chosen: DecisionFilter, files: Sequence[str], *, limit: int, cursor: str | None) -> DecisionPage:
        """Return one page, newest first; `files` are the ways in which the filter's file may have been written."""
        conditions, bindings = _conditions(chosen, files)
        bindings["limit"] = limit + 1
        if cursor:
            after = cursors.load_cursor(cursor)
            conditions.append("(d.created_at, d.key) < (:created_at, :key)")
            bindings |= {"created_at": after.created_at, "key": after.key}
        with self._database.read() as session:
            keys = documents.newest_keys(session, self._writer.wall, _LISTED, conditions, bindings)
            found, damaged = loaded(session, self._writer.wall, rows_of(session, keys))
        documents.set_aside(self._database, self._writer.clock, damaged)
        shown = [key for key in keys if key in found][:limit]
        last = keys[limit - 1] if len(keys) > limit else None
        position = None if last is None else self._position(last)
        return DecisionPage(tuple(found[key] for key in shown), position, len(damaged))

    def of(self, record_ids: Iterable[str]) -> Sequence[Decision]:
        """Return the decisions of some records, oldest first; a turn stands for its talk."""
        with self._database.read() as session:
            keys = documents.find_keys(session, self._writer.wall, record_ids).values()
            talks = session.rows(
                "SELECT DISTINCT episode_key FROM turns WHERE key IN (SELECT value FROM json_each(?))",
                (documents.keys_json(keys),),
            )
            wanted = {*keys, *(row[0] for row in talks)}
            rows = rows_where(
                session,
                "(c.source_key IN (SELECT value FROM json_each(:keys))"
                " OR c.key IN (SELECT value FROM json_each(:keys)))"
                f" AND {self._writer.wall.visible()}",
                {"keys": documents.keys_json(wanted)},
            )
            return list(loaded(session, self._writer.wall, rows)[0].values())

    def at(self, values: Iterable[str]) -> dict[str, Sequence[Decision]]:
        """Return the standing decisions that speak of files, functions or names, by the value that they name."""
        with self._database.read() as session:
            named = session.rows(
                "SELECT w.value, w.decision_key FROM decision_places w JOIN decisions c ON c.key = w.decision_key"
                " JOIN documents d ON d.key = c.key WHERE w.value IN (SELECT value FROM json_each(?))"
                f" AND c.retired_at IS NULL AND {self._writer.wall.visible()} ORDER BY d.created_at DESC LIMIT ?",
                (documents.texts_json(values), _MOST_ROWS),
            )
            found, _ = loaded(session, self._writer.wall, rows_of(session, {row[1] for row in named}))
        standing = [(value, found[key]) for value, key in named if key in found and found[key].is_standing]
        return {value: [each for other, each in standing if other == value] for value, _ in standing}

    def load_many(self, session: Session, keys: Sequence[int]) -> dict[int, Decision]:
        """Load decisions by key, whatever project they are of; damaged ones are left out."""
        return loaded(session, self._writer.wall, rows_of(session, keys))[0]

    def standing(self, session: Session, most: int) -> dict[int, Decision]:
        """Return the newest decisions of this project that are not retired, by key."""
        rows = rows_where(
            session,
            f"d.project_key IN {self._writer.wall.among} AND c.retired_at IS NULL ORDER BY d.created_at DESC LIMIT ?",
            (most,),
        )
        return loaded(session, self._writer.wall, rows)[0]

    def has_source(self, session: Session, source_key: int) -> bool:
        """Whether a decision of a record is kept."""
        return bool(session.value("SELECT 1 FROM decisions WHERE source_key = ?", (source_key,)))

    def has_origin(self, session: Session, origin: str) -> bool:
        """Whether this project keeps a decision of a commit, by the beginning of its name."""
        return bool(
            origin
            and session.value(
                "SELECT 1 FROM decisions c JOIN documents d ON d.key = c.key"
                f" WHERE d.project_key IN {self._writer.wall.among} AND substr(c.origin, 1, 7) = substr(?, 1, 7)",
                (origin,),
            )
        )

    def retire(self, decision_id: str, at: int | None) -> Receipt:
        """Mark a decision as one that holds no more, or with None as one that holds again.

        Raises:
            NotFoundError: no such decision here.

        """
        with self._database.write() as session:
            key = documents.locate(session, self._writer, "decision", decision_id)
            session.run("UPDATE decisions SET retired_at = ? WHERE key = ?", (at, key))
            documents.revise(session, key)
            for (older,) in session.rows("SELECT older_key FROM decision_links WHERE newer_key = ?", (key,)):
                documents.revise(session, older)  # what it replaced stands again, or no more
            return documents.seal(session, self._writer, "restore" if at is None else "retire", decision_id)

    def touched(self, session: Session) -> Sequence[Decision]:
        """Return the decisions of this project that the user retired or settled."""
        rows = rows_where(
            session,
            "d.project_key = ? AND (c.retired_at IS NOT NULL OR EXISTS (SELECT 1 FROM decision_links l"
            " WHERE l.is_settled AND c.key IN (l.newer_key, l.older_key)))",
            (self._writer.wall.project_key,),
        )
        return list(loaded(session, self._writer.wall, rows)[0].values())

    def restore(self, session: Session, decision: Decision) -> int:
        """Give a decision that was found again its id and what the user said of it; return 0 where there is none.

        What is found no more in its record is kept as it was.
        """
        source = documents.find_keys(session, self._writer.wall, [decision.source_id]).get(decision.source_id)
        if source is None:
            return 0
        text = self._writer.redactor.text(decision.text)
        key = session.value("SELECT key FROM decisions WHERE (source_key, text) = (?, ?)", (source, text))
        if key is None:
            said = {name: getattr(decision, name) for name in Draft.__struct_fields__}
            draft = Draft(**{**said, "voice": "import"})
            key, _ = self._insert(session, draft, source, is_global=decision.is_global)
        if documents.find_keys(session, None, [decision.id]).get(decision.id, key) != key:
            return 0
        before = session.row(
            "SELECT d.id, c.retired_at FROM documents d JOIN decisions c USING (key) WHERE key = ?", (key,)
        )
        if before == (decision.id, decision.retired_at):
            return 0
        session.run("UPDATE documents SET id = ? WHERE key = ?", (decision.id, key))
        session.run("UPDATE decisions SET retired_at = ? WHERE key = ?", (decision.retired_at, key))
        documents.revise(session, key)
        return 1

    def _insert(self, session: Session, given: Draft, source_key: int, *, is_global: bool) -> tuple[int, str]:
        draft = self._writer.redactor.clean(given)
        document = NewDocument(
            id=self._writer.clock.new_id(),
            kind="decision",
            created_at=draft.said_at,
            tags=(),
            is_global=is_global,
            source=None,
            voice=draft.voice,
        )
        key = documents.insert(session, self._writer, document)
        session.run(
            "INSERT INTO decisions (key, source_key, text, who, voice, origin, reverts, turn, score, checksum)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(key, source_key, draft.text, draft.who, draft.voice, draft.origin, draft.reverts, draft.turn),
                *(round(draft.score * HUNDREDTHS), checksums.DECISION.checksum(columns(draft))),
            ),
        )
        self._place(session, key, draft)
        return key, document.id

    def _refresh(self, session: Session, key: int, given: Draft) -> None:
        """Bring what is said beside a decision's text up to date, if it changed."""
        draft = self._writer.redactor.clean(given)
        stored = checksums.DECISION.checksum(columns(draft))
        score = round(draft.score * HUNDREDTHS)
        if session.value("SELECT 1 FROM decisions WHERE (key, checksum, score) = (?, ?, ?)", (key, stored, score)):
            return
        session.run(
            "UPDATE documents SET created_at = ?, voice = ?, revision = revision + 1 WHERE key = ?",
            (draft.said_at, draft.voice, key),
        )
        session.run(
            "UPDATE decisions SET who = ?, voice = ?, origin = ?, turn = ?, score = ?, checksum = ? WHERE key = ?",
            (draft.who, draft.voice, draft.origin, draft.turn, score, stored, key),
        )
        self._place(session, key, draft)

    @staticmethod
    def _place(session: Session, key: int, draft: Draft | Decision) -> None:
        session.run("DELETE FROM decision_places WHERE decision_key = ?", (key,))
        session.run_many(
            "INSERT OR IGNORE INTO decision_places (decision_key, kind, value, position) VALUES (?, ?, ?, ?)",
            [
                (key, kind, value, position)
                for kind, values in (("file", draft.files), ("function", draft.functions), ("name", draft.names))
                for position, value in enumerate(values)
            ],
        )

    def _position(self, key: int) -> str:
        with self._database.read() as session:
            created_at = int(session.value("SELECT created_at FROM documents WHERE key = ?", (key,)) or 0)
        return cursors.dump_cursor(cursors.Position(created_at, key))


def _conditions(chosen: DecisionFilter, files: Sequence[str]) -> tuple[list[str], dict[str, Any]]:
    conditions: list[str] = []
    bindings: dict[str, Any] = {}
    place = "EXISTS (SELECT 1 FROM decision_places w WHERE w.decision_key = d.key AND w.value IN"
    if chosen.file:
        conditions.append(f"{place} (SELECT value FROM json_each(:files)) AND w.kind = 'file')")
        bindings["files"] = documents.texts_json(files)
    if chosen.name:
        conditions.append(f"{place} (:name) AND w.kind <> 'file')")
        bindings["name"] = chosen.name
    if chosen.source_id:
        conditions.append("c.source_key = (SELECT key FROM documents WHERE id = :source)")
        bindings["source"] = chosen.source_id
    if chosen.contradicting:
        conditions.append(
            "EXISTS (SELECT 1 FROM decision_links l WHERE d.key IN (l.newer_key, l.older_key)"
            " AND l.kind = 'contradicts')"
        )
    if chosen.added:
        conditions.append("EXISTS (SELECT 1 FROM tags t WHERE t.document_key = c.source_key AND t.tag = 'decision')")
    conditions.append(IS_REPLACED if chosen.replaced else f"NOT {IS_REPLACED}")
    conditions.append(f"c.retired_at IS {'NOT ' * chosen.retired}NULL")
    return conditions, bindings
