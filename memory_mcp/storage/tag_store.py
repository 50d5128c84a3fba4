"""This module keeps the tags of episodes and notes across the whole project."""

from collections.abc import Sequence

from memory_mcp.errors import LimitError, NotFoundError
from memory_mcp.models import limits
from memory_mcp.models.receipts import Receipt
from memory_mcp.storage import documents
from memory_mcp.storage.database import Database
from memory_mcp.storage.documents import Writer


class TagStore:
    """Tags behind one project's wall."""

    def __init__(self, database: Database, writer: Writer) -> None:
        self._database = database
        self._writer = writer

    def change(self, document_id: str, add: Sequence[str], remove: Sequence[str]) -> tuple[tuple[str, ...], Receipt]:
        """Add and remove tags of an episode or note; return those it has then.

        Raises:
            NotFoundError: no such record here.
            LimitError: it would have too many.

        """
        with self._database.write() as session:
            kind = session.value("SELECT kind FROM documents WHERE id = ? AND kind <> 'pattern'", (document_id,))
            key = documents.locate(session, self._writer, kind or "episode or note", document_id)
            documents.add_tags(session, key, self._writer.redactor.clean(tuple(add)))
            session.run_many("DELETE FROM tags WHERE document_key = ? AND tag = ?", [(key, tag) for tag in remove])
            left = documents.tags_of(session, [key]).get(key, ())
            if len(left) > limits.TAGS:
                raise LimitError(f"{document_id} would have {len(left)} tags and may have {limits.TAGS}; remove some")
            documents.revise(session, key)
            return left, documents.seal(session, self._writer, "tag", document_id)

    def rename(self, old: str, new: str) -> int:
        """Give every record of this project that has the old tag the new one instead; return how many.

        Raises:
            NotFoundError: nothing has the old tag.

        """
        with self._database.write() as session:
            rows = session.rows(
                "SELECT d.key, d.id FROM tags t JOIN documents d ON d.key = t.document_key"
                " WHERE t.tag = ? AND d.project_key = ?",
                (old, self._writer.wall.project_key),
            )
            if not rows:
                raise NotFoundError(f"nothing in project {self._writer.wall.project} has the tag '{old}'")
            for key, document_id in rows:
                session.run("DELETE FROM tags WHERE document_key = ? AND tag = ?", (key, old))
                documents.add_tags(session, key, [self._writer.redactor.text(new)])
                documents.revise(session, key)
                documents.seal(session, self._writer, "tag", document_id)
            return len(rows)

    def list(self) -> list[tuple[str, int]]:
        """Return every tag with the number of its records, the most used first."""
        with self._database.read() as session:
            rows = session.rows(
                "SELECT t.tag, count(*) FROM tags t JOIN documents d ON d.key = t.document_key"
                f" WHERE {self._writer.wall.visible()} GROUP BY t.tag ORDER BY count(*) DESC, t.tag"
            )
        return [(row[0], int(row[1])) for row in rows]
