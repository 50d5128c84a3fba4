"""This module keeps which episode each agent's session is in, what it was asked and what it was told."""

import contextlib
from collections.abc import Sequence

import msgspec
from msgspec import Struct

from memory_mcp.errors import DamagedError
from memory_mcp.models.episodes import Episode, Source, Step, live_kind
from memory_mcp.models.prompts import Prompt
from memory_mcp.models.values import written
from memory_mcp.storage import codec, documents
from memory_mcp.storage.database import Database, Session
from memory_mcp.storage.documents import Writer
from memory_mcp.storage.episode_store import EpisodeStore

_KEPT_US = 30 * 86_400_000_000  # a session that was silent for so long does not come back


class AgentSession(Struct, frozen=True):
    """A session as its client names it; `episode_id` is None before its first step and after its end.

    `prompts` are those since the last step.
    """

    id: str
    episode_id: str | None = None
    told: tuple[str, ...] = ()
    prompts: tuple[Prompt, ...] = ()


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
                "SELECT d.id, s.told, s.prompts FROM agent_sessions s LEFT JOIN documents d ON d.key = s.episode_key"
                " WHERE s.project_key = ? AND s.id = ?",
                (self._writer.wall.project_key, self._writer.redactor.name(session_id)),
            )
        if row is None:
            return AgentSession(session_id)
        return AgentSession(
            session_id, row[0], tuple(msgspec.json.decode(row[1])), msgspec.json.decode(row[2], type=tuple[Prompt, ...])
        )

    def latest_of(self, client: str, session_id: str) -> tuple[str, int] | None:
        """Return the newest episode that was recorded or imported from a session, and how many there are."""
        own = self._writer.redactor.name(session_id)
        with self._database.read() as session:
            rows = session.rows(
                f"SELECT id FROM documents WHERE project_key IN {self._writer.wall.among} AND source_kind IN (?, ?)"
                " AND (source_id = ? OR (source_id > ? AND source_id < ?)) ORDER BY key DESC",
                (client, live_kind(client), own, f"{own}#", f"{own}$"),  # $ comes after #, which begins a part
            )
        return (str(rows[0][0]), len(rows)) if rows else None

    def being_recorded(self, since: int) -> tuple[str, ...]:
        """Return the episodes that agents' sessions are in, unless they have been silent since before a time."""
        with self._database.read() as session:
            rows = session.rows(
                "SELECT d.id FROM agent_sessions s JOIN documents d ON d.key = s.episode_key"
                " JOIN episodes e ON e.key = d.key"
                f" WHERE s.project_key IN {self._writer.wall.among} AND (s.updated_at >= ? OR e.updated_at >= ?)",
                (since, since),
            )
        return tuple(str(row[0]) for row in rows)

    def parts_of(self, session_id: str) -> tuple[str, ...]:
        """Return the sessions of the sub-agents of a session, which are named after it."""
        own = self._writer.redactor.name(session_id)
        with self._database.read() as session:
            rows = session.rows(
                "SELECT id FROM agent_sessions WHERE project_key = ? AND id > ? AND id < ? ORDER BY updated_at",
                (self._writer.wall.project_key, f"{own}:", f"{own};"),  # ; comes after :
            )
        return tuple(str(row[0]) for row in rows)

    def begin(self, session_id: str, episode: Episode) -> None:
        """Store a new episode and let a session be in it, in one transaction."""
        with self._database.write() as session:
            self._episodes.insert_in(session, episode)
            self._enter(session, session_id, documents.locate(session, self._writer, "episode", episode.id))

    def enter(self, session_id: str, episode_id: str, source: Source | None = None) -> None:
        """Let a session be in an episode that is there; its source is the session, if nothing else has that source.

        Raises:
            NotFoundError: no such episode here.

        """
        with self._database.write() as session:
            key = documents.locate(session, self._writer, "episode", episode_id)
            self._enter(session, session_id, key)
            if source is not None:
                session.run(
                    "UPDATE OR IGNORE documents SET source_kind = ?, source_id = ?"
                    " WHERE key = ? AND source_kind IS NULL",
                    (source.kind, self._writer.redactor.name(source.id), key),
                )
                documents.revise(session, key)
        self._episodes.hot.forget(episode_id)

    def ask(self, session_id: str, prompts: Sequence[Prompt]) -> None:
        """Keep what was asked in a session until a step is made for it."""
        with self._database.write() as session:
            now = self._writer.clock.now()
            session.run(
                "INSERT INTO agent_sessions (id, project_key, updated_at, prompts) VALUES (?, ?, ?, ?)"
                " ON CONFLICT (project_key, id) DO UPDATE SET prompts = excluded.prompts, updated_at = ?",
                (
                    *(self._writer.redactor.name(session_id), self._writer.wall.project_key, now),
                    *(msgspec.json.encode(self._writer.redactor.clean(list(prompts))).decode(), now),
                ),
            )

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
            " ON CONFLICT (project_key, id) DO UPDATE"
            " SET episode_key = excluded.episode_key, prompts = '[]', updated_at = ?",
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
                    written(self._writer.redactor.clean(list(told))),
                ),
            )
