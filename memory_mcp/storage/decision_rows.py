"""This module loads decisions with their places and with what replaces or contradicts them."""

from collections.abc import Iterable, Sequence
from typing import Any

from memory_mcp.models.decisions import Decision, Draft, SourceKind
from memory_mcp.storage import checksums, documents
from memory_mcp.storage.database import Row, Session
from memory_mcp.storage.decision_schema import MAY_REPLACE
from memory_mcp.storage.documents import Wall

_COLUMNS = (
    "d.key, d.id, p.name, c.text, d.created_at, c.voice, c.who, c.origin, c.reverts, c.turn, c.score, c.retired_at,"
    " d.is_global, s.id, s.kind, e.kind, EXISTS (SELECT 1 FROM tags t WHERE t.document_key = c.source_key"
    " AND t.tag = 'decision'), c.checksum"
)
_TABLES = (
    "decisions c JOIN documents d ON d.key = c.key JOIN projects p ON p.key = d.project_key"
    " JOIN documents s ON s.key = c.source_key LEFT JOIN episodes e ON e.key = c.source_key"
)
HUNDREDTHS = 100  # a score is kept as a whole number of them


def rows_where(session: Session, condition: str, bindings: Sequence[Any] | dict[str, Any]) -> list[Row]:
    """Return the rows of the decisions `c`, documents `d`, that fulfil a condition, oldest first."""
    order = "" if "ORDER BY" in condition else " ORDER BY d.created_at, d.key"
    return session.rows(f"SELECT {_COLUMNS} FROM {_TABLES} WHERE {condition}{order}", bindings)


def rows_of(session: Session, keys: Iterable[int]) -> list[Row]:
    """Return the rows of decisions by key."""
    return rows_where(session, "c.key IN (SELECT value FROM json_each(?))", (documents.keys_json(keys),))


def loaded(session: Session, wall: Wall, rows: Sequence[Row]) -> tuple[dict[int, Decision], dict[int, str]]:
    """Return the decisions of rows by key, and what is wrong with damaged ones."""
    keys = documents.keys_json(row[0] for row in rows)
    places = _places(session, keys)
    replaced, contradicted = _linked(session, wall, keys)
    found: dict[int, Decision] = {}
    damaged: dict[int, str] = {}
    for row in rows:
        key, decision_id, project, text, said_at, voice, who, origin, reverts, turn, score, retired_at, is_global = row[
            :13
        ]
        at = places.get(key, {})
        decision = Decision(
            id=decision_id,
            project=project,
            text=text,
            said_at=said_at,
            voice=voice,
            files=tuple(at.get("file", ())),
            functions=tuple(at.get("function", ())),
            names=tuple(at.get("name", ())),
            who=who,
            source_id=row[13],
            source_kind=_source_kind(row[14], row[15], origin, is_added=row[16]),
            origin=origin,
            reverts=reverts,
            turn=turn,
            score=score / HUNDREDTHS,
            replaced_by=replaced.get(key),
            retired_at=retired_at,
            contradicts=tuple(contradicted.get(key, ())),
            is_global=bool(is_global),
        )
        if checksums.DECISION.match(row[17], columns(decision)):
            found[key] = decision
        else:
            damaged[key] = f"decision {decision_id} does not match its checksum"
    return found, damaged


def _linked(session: Session, wall: Wall, keys: str) -> tuple[dict[int, str], dict[int, list[str]]]:
    """Return by which decision each is replaced, the newest, and which ones it contradicts."""
    rows = session.rows(
        "SELECT l.kind, l.newer_key, nd.id, l.older_key, od.id FROM decision_links l"
        " JOIN decisions n ON n.key = l.newer_key JOIN documents nd ON nd.key = l.newer_key"
        " JOIN decisions o ON o.key = l.older_key JOIN documents od ON od.key = l.older_key"
        " WHERE (l.older_key IN (SELECT value FROM json_each(:keys))"
        " OR l.newer_key IN (SELECT value FROM json_each(:keys))) AND l.kind <> 'both' AND n.retired_at IS NULL"
        f" AND {MAY_REPLACE} AND {wall.visible('nd')} AND {wall.visible('od')} ORDER BY nd.created_at, nd.key",
        {"keys": keys},
    )
    replaced: dict[int, str] = {}
    contradicted: dict[int, list[str]] = {}
    for kind, newer_key, newer, older_key, older in rows:
        if kind == "replaces":
            replaced[older_key] = newer
        else:
            contradicted.setdefault(older_key, []).append(newer)
            contradicted.setdefault(newer_key, []).append(older)
    return replaced, contradicted


def replaced_records(session: Session, wall: Wall, keys: Iterable[int]) -> list[tuple[int, int]]:
    """Return (older, newer) of records among some, where a decision of the one is replaced by one of the other."""
    return [
        (row[0], row[1])
        for row in session.rows(
            "SELECT DISTINCT o.source_key, n.source_key FROM decisions o JOIN decision_links l ON l.older_key = o.key"
            f" AND l.kind = 'replaces' JOIN decisions n ON n.key = l.newer_key AND {MAY_REPLACE}"
            " JOIN documents d ON d.key = n.key"
            " WHERE o.source_key IN (SELECT value FROM json_each(:keys))"
            " AND n.source_key IN (SELECT value FROM json_each(:keys)) AND o.source_key <> n.source_key"
            f" AND n.retired_at IS NULL AND {wall.visible()} ORDER BY n.source_key",
            {"keys": documents.keys_json(keys)},
        )
    ]


def _places(session: Session, keys: str) -> dict[int, dict[str, list[str]]]:
    found: dict[int, dict[str, list[str]]] = {}
    for key, kind, value in session.rows(
        "SELECT decision_key, kind, value FROM decision_places WHERE decision_key IN (SELECT value FROM json_each(?))"
        " ORDER BY decision_key, position",
        (keys,),
    ):
        found.setdefault(key, {}).setdefault(kind, []).append(value)
    return found


def _source_kind(kind: str, episode_kind: str | None, origin: str, *, is_added: bool) -> SourceKind:
    if kind == "note":
        return "added" if is_added else "note"
    if episode_kind == "conversation":
        return "talk"
    return "commit" if origin else "task"


def columns(decision: Draft | Decision) -> dict[str, Any]:
    """Return the columns of a decision's row that its checksum covers."""
    return {
        "text": decision.text,
        "who": decision.who,
        "voice": decision.voice,
        "origin": decision.origin,
        "turn": decision.turn,
    }
