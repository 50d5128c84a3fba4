"""This module keeps what recall ranks by: keyword index, vector sets, and how far each has followed `changes`."""

import json
from collections.abc import Iterable, Sequence
from typing import NamedTuple, get_args

from msgspec import Struct

from memory_mcp.clock import Clock
from memory_mcp.errors import IndexDamagedError
from memory_mcp.models.episodes import EpisodeFilter, EvidenceKind
from memory_mcp.models.recall import Kind
from memory_mcp.storage.codec import holds_vectors
from memory_mcp.storage.database import Row, Session
from memory_mcp.storage.decision_schema import IS_REPLACED
from memory_mcp.storage.documents import keys_json, texts_json
from memory_mcp.storage.engine_errors import derived
from memory_mcp.storage.sights import Sight

KEYWORDS = "keywords"
# How many times the wanted matches a filter looks at first, where hardly any and where many may fall through it, and
# which share of them is few. Mean at 100,000 records: no filter 6.0 ms, looking at 2 times 7.2, at 3 times 8.4, at 10
# times 11.6, a filter inside 16.
_HARDLY_ANY, _MANY, _FEW = 2, 10, 0.25
_MOST_RUNS = 30
_LOOKED_AHEAD = 5_000  # changes; reading them takes 1 ms
NEVER = (1 << 63) - 1  # microseconds
_TABLES = "documents d LEFT JOIN episodes e ON e.key = d.key JOIN projects p ON p.key = d.project_key"
_DESCRIBED = "d.key, d.kind, d.id, p.name, d.created_at, e.task_key, e.outcome_type, e.evidence, e.reward"


class Pending(Struct, frozen=True):
    """Living documents that changed since a follower last looked, and the sequence that it reaches by handling them."""

    episode_keys: tuple[int, ...]
    note_keys: tuple[int, ...]
    pattern_keys: tuple[int, ...]
    turn_keys: tuple[int, ...]
    decision_keys: tuple[int, ...]
    up_to: int

    @property
    def keys(self) -> set[int]:
        """All of them."""
        return {*self.episode_keys, *self.note_keys, *self.pattern_keys, *self.turn_keys, *self.decision_keys}


class VectorSet(Struct, frozen=True):
    """The vectors of one model; `ready` once they have covered the whole store."""

    key: int
    model: str
    dimension: int
    followed: int
    ready: bool


class VectorRow(NamedTuple):
    """The vectors of one document, and what filters look at.

    `place` is the project's key, 0 for what is global; `lapses_at` is when it is outdated, 0 if it is already.
    """

    key: int
    place: int
    kind: Kind
    created_at: int
    lapses_at: int | None
    outcome: str | None
    domain: str | None
    task_type: str | None
    language: str | None
    tags: tuple[str, ...]
    vector: bytes


class Candidate(Struct, frozen=True):
    """What scoring needs to know of a document."""

    key: int
    kind: Kind
    id: str
    project: str
    created_at: int
    task_key: str | None
    outcome: str | None
    evidence: EvidenceKind | None
    reward: float | None
    importance: float | None

    @property
    def succeeded(self) -> bool:
        """Whether it is known, and not only claimed, that the task was done."""
        return self.outcome == "success" and self.evidence in {"shown", "user"}


def head(session: Session) -> int:
    """Return the newest sequence of the store, 0 for an empty one."""
    return int(session.value("SELECT max(sequence) FROM changes") or 0)


@derived("followers")
def follow(session: Session, follower: str, up_to: int) -> None:
    """Remember how far a follower has handled changes."""
    session.run(
        "INSERT INTO followers (name, followed) VALUES (?, ?)"
        " ON CONFLICT (name) DO UPDATE SET followed = excluded.followed",
        (follower, up_to),
    )


@derived("followers")
def followed(session: Session, follower: str) -> int:
    """Return the sequence up to which a follower has handled changes."""
    return int(session.value("SELECT followed FROM followers WHERE name = ?", (follower,)) or 0)


