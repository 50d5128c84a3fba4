"""This module keeps what was recommended, what came of it, and how it was judged."""

from collections.abc import Sequence

import msgspec

from memory_mcp.errors import NotFoundError
from memory_mcp.models.recommendations import Judgement, Playbook, Recommendation
from memory_mcp.storage import codec, documents
from memory_mcp.storage.database import Database, Row, Session
from memory_mcp.storage.digest_store import thousandths
from memory_mcp.storage.documents import Writer

_PLAYBOOK = msgspec.json.Decoder(Playbook)
_COLUMNS = "r.key, r.id, r.kind, r.task, r.made_at, e.id, r.is_withheld, r.body"
_TABLES = "recommendations r LEFT JOIN documents e ON e.key = r.episode_key"


class RecommendationStore:
    """Recommendations and feedback behind one project's wall."""

    def __init__(self, database: Database, writer: Writer) -> None:
        self._database = database
        self._writer = writer

    def insert(self, made: Recommendation) -> None:
        """Store a recommendation with the documents that it names.

        Raises:
            NotFoundError: its episode is not here.

        """
        with self._database.write() as session:
            self._insert(session, made, self._episode(session, made.episode_id) if made.episode_id else None)

    def adopt(self, asked: Sequence[tuple[int, str, Sequence[str]]], given: Sequence[str], episode_id: str) -> None:
        """Give an episode what came before it: recalls as (time, query, ids of the hits), recommendations by id."""
        if not asked and not given:
            return
        with self._database.write() as session:
            episode = self._episode(session, episode_id)
            for at, query, ids in asked:
                made = Recommendation(self._writer.clock.new_id(), "recall", query, at, tuple(ids), episode_id)
                self._insert(session, made, episode)
            session.run_many(
                "UPDATE recommendations SET episode_key = ? WHERE id = ? AND project_key = ? AND episode_key IS NULL",
                [(episode, each, self._writer.wall.project_key) for each in given],
            )

    def get(self, recommendation_id: str) -> Recommendation:
        """Return a recommendation.

        Raises:
            NotFoundError: no such recommendation here.

        """
        with self._database.read() as session:
            rows = session.rows(
                f"SELECT {_COLUMNS} FROM {_TABLES} WHERE r.id = ? AND r.project_key IN {self._writer.wall.among}",
                (recommendation_id,),
            )
            if not rows:
                raise NotFoundError(
                    f"no recommendation {recommendation_id} in project {self._writer.wall.project}; "
                    "recommend_patterns and recommend_playbook give their ids"
                )
            return _load(session, rows)[0]

    def given_in(self, session: Session, episode_key: int) -> list[Recommendation]:
        """Return what was recommended in an episode and not withheld."""
        rows = session.rows(
            f"SELECT {_COLUMNS} FROM {_TABLES} WHERE r.episode_key = ? AND NOT r.is_withheld", (episode_key,)
        )
        return _load(session, rows)

    def is_withheld_in(self, episode_id: str) -> bool | None:
        """Say whether this episode's recalls are withheld, None before the first of them."""
        with self._database.read() as session:
            found = session.value(
                f"SELECT max(r.is_withheld) FROM {_TABLES} WHERE e.id = ? AND r.project_key = ?",
                (episode_id, self._writer.wall.project_key),
            )
        return None if found is None else bool(found)

    def credit(self, session: Session, made: Recommendation, acted: dict[str, bool], share: float | None) -> None:
        """Say which documents were acted on; those share in how the episode went."""
        keys = documents.find_keys(session, self._writer.wall, acted)
        session.run_many(
            "UPDATE recommended SET acted = ?, share = ? WHERE document_key = ?"
            " AND recommendation_key = (SELECT key FROM recommendations WHERE id = ?)",
            [
                (int(acted[each]), thousandths(share) if acted[each] else None, key, made.id)
                for each, key in keys.items()
            ],
        )

    def judge(
        self,
        recommendation_id: str | None,
        document_ids: Sequence[str],
        judgement: Judgement,
        *,
        rating: int | None,
        note: str,
        share: float | None,
    ) -> tuple[str, ...]:
        """Store feedback for each document, or for the recommendation as a whole; return those that it counts for.

        It counts for what was recommended: by this recommendation, or where none is named by the latest that held it.

        Raises:
            NotFoundError: a document is not here.

        """
        with self._database.write() as session:
            found = documents.find_keys(session, self._writer.wall, document_ids)
            if missing := [each for each in document_ids if each not in found]:
                raise NotFoundError(f"no record {missing[0]} in project {self._writer.wall.project}")
            named = session.value("SELECT key FROM recommendations WHERE id = ?", (recommendation_id,))
            given: dict[int | None, int | None] = {key: self._giver(session, key, named) for key in found.values()}
            kept = self._writer.redactor.text(note)
            now = self._writer.clock.now()
            session.run_many(
                "INSERT INTO feedback (project_key, recommendation_key, document_key, judgement, rating, note, share,"
                " at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    (
                        *(self._writer.wall.project_key, given.get(key) or named, key, judgement, rating, kept),
                        *(thousandths(share) if given.get(key) else None, now),
                    )
                    for key in found.values() or (None,)
                ],
            )
            documents.note(session, self._writer, f"feedback {judgement}", recommendation_id or document_ids[0])
        return tuple(each for each in document_ids if given[found[each]])

    def _giver(self, session: Session, document: int, named: int | None) -> int | None:
        """Return the recommendation that gave a document: the named one if it did, else the latest, if any did."""
        found = session.value(
            "SELECT max(x.recommendation_key) FROM recommended x JOIN recommendations r ON r.key = x.recommendation_key"
            " WHERE x.document_key = ? AND r.project_key = ? AND NOT r.is_withheld AND r.key = coalesce(?, r.key)",
            (document, self._writer.wall.project_key, named),
        )
        return None if found is None else int(found)

    def list(self, kind: str | None, limit: int) -> list[Recommendation]:
        """Return the newest recommendations."""
        with self._database.read() as session:
            rows = session.rows(
                f"SELECT {_COLUMNS} FROM {_TABLES} WHERE r.project_key = :project AND (:kind IS NULL OR r.kind = :kind)"
                " ORDER BY r.made_at DESC, r.key DESC LIMIT :limit",
                {"project": self._writer.wall.project_key, "kind": kind, "limit": limit},
            )
            return _load(session, rows)

    def counts(self) -> dict[str, int]:
        """Count recommendations given and withheld, those acted on, and each judgement."""
        wall = (self._writer.wall.project_key,)
        with self._database.read() as session:
            given, withheld = session.rows(
                "SELECT count(*) FILTER (WHERE NOT is_withheld), count(*) FILTER (WHERE is_withheld)"
                " FROM recommendations WHERE project_key = ?",
                wall,
            )[0]
            acted = session.value(
                "SELECT count(DISTINCT r.key) FROM recommendations r JOIN recommended x ON x.recommendation_key = r.key"
                " WHERE r.project_key = ? AND x.acted",
                wall,
            )
            judged = session.rows(
                "SELECT judgement, count(*) FROM feedback WHERE project_key = ? GROUP BY judgement ORDER BY judgement",
                wall,
            )
        return {"given": given, "withheld": withheld, "acted on": acted, **{row[0]: row[1] for row in judged}}

    def insert_in(self, session: Session, made: Recommendation) -> None:
        """Store a recommendation in a transaction of the caller's; of an episode that is not here it is of none."""
        found = documents.find_keys(session, self._writer.wall, filter(None, [made.episode_id]))
        self._insert(session, made, found.get(made.episode_id or ""))

    def _insert(self, session: Session, given: Recommendation, episode: int | None) -> None:
        made = self._writer.redactor.clean(given)
        key = session.insert(
            "INSERT INTO recommendations (id, project_key, kind, task, made_at, episode_key, is_withheld, body)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(made.id, self._writer.wall.project_key, made.kind, made.task, made.made_at, episode),
                *(int(made.withheld), codec.dump(made.playbook)),
            ),
        )
        found = documents.find_keys(session, self._writer.wall, made.document_ids)
        session.run_many(
            "INSERT INTO recommended (recommendation_key, document_key) VALUES (?, ?)",
            [(key, document) for document in found.values()],
        )

    def _episode(self, session: Session, episode_id: str) -> int:
        return documents.locate(session, self._writer, "episode", episode_id)


def load_recommendations(session: Session, project_key: int) -> list[Recommendation]:
    """Return all recommendations of a project, oldest first."""
    rows = session.rows(
        f"SELECT {_COLUMNS} FROM {_TABLES} WHERE r.project_key = ? ORDER BY r.made_at, r.id", (project_key,)
    )
    return _load(session, rows)


def _load(session: Session, rows: Sequence[Row]) -> list[Recommendation]:
    names: dict[int, list[str]] = {}
    for key, document_id in session.rows(
        "SELECT x.recommendation_key, d.id FROM recommended x JOIN documents d ON d.key = x.document_key"
        " WHERE x.recommendation_key IN (SELECT value FROM json_each(?)) ORDER BY d.key",
        (documents.keys_json(row[0] for row in rows),),
    ):
        names.setdefault(key, []).append(document_id)
    return [
        Recommendation(
            id=id_,
            kind=kind,
            task=task,
            made_at=made_at,
            document_ids=tuple(names.get(key, ())),
            episode_id=episode_id,
            withheld=bool(withheld),
            playbook=_PLAYBOOK.decode(body) if body else None,
        )
        for key, id_, kind, task, made_at, episode_id, withheld, body in rows
    ]
