"""This module keeps which decisions replace or contradict each other, as found or as the user settled it."""

from collections.abc import Iterable

from memory_mcp.errors import IllegalMoveError
from memory_mcp.models.decisions import Link, LinkKind, SettledKind
from memory_mcp.models.receipts import Receipt
from memory_mcp.storage import documents
from memory_mcp.storage.database import Database, Session
from memory_mcp.storage.documents import Writer


class DecisionLinks:
    """What stands between the decisions behind one project's wall."""

    def __init__(self, database: Database, writer: Writer) -> None:
        self._database = database
        self._writer = writer

    def settle(self, newer: str, older: str, kind: SettledKind, why: str) -> Receipt:
        """Let one decision replace another, or with 'both' stand beside it, whatever extraction finds.

        Raises:
            NotFoundError: no such decision here.
            IllegalMoveError: they are one and the same.

        """
        if newer == older:
            raise IllegalMoveError(f"decision {newer} cannot replace itself; name two")
        with self._database.write() as session:
            keys = [documents.locate(session, self._writer, "decision", each) for each in (newer, older)]
            self.settle_in(session, keys[0], keys[1], kind, self._writer.redactor.text(why))
            return documents.seal(session, self._writer, f"settle {kind}", newer)

    def settle_in(self, session: Session, newer: int, older: int, kind: SettledKind, why: str) -> bool:
        """Keep what the user settled between two decisions, in a transaction of the caller's; say whether it is new."""
        if session.value(
            "SELECT 1 FROM decision_links WHERE is_settled AND (newer_key, older_key, kind) = (?, ?, ?)",
            (newer, older, kind),
        ):
            return False
        session.run("DELETE FROM decision_links WHERE (newer_key, older_key) = (?, ?)", (older, newer))
        session.run(
            "INSERT OR REPLACE INTO decision_links (newer_key, older_key, kind, why, is_settled, settled_at)"
            " VALUES (?, ?, ?, ?, 1, ?)",
            (newer, older, kind, why, self._writer.clock.now()),
        )
        documents.revise(session, newer)
        documents.revise(session, older)
        return True

    def settled(self, session: Session) -> list[tuple[str, str, SettledKind, str]]:
        """Return (newer, older, kind, why) of all that the user settled in this project."""
        rows = session.rows(
            "SELECT d.id, o.id, l.kind, l.why FROM decision_links l JOIN documents d ON d.key = l.newer_key"
            " JOIN documents o ON o.key = l.older_key WHERE l.is_settled AND d.project_key = ? ORDER BY d.id, o.id",
            (self._writer.wall.project_key,),
        )
        return [(row[0], row[1], row[2], row[3]) for row in rows]

    def replace(self, session: Session, fresh: Iterable[int], links: Iterable[tuple[int, int, LinkKind, str]]) -> None:
        """Keep what was found between fresh decisions and others (newer, older), in place of what was found before.

        What the user settled is left alone.
        """
        keys = documents.keys_json(fresh)
        before = self._found(session, keys)
        now = {(newer, older): (kind, self._writer.redactor.text(why)) for newer, older, kind, why in links}
        gone = [pair for pair in before if pair not in now]
        session.run_many("DELETE FROM decision_links WHERE (newer_key, older_key) = (?, ?)", gone)
        for (newer, older), (kind, why) in now.items():
            if before.get((newer, older)) == (kind, why) or self._is_settled(session, newer, older):
                continue
            session.run(
                "INSERT OR REPLACE INTO decision_links (newer_key, older_key, kind, why) VALUES (?, ?, ?, ?)",
                (newer, older, kind, why),
            )
            documents.revise(session, older)  # so that searches learn that it stands no more
        for _, older in gone:
            documents.revise(session, older)

    def _found(self, session: Session, keys: str) -> dict[tuple[int, int], tuple[str, str]]:
        """Return what was found between decisions of this project, and what lies below its layer, and fresh ones."""
        among = self._writer.wall.among
        rows = session.rows(
            "SELECT l.newer_key, l.older_key, l.kind, l.why FROM decision_links l"
            f" JOIN documents n ON n.key = l.newer_key AND n.project_key IN {among}"
            f" JOIN documents o ON o.key = l.older_key AND o.project_key IN {among}"
            " WHERE NOT l.is_settled AND (l.why = 'amended' OR l.newer_key IN (SELECT value FROM json_each(:keys))"
            " OR l.older_key IN (SELECT value FROM json_each(:keys)))",
            {"keys": keys},
        )
        return {(row[0], row[1]): (row[2], row[3]) for row in rows}

    @staticmethod
    def _is_settled(session: Session, one: int, other: int) -> bool:
        return bool(
            session.value(
                "SELECT 1 FROM decision_links WHERE is_settled AND (newer_key, older_key) IN (VALUES (?, ?), (?, ?))",
                (one, other, other, one),
            )
        )

    def forget(self, session: Session) -> None:
        """Forget what extraction found between the decisions of this project."""
        session.run(
            "DELETE FROM decision_links WHERE NOT is_settled AND newer_key IN"
            f" (SELECT key FROM documents WHERE kind = 'decision' AND project_key IN {self._writer.wall.among})"
        )

    def list(self, kind: LinkKind, limit: int) -> list[Link]:
        """Return the links of a kind between decisions that can be seen, newest first."""
        with self._database.read() as session:
            rows = session.rows(
                "SELECT l.kind, d.id, o.id, l.why FROM decision_links l JOIN documents d ON d.key = l.newer_key"
                " JOIN documents o ON o.key = l.older_key WHERE l.kind = ?"
                f" AND {self._writer.wall.visible()} AND {self._writer.wall.visible('o')}"
                " AND NOT EXISTS (SELECT 1 FROM decisions r WHERE r.key IN (l.newer_key, l.older_key)"
                " AND r.retired_at IS NOT NULL) ORDER BY d.created_at DESC, d.key DESC, o.key DESC LIMIT ?",
                (kind, limit),
            )
        return [Link(*row) for row in rows]
