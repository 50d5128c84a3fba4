"""This module keeps the turns of conversations, each a document of its own."""

from collections.abc import Mapping, Sequence
from typing import Any

from memory_mcp.errors import NotFoundError
from memory_mcp.models.conversations import Message, Turn
from memory_mcp.models.episodes import Episode
from memory_mcp.models.receipts import Receipt
from memory_mcp.models.voices import Door, voice_of
from memory_mcp.storage import checksums, documents
from memory_mcp.storage.database import Database, Row, Session
from memory_mcp.storage.documents import NewDocument, Writer
from memory_mcp.storage.engine_errors import derived
from memory_mcp.storage.episode_store import EpisodeStore

_COLUMNS = "t.key, d.id, p.name, c.id, e.task, t.position, t.role, t.text, t.at, t.is_marked, t.checksum, t.episode_key"
_TABLES = (
    "turns t JOIN documents d ON d.key = t.key JOIN projects p ON p.key = d.project_key"
    " JOIN documents c ON c.key = t.episode_key JOIN episodes e ON e.key = t.episode_key"
)


class TurnStore:
    """Turns behind one project's wall."""

    def __init__(self, database: Database, writer: Writer, episodes: EpisodeStore) -> None:
        self._database = database
        self._writer = writer
        self._episodes = episodes

    def insert(self, conversation: Episode, messages: Sequence[Message]) -> Receipt:
        """Store a conversation with its messages, in one transaction."""
        return self.insert_many([(conversation, messages)])[0]

    def insert_many(self, conversations: Sequence[tuple[Episode, Sequence[Message]]]) -> list[Receipt]:
        """Store conversations with their messages, in one transaction."""
        with self._database.write() as session:
            receipts = []
            for conversation, messages in conversations:
                receipt = self._episodes.insert_in(session, conversation)
                key = documents.locate(session, self._writer, "episode", conversation.id)
                self._append(session, key, self._numbered(messages), is_global=conversation.is_global)
                receipts.append(receipt)
            return receipts

    def append(self, conversation_id: str, messages: Sequence[Message]) -> Receipt:
        """Append messages to a conversation.

        Raises:
            NotFoundError: no such conversation here.

        """
        with self._database.write() as session:
            key = documents.locate(session, self._writer, "episode", conversation_id)
            kind, is_global = session.rows(
                "SELECT e.kind, d.is_global FROM episodes e JOIN documents d ON d.key = e.key WHERE e.key = ?", (key,)
            )[0]
            if kind != "conversation":
                raise NotFoundError(f"episode {conversation_id} is a task and no conversation; append steps to it")
            self._append(session, key, self._numbered(messages), is_global=bool(is_global))
            documents.revise(session, key)
            return documents.seal(session, self._writer, "append_messages", conversation_id)

    def page(self, conversation_id: str, *, start: int, limit: int) -> list[Turn]:
        """Return the turns of a conversation from a position on, in their order.

        Raises:
            NotFoundError: no such conversation here.

        """
        with self._database.read() as session:
            key = documents.find_keys(session, self._writer.wall, [conversation_id]).get(conversation_id)
            if key is None:
                raise NotFoundError(f"no conversation {conversation_id} in project {self._writer.wall.project}")
            rows = session.rows(
                f"SELECT {_COLUMNS} FROM {_TABLES} WHERE t.episode_key = ? AND t.position >= ?"
                " ORDER BY t.position LIMIT ?",
                (key, start, limit),
            )
            return list(_loaded(session, rows).values())

    def get(self, turn_id: str) -> Turn:
        """Return one turn.

        Raises:
            NotFoundError: no such turn here.

        """
        with self._database.read() as session:
            keys = documents.find_keys(session, self._writer.wall, [turn_id])
            for turn in self.load_many(session, list(keys.values())).values():
                return turn
        raise NotFoundError(f"no turn {turn_id} in project {self._writer.wall.project}")

    def load_many(self, session: Session, keys: Sequence[int]) -> dict[int, Turn]:
        """Load turns by key, whatever project they are of; damaged ones are left out."""
        rows = session.rows(
            f"SELECT {_COLUMNS} FROM {_TABLES} WHERE t.key IN (SELECT value FROM json_each(?))",
            (documents.keys_json(keys),),
        )
        return _loaded(session, rows)

    def neighbours(self, session: Session, keys: Sequence[int]) -> dict[int, dict[int, int]]:
        """Return the turns up to two places from each, by key, with their distance."""
        found: dict[int, dict[int, int]] = {}
        for key, other, distance in session.rows(
            "SELECT t.key, o.key, abs(o.position - t.position) FROM turns t"
            " JOIN turns o ON o.episode_key = t.episode_key"
            " AND o.position IN (t.position - 2, t.position - 1, t.position + 1, t.position + 2)"
            " WHERE t.key IN (SELECT value FROM json_each(?)) ORDER BY t.key, o.position",
            (documents.keys_json(keys),),
        ):
            found.setdefault(key, {})[other] = distance
        return found

    def talks(self, session: Session, keys: Sequence[int]) -> dict[int, int]:
        """Return the key of the conversation of each turn."""
        rows = session.rows(
            "SELECT key, episode_key FROM turns WHERE key IN (SELECT value FROM json_each(?))",
            (documents.keys_json(keys),),
        )
        return {row[0]: row[1] for row in rows}

    @derived("keywords")
    def count_words(
        self, session: Session, phrases: Mapping[str, str], talks: Sequence[int]
    ) -> dict[int, dict[str, int]]:
        """Count the turns of some conversations that hold each word."""
        found: dict[int, dict[str, int]] = {}
        for word, phrase in phrases.items():
            for talk, count in session.rows(
                "SELECT t.episode_key, count(*) FROM keywords k JOIN turns t ON t.key = k.rowid"
                " WHERE k.text MATCH ? AND t.episode_key IN (SELECT value FROM json_each(?)) GROUP BY t.episode_key",
                (phrase, documents.keys_json(talks)),
            ):
                found.setdefault(talk, {})[word] = count
        return found

    def rewrite(self, session: Session, key: int, turn: Turn) -> None:
        """Replace the text of a stored turn, whatever project it is of."""
        stored = checksums.TURN.checksum(_fields(turn.message))
        session.run(
            "UPDATE turns SET role = ?, text = ?, checksum = ? WHERE key = ?",
            (turn.message.role, turn.message.text, stored, key),
        )
        documents.revise(session, key)

    def restore(self, session: Session, conversation: Episode, turns: Sequence[tuple[str, Message]]) -> None:
        """Store the messages of a conversation under the ids that they had."""
        key = documents.locate(session, self._writer, "episode", conversation.id)
        self._append(session, key, turns, is_global=conversation.is_global)

    def of(self, session: Session, episode_key: int) -> list[Turn]:
        """Return all turns of a conversation in their order."""
        rows = session.rows(
            f"SELECT {_COLUMNS} FROM {_TABLES} WHERE t.episode_key = ? ORDER BY t.position", (episode_key,)
        )
        return list(_loaded(session, rows).values())

    def _numbered(self, messages: Sequence[Message]) -> list[tuple[str, Message]]:
        return [(self._writer.clock.new_id(), message) for message in messages]

    def _append(
        self, session: Session, episode_key: int, messages: Sequence[tuple[str, Message]], *, is_global: bool
    ) -> None:
        start = int(
            session.value("SELECT coalesce(max(position) + 1, 0) FROM turns WHERE episode_key = ?", (episode_key,))
        )
        kind, source_id = session.rows("SELECT source_kind, source_id FROM documents WHERE key = ?", (episode_key,))[0]
        door = Door(self._writer.actor, kind or "", source_id or "")
        for position, (turn_id, given) in enumerate(messages, start):
            message = self._writer.redactor.clean(given)
            document = NewDocument(
                id=turn_id,
                kind="turn",
                created_at=message.at,
                tags=(),
                is_global=is_global,
                source=None,
                voice=voice_of(door, message.role),
            )
            key = documents.insert(session, self._writer, document)
            session.run(
                "INSERT INTO turns (key, episode_key, position, role, text, at, is_marked, checksum)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    *(key, episode_key, position, message.role, message.text, message.at, int(message.is_marked)),
                    checksums.TURN.checksum(_fields(message)),
                ),
            )


def _fields(message: Message) -> dict[str, Any]:
    return {"role": message.role, "text": message.text, "at": message.at, "is_marked": int(message.is_marked)}


def _loaded(session: Session, rows: Sequence[Row]) -> dict[int, Turn]:
    tags = documents.tags_of(session, list({row[-1] for row in rows}))
    turns = {}
    for key, turn_id, project, conversation_id, title, position, role, text, at, is_marked, stored, episode in rows:
        message = Message(role, text, at, bool(is_marked))
        if checksums.TURN.match(stored, _fields(message)):
            turns[key] = Turn(turn_id, project, conversation_id, title, position, message, tags.get(episode, ()))
    return turns
