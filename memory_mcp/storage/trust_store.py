"""This module reads whose word records are, and keeps what the user released and what success bore out."""

from collections.abc import Iterable, Sequence

import msgspec
from msgspec import Struct

from memory_mcp.errors import IllegalMoveError, NotFoundError
from memory_mcp.models.recall import Kind
from memory_mcp.models.voices import Voice, lowest
from memory_mcp.storage import documents
from memory_mcp.storage.database import Database, Session
from memory_mcp.storage.documents import Writer

_HELD = ("agent", "tool", "web", "import", "team")
_STANDING = (
    "SELECT d.key, d.id, d.kind, d.voice, coalesce(o.author, d.author),"
    " coalesce(d.source_kind, o.source_kind, ''), coalesce(d.source_id, o.source_id, ''),"
    " coalesce(t.role, iif(y.kind = 'conversation', x.who, ''), ''),"
    " coalesce(e.task, n.text, t.text, x.text, ''), coalesce(r.at, 0), coalesce(w.id, ''), d.created_at,"
    " coalesce(e.outcome_voice, 'agent')"
    " FROM documents d LEFT JOIN episodes e ON e.key = d.key LEFT JOIN notes n ON n.key = d.key"
    " LEFT JOIN turns t ON t.key = d.key LEFT JOIN decisions x ON x.key = d.key"
    " LEFT JOIN documents o ON o.key = x.source_key LEFT JOIN episodes y ON y.key = x.source_key"
    " LEFT JOIN released r ON r.document_key = d.key"
    " LEFT JOIN corroborations c ON c.document_key = d.key LEFT JOIN documents w ON w.key = c.episode_key"
)


class Standing(Struct, frozen=True):
    """What is known of a record that decides whether it may be told; `shown_by` is the episode that bore it out."""

    key: int
    id: str
    kind: Kind
    voice: Voice
    author: str
    source_kind: str
    source_id: str
    role: str
    text: str
    released_at: int
    shown_by: str
    created_at: int
    outcome_voice: Voice


