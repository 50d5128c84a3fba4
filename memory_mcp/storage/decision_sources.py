"""This module keeps which records have yet to be looked at for decisions."""

from collections.abc import Sequence

from memory_mcp.storage import documents, search_index
from memory_mcp.storage.database import Database, Session
from memory_mcp.storage.documents import Writer

_UNREAD = (
    " FROM documents d LEFT JOIN decision_sources x ON x.source_key = d.key"
    " WHERE d.project_key = :project AND (x.revision IS NULL OR x.revision <> d.revision OR x.edition <> :edition)"
)


class DecisionSources:
    """A follower of `changes` with a place per project; `edition` is that of the extraction, a newer one reads anew."""

    def __init__(self, database: Database, writer: Writer, edition: int) -> None:
        self._database = database
        self._project_key = writer.wall.project_key
        self._edition = edition
        self.follower = f"decisions {edition} {writer.wall.project_key}"
        self.linker = f"decision links {edition} {writer.wall.project_key}"

    def unread(self, session: Session, limit: int) -> tuple[list[tuple[int, int, str]], int]:
        """Return (key, revision, kind) of records that changed since, and the sequence reached with them."""
        after = search_index.followed(session, self.follower)
        rows = session.rows(
            "SELECT sequence, document_key FROM changes WHERE sequence > ? AND kind IN ('episode', 'note')"
            " ORDER BY sequence LIMIT ?",
            (after, limit),
        )
        up_to = rows[-1][0] if len(rows) == limit else search_index.head(session)
        changed = session.rows(
            f"SELECT d.key, d.revision, d.kind{_UNREAD} AND d.key IN (SELECT value FROM json_each(:keys))"
            " ORDER BY d.key",
            {**self._bound(), "keys": documents.keys_json({row[1] for row in rows})},
        )
        return [(row[0], row[1], row[2]) for row in changed], up_to

    def remaining(self, session: Session, read: Sequence[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
        """Return those of some records that were not erased since."""
        rows = session.rows(
            "SELECT key FROM documents WHERE key IN (SELECT value FROM json_each(?))",
            (documents.keys_json(each[0] for each in read),),
        )
        there = {row[0] for row in rows}
        return [each for each in read if each[0] in there]

    def count(self) -> int:
        """Count the records of this project that have yet to be looked at."""
        with self._database.read() as session:
            return int(
                session.value(
                    f"SELECT count(*){_UNREAD} AND d.kind IN ('episode', 'note') AND d.key IN"
                    " (SELECT document_key FROM changes WHERE sequence > :after)",
                    {**self._bound(), "after": search_index.followed(session, self.follower)},
                )
            )

    def lags(self) -> bool:
        """Whether any change came after what was looked at."""
        with self._database.read() as session:
            return search_index.followed(session, self.follower) < search_index.head(session)

    def reach(self, session: Session, read: Sequence[tuple[int, int, str]], up_to: int) -> None:
        """Remember which records were looked at, and how far."""
        session.run_many(
            "INSERT OR REPLACE INTO decision_sources (source_key, revision, edition) VALUES (?, ?, ?)",
            [(key, revision, self._edition) for key, revision, _ in read],
        )
        search_index.follow(session, self.follower, up_to)

    def unlinked(self, session: Session) -> tuple[set[int], int]:
        """Return the keys of decisions that changed since they were compared, and the sequence reached with them."""
        rows = session.rows(
            "SELECT DISTINCT c.document_key FROM changes c JOIN documents d ON d.key = c.document_key"
            " WHERE c.sequence > ? AND c.kind = 'decision' AND d.project_key = ?",
            (search_index.followed(session, self.linker), self._project_key),
        )
        return {row[0] for row in rows}, search_index.head(session)

    def reach_links(self, session: Session, up_to: int) -> None:
        """Remember how far decisions were compared."""
        search_index.follow(session, self.linker, up_to)

    def forget(self, session: Session) -> None:
        """Let every record be looked at again."""
        session.run(
            "DELETE FROM decision_sources WHERE source_key IN (SELECT key FROM documents WHERE project_key = ?)",
            (self._project_key,),
        )
        session.run("DELETE FROM followers WHERE name IN (?, ?)", (self.follower, self.linker))

    def _bound(self) -> dict[str, int | str]:
        return {"project": self._project_key, "edition": self._edition}