def pending(session: Session, after: int, limit: int) -> Pending:
    """Return the documents touched by the next `limit` changes after a sequence.

    One that changes again soon after is left to that change: an import revises a pattern with every episode that shows
    it, and to index each revision took as long as to index the episodes.
    """
    rows = session.rows(
        "SELECT sequence, document_key, kind FROM changes WHERE sequence > ? ORDER BY sequence LIMIT ?",
        (after, limit),
    )
    kinds = {row[1]: row[2] for row in rows}
    if len(rows) == limit:
        ahead = "SELECT document_key FROM changes WHERE sequence > ? ORDER BY sequence LIMIT ?"
        for (key,) in session.rows(ahead, (rows[-1][0], _LOOKED_AHEAD)):
            kinds.pop(key, None)
    alive = kinds.keys() - _gone(session, kinds)
    episodes, notes, patterns, turns, decisions = (
        tuple(key for key, kind in kinds.items() if kind == wanted and key in alive) for wanted in get_args(Kind)
    )
    return Pending(
        episode_keys=episodes,
        note_keys=notes,
        pattern_keys=patterns,
        turn_keys=turns,
        decision_keys=decisions,
        up_to=rows[-1][0] if rows else after,
    )


def _gone(session: Session, keys: Iterable[int]) -> set[int]:
    wanted = set(keys)
    rows = session.rows("SELECT key FROM documents WHERE key IN (SELECT value FROM json_each(?))", (keys_json(wanted),))
    return wanted - {row[0] for row in rows}


def count_pending(session: Session, after: int) -> int:
    """Count the documents that changed after a sequence and still exist."""
    return int(
        session.value(
            "SELECT count(DISTINCT c.document_key) FROM changes c JOIN documents d ON d.key = c.document_key"
            " WHERE c.sequence > ?",
            (after,),
        )
    )


@derived("keywords")
def search_keywords(
    session: Session, match: str, sight: Sight, limit: int, newest: int | None = None
) -> list[tuple[int, float]]:
    """Return (document key, bm25 with the sign turned), best first; of the newest so many matches, or of all.

    A filter inside costs as much again for every match, so it looks at the best ones first, which answers unless it
    leaves few of them.
    """
    condition, bindings = sight.condition()
    ranked = "SELECT rowid AS key, bm25(keywords) AS score FROM keywords WHERE keywords MATCH :match"
    if newest is not None:
        ranked += " ORDER BY rowid DESC LIMIT :newest"
    tables = "JOIN documents d ON d.key = k.key LEFT JOIN episodes e ON e.key = d.key"
    falls = _MANY if sight.filter != EpisodeFilter() or _count_projects(session) > 1 else _HARDLY_ANY
    ahead = falls * limit
    bindings |= {"match": match, "limit": limit, "ahead": ahead}
    bindings |= {} if newest is None else {"newest": newest}
    best = session.rows(
        f"SELECT k.key, k.score, {condition} FROM"
        f" (SELECT * FROM ({ranked}) ORDER BY score LIMIT :ahead) k {tables} ORDER BY k.score",
        bindings,
    )
    found = [(key, -score) for key, score, is_open in best if is_open][:limit]
    if len(found) >= _FEW * limit or len(best) < ahead:
        return found
    return [
        (key, -score)
        for key, score in session.rows(
            "SELECT d.key, bm25(keywords) AS score FROM keywords JOIN documents d ON d.key = keywords.rowid"
            f" LEFT JOIN episodes e ON e.key = d.key WHERE keywords MATCH :match AND {condition}"
            " ORDER BY score LIMIT :limit",
            {name: value for name, value in bindings.items() if name not in {"ahead", "newest"}},
        )
    ]


def visible(session: Session, sight: Sight, keys: Iterable[int]) -> set[int]:
    """Return those of the documents that a query may find."""
    condition, bindings = sight.condition()
    rows = session.rows(
        f"SELECT d.key FROM documents d LEFT JOIN episodes e ON e.key = d.key WHERE {condition}"
        " AND d.key IN (SELECT value FROM json_each(:keys))",
        {**bindings, "keys": keys_json(keys)},
    )
    return {row[0] for row in rows}