class TrustStore:
    """Whose word the records of one project are, and of those that it may see."""

    def __init__(self, database: Database, writer: Writer) -> None:
        self._database = database
        self._writer = writer

    def standings(self, ids: Iterable[str], *, everywhere: bool = False) -> dict[str, Standing]:
        """Return what is known of the records that can be seen among some ids; patterns take their lowest source."""
        with self._database.read() as session:
            rows = session.rows(
                f"{_STANDING} WHERE d.id IN (SELECT value FROM json_each(?))"
                f" AND {'TRUE' if everywhere else self._writer.wall.visible()}",
                (documents.texts_json(ids),),
            )
            found = {row[1]: Standing(*row) for row in rows}
            patterns = [each.key for each in found.values() if each.kind == "pattern"]
            seen = _witnesses(session, patterns) if patterns else {}
        return {
            each.id: msgspec.structs.replace(each, voice=seen.get(each.key, "import"))
            if each.kind == "pattern"
            else each
            for each in found.values()
        }

    def held(self, voice: Voice | None, kind: str | None, limit: int) -> list[Standing]:
        """Return records of this project that do not speak by themselves, newest first; patterns are computed."""
        with self._database.read() as session:
            rows = session.rows(
                f"{_STANDING} WHERE d.project_key IN {self._writer.wall.among} AND d.kind <> 'pattern'"
                " AND d.voice IN (SELECT value FROM json_each(?)) AND d.kind LIKE ?"
                " AND r.at IS NULL AND c.at IS NULL ORDER BY d.created_at DESC, d.key DESC LIMIT ?",
                (documents.texts_json([voice] if voice else _HELD), kind or "%", limit),
            )
        return [Standing(*row) for row in rows]

    def count_held(self) -> dict[tuple[Voice, Kind], int]:
        """Count by voice and kind the records of this project that do not speak by themselves."""
        with self._database.read() as session:
            rows = session.rows(
                "SELECT d.voice, d.kind, count(*) FROM documents d LEFT JOIN released r ON r.document_key = d.key"
                " LEFT JOIN corroborations c ON c.document_key = d.key"
                f" WHERE d.project_key IN {self._writer.wall.among} AND d.kind <> 'pattern'"
                " AND d.voice IN (SELECT value FROM json_each(?)) AND r.at IS NULL AND c.at IS NULL"
                " GROUP BY d.voice, d.kind ORDER BY d.voice, d.kind",
                (documents.texts_json(_HELD),),
            )
        return {(row[0], row[1]): int(row[2]) for row in rows}

    def release(self, record_id: str) -> None:
        """Let a record of this project speak, by the user's word.

        Raises:
            NotFoundError: no such record here.

        """
        with self._database.write() as session:
            key = documents.find_keys(session, self._writer.wall, [record_id]).get(record_id)
            if key is None:
                raise NotFoundError(f"no record {record_id} in project {self._writer.wall.project}")
            session.run(
                "INSERT OR REPLACE INTO released (document_key, at) VALUES (?, ?)", (key, self._writer.clock.now())
            )
            documents.note(session, self._writer, "release", record_id)

    def delete(self, record_id: str) -> None:
        """Erase a record from every table and index; a turn goes with its conversation.

        Raises:
            NotFoundError: no such record here.
            IllegalMoveError: it belongs to another project, or is a pattern, which follows from episodes.

        """
        with self._database.write() as session:
            row = session.row(
                "SELECT coalesce(c.kind, d.kind), coalesce(c.id, d.id) FROM documents d"
                " LEFT JOIN turns t ON t.key = d.key LEFT JOIN documents c ON c.key = t.episode_key WHERE d.id = ?",
                (record_id,),
            )
            if row is None:
                raise NotFoundError(f"no record {record_id} in project {self._writer.wall.project}")
            if row[0] == "pattern":
                raise IllegalMoveError(f"pattern {record_id} follows from episodes; delete those it rests on")
            documents.delete(session, self._writer, row[0], row[1])

    def unshown_notes(self, limit: int) -> list[Standing]:
        """Return the newest notes of agents that nothing has borne out yet."""
        with self._database.read() as session:
            rows = session.rows(
                f"{_STANDING} WHERE d.project_key IN {self._writer.wall.among} AND d.kind = 'note'"
                " AND d.voice = 'agent' AND r.at IS NULL AND c.at IS NULL AND n.superseded_by IS NULL"
                " ORDER BY d.created_at DESC LIMIT ?",
                (limit,),
            )
        return [Standing(*row) for row in rows]

    def shown_successes(self, since: int, limit: int) -> list[str]:
        """Return the ids of episodes begun since whose success their own tools' output shows, newest first."""
        with self._database.read() as session:
            rows = session.rows(
                "SELECT d.id FROM episodes e JOIN documents d ON d.key = e.key"
                f" WHERE d.project_key IN {self._writer.wall.among} AND e.started_at > ? AND e.outcome_type = 'success'"
                " AND e.evidence = 'shown' AND e.steps_voice = 'tool' ORDER BY e.started_at DESC LIMIT ?",
                (since, limit),
            )
        return [str(row[0]) for row in rows]

    def corroborate(self, note_key: int, episode_id: str) -> None:
        """Keep that an episode bore out a note; one that is gone meanwhile changes nothing."""
        with self._database.write() as session:
            session.run(
                "INSERT OR IGNORE INTO corroborations (document_key, episode_key, at)"
                " SELECT n.key, e.key, ? FROM documents n, documents e WHERE n.key = ? AND e.id = ?",
                (self._writer.clock.now(), note_key, episode_id),
            )

    def answers(self, keys: Sequence[int]) -> dict[int, str]:
        """Return what the user said right after each of some turns, where the user did."""
        with self._database.read() as session:
            rows = session.rows(
                "SELECT t.key, o.text FROM turns t JOIN turns o ON o.episode_key = t.episode_key"
                " AND o.position = t.position + 1 JOIN documents d ON d.key = o.key AND d.voice = 'user'"
                " WHERE t.key IN (SELECT value FROM json_each(?))",
                (documents.keys_json(keys),),
            )
        return {int(row[0]): str(row[1]) for row in rows}

    def step_voices(self, episode_id: str) -> dict[int, Voice]:
        """Map the positions of an episode's steps to whose word they are, where that was kept."""
        with self._database.read() as session:
            rows = session.rows(
                "SELECT s.position, s.voice FROM steps s JOIN documents d ON d.key = s.episode_key"
                f" WHERE d.id = ? AND s.voice <> '' AND {self._writer.wall.visible()}",
                (episode_id,),
            )
        return {int(row[0]): row[1] for row in rows}


def _witnesses(session: Session, patterns: Sequence[int]) -> dict[int, Voice]:
    """Return the lowest voice among the steps that each pattern rests on."""
    found: dict[int, list[Voice]] = {}
    for key, voice in session.rows(
        "SELECT DISTINCT v.pattern_key, e.steps_voice FROM evidence v JOIN episodes e ON e.key = v.episode_key"
        " WHERE v.pattern_key IN (SELECT value FROM json_each(?))",
        (documents.keys_json(patterns),),
    ):
        found.setdefault(key, []).append(voice)
    return {key: lowest(voices) for key, voices in found.items()}
