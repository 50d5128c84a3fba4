"""This module keeps how often what ran failed, episode by episode."""

import json
from collections.abc import Sequence

from memory_mcp.models.digests import RunCount
from memory_mcp.storage.database import Database, Row, Session
from memory_mcp.storage.documents import Writer

_COLUMNS = "subject, state, failures, runs, has_failed_last, seen_at, action, error, signature, remedy"
_MOST = 500  # rows of one lookup, newest first


class RunStore:
    """The runs of one project's episodes, and of those that it may see."""

    def __init__(self, database: Database, writer: Writer, *, seen_only: bool = False) -> None:
        self._database = database
        self._writer = writer
        self._seen = f" AND {seen('r')}" if seen_only else ""

    def write(self, session: Session, key: int, runs: Sequence[RunCount]) -> None:
        """Replace the runs of an episode."""
        session.run("DELETE FROM runs WHERE episode_key = ?", (key,))
        session.run_many(
            f"INSERT INTO runs (episode_key, number, project_key, {_COLUMNS})"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    *(key, number, self._writer.wall.project_key, each.subject, each.state, each.failures, each.runs),
                    *(int(each.has_failed_last), each.seen_at, each.action, each.error, each.signature),
                    json.dumps(each.remedy),
                )
                for number, each in enumerate(runs)
            ],
        )

    def of_subjects(
        self, wanted: Sequence[tuple[str, str]], *, besides: str | None = None
    ) -> list[tuple[str, RunCount]]:
        """Return (episode id, count) of these subjects in these states, newest first, but for one episode."""
        if not wanted:
            return []
        with self._database.read() as session:
            rows = session.rows(
                f"SELECT d.id, {', '.join(f'r.{name}' for name in _COLUMNS.split(', '))} FROM json_each(?) w"
                " JOIN runs r ON r.subject = w.value ->> 0 AND r.state = w.value ->> 1"
                " JOIN documents d ON d.key = r.episode_key"
                f" WHERE r.project_key IN {self._writer.wall.among} AND d.id <> ?{self._seen}"
                " ORDER BY r.seen_at DESC LIMIT ?",
                (json.dumps([list(pair) for pair in wanted]), besides or "", _MOST),
            )
        return [(row[0], _loaded(row[1:])) for row in rows]


def seen(alias: str) -> str:
    """Return the condition that the steps of an episode were seen to be made, and are no agent's or archive's word."""
    return (
        f"EXISTS (SELECT 1 FROM episodes w WHERE w.key = {alias}.episode_key"
        " AND w.steps_voice IN ('tool', 'user', 'repository'))"
    )


def _loaded(row: Row) -> RunCount:
    subject, state, failures, runs, has_failed_last, seen_at, action, error, signature, remedy = row
    kept = tuple(json.loads(remedy))
    return RunCount(subject, state, failures, runs, bool(has_failed_last), seen_at, action, error, signature, kept)