def _count_projects(session: Session) -> int:
    return int(session.value("SELECT count(*) FROM projects"))


def count_documents(session: Session) -> int:
    """Count all documents."""
    return int(session.value("SELECT count(*) FROM documents"))


def extent(session: Session) -> int:
    """Return how many documents the store has ever had; counting those that are left takes 1.2 ms at 100,000."""
    return int(session.value("SELECT max(key) FROM documents") or 0)


def candidates(session: Session, keys: Iterable[int]) -> dict[int, Candidate]:
    """Describe documents by key."""
    rows = session.rows(
        f"SELECT {_DESCRIBED}, n.importance FROM {_TABLES} LEFT JOIN notes n ON n.key = d.key"
        " WHERE d.key IN (SELECT value FROM json_each(?))",
        (keys_json(keys),),
    )
    return {row[0]: Candidate(*row) for row in rows}


def runs(session: Session, task_keys: Sequence[str], sight: Sight) -> dict[tuple[str, str], list[Candidate]]:
    """Return the newest episodes that a query may find for repeated tasks, by project and task; at most 30 of each."""
    condition, bindings = sight.condition()
    found: dict[tuple[str, str], list[Candidate]] = {}
    several = "task_key IN (SELECT value FROM json_each(?)) GROUP BY task_key HAVING count(*) > 1"
    for (task_key,) in session.rows(f"SELECT task_key FROM episodes WHERE {several}", (texts_json(task_keys),)):
        described = f"SELECT {_DESCRIBED}, NULL FROM {_TABLES} WHERE e.task_key = :task AND {condition}"
        rows = session.rows(f"{described} ORDER BY e.key DESC LIMIT {_MOST_RUNS}", {**bindings, "task": task_key})
        for row in rows:
            found.setdefault((row[3], task_key), []).append(Candidate(*row))
    return found


@derived("vectors")
def find_vector_set(session: Session, model: str) -> VectorSet | None:
    """Find the vectors of a model."""
    row = session.row(
        "SELECT key, model, dimension, followed, ready_at IS NOT NULL FROM vector_sets WHERE model = ?", (model,)
    )
    return VectorSet(row[0], row[1], row[2], row[3], bool(row[4])) if row else None


@derived("vectors")
def list_vector_sets(session: Session) -> list[tuple[VectorSet, int, int]]:
    """Return every vector set with the number of its documents and its bytes."""
    return [
        (VectorSet(key, model, dimension, done, bool(ready)), count, size or 0)
        for key, model, dimension, done, ready, count, size in session.rows(
            "SELECT s.key, s.model, s.dimension, s.followed, s.ready_at IS NOT NULL,"
            " count(v.key), sum(length(v.vector))"
            " FROM vector_sets s LEFT JOIN vectors v ON v.set_key = s.key GROUP BY s.key ORDER BY s.key"
        )
    ]


@derived("vectors")
def create_vector_set(session: Session, model: str, dimension: int) -> None:
    """Begin a set for a model that has none."""
    session.run("INSERT OR IGNORE INTO vector_sets (model, dimension) VALUES (?, ?)", (model, dimension))


@derived("vectors")
def delete_vector_set(session: Session, model: str) -> bool:
    """Remove the vectors of a model; say whether there were any."""
    return bool(session.run("DELETE FROM vector_sets WHERE model = ?", (model,)))


@derived("vectors")
def write_vectors(session: Session, vector_set: VectorSet, vectors: dict[int, bytes], up_to: int, clock: Clock) -> bool:
    """Store vectors computed outside the transaction, unless another process got ahead; say whether they were taken."""
    current = session.value("SELECT followed FROM vector_sets WHERE key = ?", (vector_set.key,))
    if current != vector_set.followed:
        return False
    alive = set(vectors) - _gone(session, vectors)
    session.run_many(
        "INSERT INTO vectors (set_key, document_key, vector) VALUES (?, ?, ?)"
        " ON CONFLICT (set_key, document_key) DO UPDATE SET vector = excluded.vector",
        [(vector_set.key, key, vectors[key]) for key in alive],
    )
    session.run("UPDATE vector_sets SET followed = ? WHERE key = ?", (up_to, vector_set.key))
    if not vector_set.ready and up_to >= head(session):
        session.run("UPDATE vector_sets SET ready_at = ? WHERE key = ?", (clock.now(), vector_set.key))
    return True


