"""This module keeps the relationships between episodes."""

from collections.abc import Sequence

from memory_mcp.errors import IllegalMoveError, NotFoundError
from memory_mcp.models.relationships import ORDERED, Relationship, RelationshipKind
from memory_mcp.storage import documents
from memory_mcp.storage.database import Database, Session
from memory_mcp.storage.documents import Writer

_TABLES = "relationships r JOIN documents f ON f.key = r.from_key JOIN documents t ON t.key = r.to_key"
_REACHES = """
    WITH RECURSIVE reached (key) AS (
        SELECT :start UNION SELECT r.to_key FROM relationships r JOIN reached ON r.from_key = reached.key
        WHERE r.kind = :kind
    ) SELECT 1 FROM reached WHERE key = :goal
"""
_AROUND = """
    WITH RECURSIVE around (key, depth) AS (
        SELECT :start, 0 UNION
        SELECT CASE r.from_key WHEN around.key THEN r.to_key ELSE r.from_key END, around.depth + 1
        FROM around JOIN relationships r ON around.key IN (r.from_key, r.to_key) WHERE around.depth < :depth
    ) SELECT key, min(depth) FROM around GROUP BY key
"""


class RelationshipStore:
    """Directed links between the episodes behind one project's wall."""

    def __init__(self, database: Database, writer: Writer) -> None:
        self._database = database
        self._writer = writer

    def insert_many(self, relationships: Sequence[Relationship]) -> int:
        """Store relationships in one transaction and return how many were new.

        Raises:
            NotFoundError: an end of one is not here.
            IllegalMoveError: one would close a circle of a kind in which order matters.

        """
        added = 0
        with self._database.write() as session:
            for each in relationships:
                from_key = documents.locate(session, self._writer, "episode", each.from_id)
                to_key = documents.locate(session, self._writer, "episode", each.to_id)
                circle = {"start": to_key, "goal": from_key, "kind": each.kind}
                if from_key == to_key or (each.kind in ORDERED and session.value(_REACHES, circle)):
                    raise IllegalMoveError(
                        f"{each.from_id} {each.kind} {each.to_id} would close a circle; "
                        f"remove a {each.kind} link on the way back first"
                    )
                new = session.run(
                    "INSERT OR IGNORE INTO relationships (from_key, to_key, kind) VALUES (?, ?, ?)",
                    (from_key, to_key, each.kind),
                )
                if new:
                    documents.note(session, self._writer, f"relate {each.kind} {each.to_id}", each.from_id)
                    added += 1
        return added

    def delete(self, relationship: Relationship) -> None:
        """Remove a relationship.

        Raises:
            NotFoundError: it is not there.

        """
        with self._database.write() as session:
            from_key = documents.locate(session, self._writer, "episode", relationship.from_id)
            to_key = documents.locate(session, self._writer, "episode", relationship.to_id)
            removed = session.run(
                "DELETE FROM relationships WHERE from_key = ? AND to_key = ? AND kind = ?",
                (from_key, to_key, relationship.kind),
            )
            if not removed:
                raise NotFoundError(
                    f"no relationship {relationship.from_id} {relationship.kind} {relationship.to_id}; "
                    "'memory-cli relationship list' shows those of an episode"
                )
            words = f"unrelate {relationship.kind} {relationship.to_id}"
            documents.note(session, self._writer, words, relationship.from_id)

    def list(self, episode_id: str | None = None, kind: RelationshipKind | None = None) -> Sequence[Relationship]:
        """Return the relationships of an episode, or all of the project."""
        conditions = [self._writer.wall.visible("f"), self._writer.wall.visible("t")]
        bindings: dict[str, str | int] = {}
        if kind is not None:
            conditions.append("r.kind = :kind")
            bindings["kind"] = kind
        with self._database.read() as session:
            if episode_id is None:
                return _load(session, conditions, bindings)
            bindings["key"] = self._key(session, episode_id)
            # two indexed lookups: one condition over both ends would read the whole table
            found = {
                each
                for end in ("from_key", "to_key")
                for each in _load(session, [*conditions, f"r.{end} = :key"], bindings)
            }
        return sorted(found, key=lambda each: (each.kind, each.from_id, each.to_id))

    def around(self, episode_id: str, depth: int) -> tuple[dict[str, int], Sequence[Relationship]]:
        """Return the episodes within `depth` links, with their distance, and the relationships among them.

        Raises:
            NotFoundError: no such episode here.

        """
        with self._database.read() as session:
            start = self._key(session, episode_id)
            rows = session.rows(_AROUND, {"start": start, "depth": depth})
            keys = documents.keys_json(row[0] for row in rows)
            visible: dict[int, str] = dict(
                session.rows(
                    "SELECT d.key, d.id FROM documents d WHERE d.key IN (SELECT value FROM json_each(?))"
                    f" AND {self._writer.wall.visible()}",
                    (keys,),
                )
            )
            conditions = [
                "r.from_key IN (SELECT value FROM json_each(:keys))",
                "r.to_key IN (SELECT value FROM json_each(:keys))",
                self._writer.wall.visible("f"),
                self._writer.wall.visible("t"),
            ]
            found = _load(session, conditions, {"keys": keys})
        return {visible[key]: distance for key, distance in rows if key in visible}, found

    def tasks(self, ids: Sequence[str]) -> dict[str, str]:
        """Map episode ids to their tasks."""
        with self._database.read() as session:
            keys = documents.find_keys(session, self._writer.wall, ids)
            rows = session.rows(
                "SELECT d.id, e.task FROM episodes e JOIN documents d ON d.key = e.key"
                " WHERE e.key IN (SELECT value FROM json_each(?))",
                (documents.keys_json(keys.values()),),
            )
        return {row[0]: row[1] for row in rows}

    def _key(self, session: Session, episode_id: str) -> int:
        found = documents.find_keys(session, self._writer.wall, [episode_id])
        if not found:
            raise NotFoundError(f"no episode {episode_id} in project {self._writer.wall.project}")
        return found[episode_id]


def _load(session: Session, conditions: Sequence[str], bindings: dict[str, str | int]) -> list[Relationship]:
    rows = session.rows(
        f"SELECT r.kind, f.id, t.id FROM {_TABLES} WHERE {' AND '.join(conditions)} ORDER BY r.kind, f.id, t.id",
        bindings,
    )
    return [Relationship(*row) for row in rows]
