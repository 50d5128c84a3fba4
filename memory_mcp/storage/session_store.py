"""This module keeps which episode each agent's session is in, and what it was told already."""

import contextlib
import json
from collections.abc import Sequence

import msgspec
from msgspec import Struct

from memory_mcp.errors import DamagedError
from memory_mcp.models.episodes import Episode, Step
from memory_mcp.storage import codec, documents
from memory_mcp.storage.database import Database, Session
from memory_mcp.storage.documents import Writer
from memory_mcp.storage.episode_store import EpisodeStore

_KEPT_US = 30 * 86_400_000_000  # a session that was silent for so long does not come back


class AgentSession(Struct, frozen=True):
    """A session as its client names it; `episode_id` is None before the first prompt and after its episode's end."""

    id: str
    episode_id: str | None = None
    told: tuple[str, ...] = ()


class SessionStore:
    """The sessions of one project."""

    def __init__(self, database: Database, writer: Writer, episodes: EpisodeStore) -> None:
        self._database = database
        self._writer = writer
        self._episodes = episodes

    def find(self, session_id: str) -> AgentSession:
        """Return what is known of a session; nothing is an answer too."""
        with self._database.read() as session:
            row = session.row(
                "SELECT d.id, s.told FROM agent_sessions s LEFT JOIN documents d ON d.key = s.episode_key"
                " WHERE s.project_key = ? AND s.id = ?",
                (self._writer.wall.project_key, self._writer.redactor.name(session_id)),
            )
        return AgentSession(session_id, row[0], tuple(json.loads(row[1]))) if row else AgentSession(session_id)

    def begin(self, session_id: str, episode: Episode) -> None:
        """Store a new episode and let a session be in it, in one transaction."""
        with self._database.write() as session:
            self._episodes.insert_in(session, episode)
            self._enter(session, session_id, documents.locate(session, self._writer, "episode", episode.id))

    def enter(self, session_id: str, episode_id: str) -> None:
        """Let a session be in an episode that is there.

        Raises:
            NotFoundError: no such episode here.

        """
        with self._database.write() as session:
            self._enter(session, session_id, documents.locate(session, self._writer, "episode", episode_id))

    def has_step(self, episode_id: str, step: Step) -> bool:
        """Whether an episode holds a step of the same time, tool and action; its other steps are not read."""
        told = self._writer.redactor.clean(msgspec.structs.replace(step, result=None))
        with self._database.read() as session:
            return bool(
                session.value(
                    "SELECT 1 FROM steps s JOIN documents d ON d.key = s.episode_key"
                    " WHERE d.id = ? AND s.recorded_at = ? AND s.tool = ? AND s.action = ?",
                    (episode_id, told.recorded_at, told.tool, told.action),
                )
            )

    def latest_steps(self, episode_id: str, limit: int) -> list[Step]:
        """Return the last steps of an episode, in order; a damaged one is left out, and so are those of no episode."""
        with self._database.read() as session:
            rows = session.rows(
                f"SELECT {', '.join(f's.{name}' for name in codec.STEP_COLUMNS)} FROM steps s"
                f" JOIN documents d ON d.key = s.episode_key WHERE d.id = ? AND {self._writer.wall.visible()}"
                " ORDER BY s.position DESC LIMIT ?",
                (episode_id, limit),
            )
        steps: list[Step] = []
        for row in reversed(rows):
            with contextlib.suppress(DamagedError):  # which is reported where the episode is read
                steps.append(codec.load_step(row, episode_id))
        return steps

    def leave(self, session_id: str) -> None:
        """Let a session be in no episode."""
        with self._database.write() as session:
            self._enter(session, session_id, None)

    def _enter(self, session: Session, session_id: str, episode_key: int | None) -> None:
        now = self._writer.clock.now()
        session.run(
            "INSERT INTO agent_sessions (id, project_key, episode_key, updated_at) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (project_key, id) DO UPDATE SET episode_key = excluded.episode_key, updated_at = ?",
            (self._writer.redactor.name(session_id), self._writer.wall.project_key, episode_key, now, now),
        )
        session.run("DELETE FROM agent_sessions WHERE updated_at < ?", (now - _KEPT_US,))

    def tell(self, session_id: str, told: Sequence[str]) -> None:
        """Remember what a session has been told."""
        with self._database.write() as session:
            session.run(
                "INSERT INTO agent_sessions (id, project_key, updated_at, told) VALUES (?, ?, ?, ?)"
                " ON CONFLICT (project_key, id) DO UPDATE SET told = excluded.told",
                (
                    *(self._writer.redactor.name(session_id), self._writer.wall.project_key, self._writer.clock.now()),
                    json.dumps(self._writer.redactor.clean(list(told))),
                ),
            )