@derived("vectors")
def read_vectors(session: Session, set_key: int, keys: Iterable[int]) -> list[tuple[int, bytes]]:
    """Return (document key, vectors) of some documents; who computes with them checks that they are finite."""
    rows: list[Row] = session.rows(
        "SELECT document_key, vector FROM vectors WHERE set_key = ?"
        " AND document_key IN (SELECT value FROM json_each(?)) ORDER BY document_key",
        (set_key, keys_json(keys)),
    )
    _check_vectors(session, set_key, (row[1] for row in rows), finite=False)
    return [(row[0], row[1]) for row in rows]


def _check_vectors(session: Session, set_key: int, blobs: Iterable[object], *, finite: bool = True) -> None:
    dimension = int(session.value("SELECT dimension FROM vector_sets WHERE key = ?", (set_key,)) or 0)
    if not all(holds_vectors(blob, dimension, finite=finite) for blob in blobs):
        raise IndexDamagedError("vectors", "a row does not hold vectors of its set")


@derived("vectors")
def read_vector_rows(session: Session, set_key: int, keys: Iterable[int]) -> list[VectorRow]:
    """Return vectors of some documents with what filters look at, in the order of their keys."""
    rows = session.rows(
        "SELECT d.key, CASE WHEN d.is_global THEN 0 ELSE d.project_key END, d.kind, d.created_at,"
        " CASE WHEN n.superseded_by IS NOT NULL OR r.retired_at IS NOT NULL OR c.retired_at IS NOT NULL"
        f" OR {IS_REPLACED} THEN 0"
        " ELSE n.valid_until END, e.outcome_type, e.domain, e.task_type, e.language,"
        " (SELECT json_group_array(tag) FROM tags WHERE document_key = d.key), v.vector"
        " FROM json_each(?) w JOIN vectors v ON v.document_key = w.value AND v.set_key = ?"
        " JOIN documents d ON d.key = w.value LEFT JOIN episodes e ON e.key = d.key"
        " LEFT JOIN notes n ON n.key = d.key LEFT JOIN patterns r ON r.key = d.key"
        " LEFT JOIN decisions c ON c.key = d.key ORDER BY d.key",
        (keys_json(keys), set_key),
    )
    _check_vectors(session, set_key, (row[10] for row in rows))
    return [VectorRow._make((*row[:9], tuple(json.loads(row[9])), row[10])) for row in rows]


def latest_changes(session: Session, after: int, up_to: int, limit: int) -> list[tuple[int, int]]:
    """Return (document key, sequence of its latest change) of the first that changed in (after, up_to], not later."""
    rows = session.rows(
        "SELECT document_key, max(sequence) AS latest FROM changes WHERE sequence > ? GROUP BY document_key"
        " HAVING latest <= ? ORDER BY latest LIMIT ?",
        (after, up_to, limit),
    )
    return [(row[0], row[1]) for row in rows]


def changed_keys(session: Session, after: int) -> list[int]:
    """Return the documents that changed after a sequence."""
    rows = session.rows("SELECT DISTINCT document_key FROM changes WHERE sequence > ?", (after,))
    return [row[0] for row in rows]


@derived("vectors")
def followed_by(session: Session, set_key: int) -> int:
    """Return the sequence up to which a vector set has handled changes."""
    return int(session.value("SELECT followed FROM vector_sets WHERE key = ?", (set_key,)) or 0)


def count_damaged(session: Session) -> int:
    """Count the records set aside as damaged."""
    return int(session.value("SELECT count(*) FROM damaged"))


@derived("keywords")
def count_keywords(session: Session) -> int:
    """Count the documents in the keyword index."""
    return int(session.value("SELECT count(*) FROM keywords_docsize"))
