"""This module searches the keyword index for the records that a query may find."""

from collections.abc import Iterable, Sequence

from memory_mcp.models.episodes import EpisodeFilter
from memory_mcp.storage.database import Session
from memory_mcp.storage.documents import keys_json
from memory_mcp.storage.engine_errors import derived
from memory_mcp.storage.sights import Sight

# How many times the wanted matches a filter looks at first, where hardly any and where many may fall through it, and
# which share of them is few. Mean at 100,000 records: no filter 6.0 ms, looking at 2 times 7.2, at 3 times 8.4, at 10
# times 11.6, a filter inside 16.
_HARDLY_ANY, _MANY, _FEW = 2, 10, 0.25
_SPARE = 8  # one more is looked at first for so many wanted


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
    ahead = looked_at(session, sight, limit)
    bindings |= {"match": match, "limit": limit, "ahead": ahead}
    bindings |= {} if newest is None else {"newest": newest}
    best = session.rows(
        f"SELECT k.key, k.score, {condition} FROM"
        f" (SELECT * FROM ({ranked}) ORDER BY score LIMIT :ahead) k {tables} ORDER BY k.score",
        bindings,
    )
    found = [(key, -score) for key, score, is_open in best if is_open][:limit]
    if not are_few(found, limit) or len(best) < ahead:
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


def first_visible(
    session: Session, sight: Sight, ranked: Sequence[tuple[int, float]], limit: int
) -> list[tuple[int, float]]:
    """Return the first so many ranked matches that a query may find."""
    found: list[tuple[int, float]] = []
    likely = limit + limit // _SPARE
    for some in (ranked[:likely], ranked[likely:]):
        if some and len(found) < limit:
            allowed = visible(session, sight, [key for key, _ in some])
            found += [entry for entry in some if entry[0] in allowed]
    return found[:limit]


def are_few(found: Sequence[tuple[int, float]], limit: int) -> bool:
    """Whether a filter left so few of the matches looked at that all matches are worth looking at."""
    return len(found) < _FEW * limit


def visible(session: Session, sight: Sight, keys: Iterable[int]) -> set[int]:
    """Return those of the documents that a query may find."""
    condition, bindings = sight.condition()
    rows = session.rows(
        f"SELECT d.key FROM documents d LEFT JOIN episodes e ON e.key = d.key WHERE {condition}"
        " AND d.key IN (SELECT value FROM json_each(:keys))",
        {**bindings, "keys": keys_json(keys)},
    )
    return {row[0] for row in rows}


def looked_at(session: Session, sight: Sight, limit: int) -> int:
    """Return how many of the best matches are looked at before all are."""
    return limit * (_MANY if sight.filter != EpisodeFilter() or _count_projects(session) > 1 else _HARDLY_ANY)


def _count_projects(session: Session) -> int:
    return int(session.value("SELECT count(*) FROM projects"))
