"""This module keeps digests and failures, and which episodes learning has yet to look at."""

import json
from collections.abc import Sequence

from memory_mcp.models.digests import Digest, Exposure, Failed
from memory_mcp.models.surveys import Survey, Surveyed
from memory_mcp.storage import codec, learning_codec, search_index
from memory_mcp.storage.database import Database, Row, Session
from memory_mcp.storage.documents import Writer
from memory_mcp.storage.run_store import RunStore, seen

_LOOKED_THROUGH, _MOST_CHANGES = 3_000, 40
_SEEN_STEP = (
    "EXISTS (SELECT 1 FROM steps s WHERE s.episode_key = x.episode_key AND s.position = x.position"
    f" AND (s.voice IN ('tool', 'web') OR (s.voice = '' AND {seen('x')})))"
)
_FAILURE_COLUMNS = "position, shape, action, error, signature, failures, runs, remedy, seen_at"


class DigestStore:
    """What learning keeps of the episodes of one project; a follower of `changes` with a place per project."""

    def __init__(self, database: Database, writer: Writer, *, seen_only: bool = False) -> None:
        self._database = database
        self._writer = writer
        self._seen_only = seen_only
        self.runs = RunStore(database, writer, seen_only=seen_only)
        self.follower = f"learning {writer.wall.project_key}"

    def seen_only(self) -> "DigestStore":
        """Return what tells only of what was seen to happen: for texts that nobody has asked for."""
        return DigestStore(self._database, self._writer, seen_only=True)

    def unlearned(self, session: Session, limit: int) -> tuple[list[tuple[int, int]], int]:
        """Return (key, revision) of the project's next episodes that changed since, and the sequence reached with them.

        Changes of what is learnt already, such as learning itself makes, are passed over all at once.
        """
        rows = session.rows(
            "SELECT c.sequence, d.key, d.revision FROM changes c JOIN documents d ON d.key = c.document_key"
            " LEFT JOIN digests g ON g.episode_key = d.key"
            " WHERE c.sequence > ? AND c.kind = 'episode' AND d.project_key = ?"
            " AND coalesce(g.revision, 0) <> d.revision ORDER BY c.sequence LIMIT ?",
            (search_index.followed(session, self.follower), self._writer.wall.project_key, limit),
        )
        up_to = rows[-1][0] if len(rows) == limit else search_index.head(session)
        return sorted({(row[1], row[2]) for row in rows}), up_to

    def count_unlearned(self) -> int:
        """Count the episodes of this project that learning has yet to look at."""
        with self._database.read() as session:
            return int(
                session.value(
                    "SELECT count(DISTINCT d.key) FROM changes c JOIN documents d ON d.key = c.document_key"
                    " LEFT JOIN digests g ON g.episode_key = d.key"
                    " WHERE c.sequence > ? AND c.kind = 'episode' AND d.project_key = ?"
                    " AND coalesce(g.revision, 0) <> d.revision",
                    (search_index.followed(session, self.follower), self._writer.wall.project_key),
                )
            )

    def lags(self) -> bool:
        """Whether any change came after what learning has seen."""
        with self._database.read() as session:
            return search_index.followed(session, self.follower) < search_index.head(session)

    def reach(self, session: Session, up_to: int) -> None:
        """Remember how far learning has followed."""
        search_index.follow(session, self.follower, up_to)

    def forget_place(self) -> None:
        """Let learning look at every episode again."""
        with self._database.write() as session:
            session.run("UPDATE digests SET revision = 0 WHERE project_key = ?", (self._writer.wall.project_key,))
            session.run("DELETE FROM followers WHERE name = ?", (self.follower,))

    def write(self, session: Session, key: int, revision: int, digest: Digest, survey: Survey) -> None:
        """Replace the digest, the survey and the failures of an episode."""
        session.run(
            "INSERT OR REPLACE INTO digests (episode_key, project_key, revision, completed_at, share, reward, steps,"
            " retries, tokens, survey) VALUES (?, ?, ?, ?, ?, ?, ?, ?, '', ?)",
            (
                *(key, self._writer.wall.project_key, revision, digest.completed_at, thousandths(digest.share)),
                *(ten_thousandths(digest.reward), digest.steps, digest.retries, codec.dump(survey)),
            ),
        )
        self.runs.write(session, key, digest.runs)
        session.run("DELETE FROM failures WHERE episode_key = ?", (key,))
        rows = [
            (
                *(key, each.position, self._writer.wall.project_key, each.shape, file, each.action, each.error),
                *(each.signature, each.failures, each.runs, json.dumps(each.remedy), each.seen_at),
            )
            for each in digest.failed
            for file in each.files or ("",)
        ]
        session.run_many(
            "INSERT OR REPLACE INTO failures (episode_key, position, project_key, shape, file, action, error,"
            " signature, failures, runs, remedy, seen_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            rows,
        )

    def surveys(self, limit: int) -> list[Surveyed]:
        """Return what the newest completed episodes show of their project, newest first."""
        with self._database.read() as session:
            rows = session.rows(
                "SELECT d.id, e.task, g.completed_at, g.survey, g.share FROM digests g"
                " JOIN documents d ON d.key = g.episode_key JOIN episodes e ON e.key = g.episode_key"
                f" WHERE g.project_key IN {self._writer.wall.among} AND g.completed_at IS NOT NULL AND g.survey <> ''"
                " ORDER BY g.completed_at DESC, g.episode_key DESC LIMIT ?",
                (limit,),
            )
        return [
            Surveyed(
                episode_id,
                task,
                completed_at,
                learning_codec.load_survey(survey),
                None if share is None else share / 1_000,
            )
            for episode_id, task, completed_at, survey, share in rows
        ]

    def changes_of(self, file: str, *, besides: str | None = None) -> list[tuple[str, ...]]:
        """Return the files that the newest completed episodes changed which changed a file, newest first.

        Only the newest few thousand episodes are looked at: a hook waits for this.
        """
        with self._database.read() as session:
            rows = session.rows(
                "SELECT survey FROM (SELECT g.survey, g.completed_at, g.episode_key FROM digests g"
                f" WHERE g.project_key IN {self._writer.wall.among} AND g.completed_at IS NOT NULL"
                " ORDER BY g.completed_at DESC LIMIT ?) n JOIN documents d ON d.key = n.episode_key"
                f" WHERE instr(n.survey, ?) AND d.id <> ? AND {seen('n') if self._seen_only else 'TRUE'}"
                " ORDER BY n.completed_at DESC LIMIT ?",
                (_LOOKED_THROUGH, json.dumps(file, ensure_ascii=False), besides or "", _MOST_CHANGES),
            )
        found = (learning_codec.load_survey(row[0]).changed for row in rows)
        return [changed for changed in found if file in changed]

    def rewards(self, session: Session) -> tuple[int, int]:
        """Return number and sum, in ten-thousandths, of the rewards of this project."""
        row = session.rows(
            "SELECT count(reward), coalesce(sum(reward), 0) FROM digests WHERE project_key = ?",
            (self._writer.wall.project_key,),
        )[0]
        return int(row[0]), int(row[1])

    def progress(self) -> list[tuple[int, float, int, int]]:
        """Return (completed at, share, steps, retries) of every completed episode, oldest first."""
        with self._database.read() as session:
            rows = session.rows(
                "SELECT completed_at, share, steps, retries FROM digests WHERE project_key = ?"
                " AND completed_at IS NOT NULL AND share IS NOT NULL ORDER BY completed_at",
                (self._writer.wall.project_key,),
            )
        return [(row[0], row[1] / 1_000, row[2], row[3]) for row in rows]

    def remedy_of(self, signature: str, *, besides: str | None = None) -> tuple[str, ...]:
        """Return what ended an error the last time that something did, but for one episode; empty where nothing did."""
        with self._database.read() as session:
            remedy = session.value(
                "SELECT x.remedy FROM failures x JOIN documents d ON d.key = x.episode_key"
                f" WHERE x.project_key IN {self._writer.wall.among} AND x.signature = ? AND x.remedy <> '[]'"
                f" AND d.id <> ? AND {seen('x') if self._seen_only else 'TRUE'} ORDER BY x.seen_at DESC LIMIT 1",
                (signature, besides or ""),
            )
        return tuple(json.loads(remedy)) if remedy else ()

    def latest_failures(self, limit: int) -> list[tuple[str, Failed]]:
        """Return (episode id, failure) of the actions that failed last in this project, newest first.

        What an agent only says to have mended one is left out of what was seen.
        """
        columns = _FAILURE_COLUMNS
        if self._seen_only:
            columns = columns.replace("remedy", f"iif({seen('x')}, remedy, '[]')")
        with self._database.read() as session:
            rows = session.rows(
                f"SELECT d.id, {columns} FROM failures x JOIN documents d ON d.key = x.episode_key"
                f" WHERE x.project_key IN {self._writer.wall.among} AND {_SEEN_STEP if self._seen_only else 'TRUE'}"
                " GROUP BY x.episode_key, x.position"
                " ORDER BY x.seen_at DESC LIMIT ?",
                (limit,),
            )
        return _loaded(rows)

    def exposures(self) -> list[Exposure]:
        """Return every completed episode in which a recall was asked, with whether it was withheld."""
        with self._database.read() as session:
            rows = session.rows(
                "SELECT d.id, max(r.is_withheld), g.share, g.steps, g.retries FROM recommendations r"
                " JOIN digests g ON g.episode_key = r.episode_key JOIN documents d ON d.key = g.episode_key"
                " WHERE r.project_key = ? AND g.completed_at IS NOT NULL AND g.share IS NOT NULL"
                " GROUP BY d.key ORDER BY d.key",
                (self._writer.wall.project_key,),
            )
        return [Exposure(row[0], bool(row[1]), row[2] / 1_000, row[3], row[4]) for row in rows]


def _loaded(rows: Sequence[Row]) -> list[tuple[str, Failed]]:
    """Build failures of (episode id, columns), each once although it stands there for every file."""
    found: dict[tuple[str, int], Failed] = {}
    for episode_id, position, shape, action, error, signature, failures, runs, remedy, seen_at in rows:
        found[episode_id, position] = Failed(
            position=position,
            shape=shape,
            files=(),
            action=action,
            error=error,
            signature=signature,
            failures=failures,
            runs=runs,
            remedy=tuple(json.loads(remedy)),
            seen_at=seen_at,
        )
    return [(episode_id, failed) for (episode_id, _), failed in found.items()]


def thousandths(share: float | None) -> int | None:
    """Store a share as a whole number, so that sums are exact."""
    return None if share is None else round(share * 1_000)


def ten_thousandths(reward: float | None) -> int | None:
    """Store a reward as a whole number, so that sums are exact."""
    return None if reward is None else round(reward * 10_000)
