"""This module keeps checkpoints: where an episode stood, and what its maker would do next."""

import json

import msgspec

from memory_mcp.errors import DamagedError, NotFoundError
from memory_mcp.models.handoffs import Handoff, HandoffSummary
from memory_mcp.storage import checksums, documents
from memory_mcp.storage.database import Database
from memory_mcp.storage.documents import Writer
from memory_mcp.storage.episode_store import EpisodeStore

_COLUMNS = "h.id, h.made_at, d.id, h.steps, h.note, h.next_steps, h.checksum"
_TABLES = "handoffs h JOIN documents d ON d.key = h.episode_key"


class HandoffStore:
    """Handoffs behind one project's wall; each is a place in an episode, whose steps are read from there."""

    def __init__(self, database: Database, writer: Writer, episodes: EpisodeStore) -> None:
        self._database = database
        self._writer = writer
        self._episodes = episodes

    def insert(self, given: Handoff, episode_id: str) -> None:
        """Store a handoff of an episode that is here, as a place after its present steps.

        Raises:
            NotFoundError: no such episode here.

        """
        handoff = self._writer.redactor.clean(given)
        next_steps = json.dumps(handoff.next_steps)
        steps = len(handoff.episode.steps)
        with self._database.write() as session:
            key = documents.locate(session, self._writer, "episode", episode_id)
            session.run(
                "INSERT INTO handoffs (id, project_key, episode_key, made_at, steps, note, next_steps, checksum)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    *(handoff.id, self._writer.wall.project_key, key, handoff.made_at, steps, handoff.note, next_steps),
                    handoff_checksum(steps, handoff.note, next_steps),
                ),
            )
            documents.note(session, self._writer, f"checkpoint {handoff.id}", episode_id)

    def get(self, handoff_id: str) -> Handoff:
        """Return a handoff by its id, or the newest one of an episode by the episode's id.

        Raises:
            NotFoundError: no such handoff here.
            DamagedError: it does not hold what was written.

        """
        with self._database.read() as session:
            row = session.row(
                f"SELECT {_COLUMNS} FROM {_TABLES} WHERE :id IN (h.id, d.id)"
                f" AND h.project_key IN {self._writer.wall.among}"
                " ORDER BY h.id = :id DESC, h.made_at DESC, h.id DESC LIMIT 1",
                {"id": handoff_id},
            )
        if row is None:
            raise NotFoundError(
                f"no handoff {handoff_id} in project {self._writer.wall.project}; "
                "make one of an episode with checkpoint_episode or 'memory-cli handoff create'"
            )
        found_id, made_at, episode_id, steps, note, next_steps, stored = row
        if not checksums.HANDOFF.match(stored, {"steps": steps, "note": note, "next_steps": next_steps}):
            raise DamagedError(f"handoff {found_id} does not match its checksum")
        episode = self._episodes.get(episode_id)
        until = msgspec.structs.replace(episode, steps=episode.steps[:steps])
        return Handoff(found_id, made_at, until, note, tuple(json.loads(next_steps)))

    def list(self, limit: int) -> list[HandoffSummary]:
        """Return the newest handoffs."""
        with self._database.read() as session:
            rows = session.rows(
                f"SELECT h.id, h.made_at, d.id, e.task, h.steps, h.note FROM {_TABLES} JOIN episodes e ON e.key = d.key"
                f" WHERE h.project_key IN {self._writer.wall.among} ORDER BY h.made_at DESC, h.id DESC LIMIT ?",
                (limit,),
            )
        return [HandoffSummary(*row) for row in rows]


def handoff_checksum(steps: int, note: str, next_steps: str) -> int:
    """Return the checksum of a handoff's own columns; `next_steps` is the JSON that is stored."""
    return checksums.HANDOFF.checksum({"steps": steps, "note": note, "next_steps": next_steps})
