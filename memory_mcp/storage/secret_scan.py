"""This module looks for secrets in what is stored already, and replaces them."""

import json
from collections.abc import Callable, Iterator
from typing import Any

from msgspec import Struct

from memory_mcp.models.episodes import Episode
from memory_mcp.models.notes import Note
from memory_mcp.redaction.redactor import Redactor
from memory_mcp.storage import codec, documents
from memory_mcp.storage.database import Row, Session
from memory_mcp.storage.store import Store

_PAGE = 200
_JSON = frozenset(("next_steps", "body"))  # columns that hold a text as JSON
# beside the documents: table, key column, columns of text
_LOOSE: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("handoffs", "id", ("note", "next_steps")),
    ("recommendations", "key", ("task", "body")),
    ("feedback", "key", ("note",)),
)


class Tainted(Struct, frozen=True):
    """A stored record with secrets, counted by the names of their shapes."""

    kind: str
    id: str
    project: str
    secrets: dict[str, int]


def scan(store: Store, redactor: Redactor, progress: Callable[[int], None]) -> Iterator[Tainted]:
    """Yield what holds secrets, of all projects of the file; damaged records are passed over."""
    for kind, load in _loaders(store).items():
        after = 0
        while True:
            with store.database.read() as session:
                named = _page(session, kind, after)
                loaded = load(session, [row[0] for row in named])
            for key, document_id, project in named:
                if found := redactor.count(loaded.get(key)):
                    yield Tainted(kind, document_id, project, dict(found))
            progress(len(named))
            if len(named) < _PAGE:
                break
            after = named[-1][0]
    with store.database.read() as session:
        for table, key_column, columns in _LOOSE:
            for key, project, *texts in _loose_rows(session, table, key_column, columns):
                if found := redactor.count([_load(*pair) for pair in zip(columns, texts, strict=True)]):
                    yield Tainted(table, str(key), project, dict(found))


def replace(store: Store, redactor: Redactor, tainted: list[Tainted]) -> int:
    """Replace the secrets of what a scan found and return how many records changed; indexes follow by themselves.

    Raises:
        StoreError: the file could not be written; records before that are clean.

    """
    changed = 0
    kinds = _loaders(store)
    for each in tainted:
        with store.database.write() as session:
            if each.kind in kinds:
                changed += _replace_document(store, session, redactor, each)
            else:
                changed += _replace_loose(session, redactor, each)
        store.episodes.hot.forget(each.id)
    return changed


def _loaders(store: Store) -> dict[str, Callable[[Session, list[int]], dict[int, Any]]]:
    return {"episode": store.episodes.load_many, "note": store.notes.load_many, "turn": store.turns.load_many}


def _page(session: Session, kind: str, after: int) -> list[tuple[int, str, str]]:
    rows = session.rows(
        "SELECT d.key, d.id, p.name FROM documents d JOIN projects p ON p.key = d.project_key"
        " WHERE d.kind = ? AND d.key > ? ORDER BY d.key LIMIT ?",
        (kind, after, _PAGE),
    )
    return [(row[0], row[1], row[2]) for row in rows]


def _loose_rows(session: Session, table: str, key_column: str, columns: tuple[str, ...]) -> list[Row]:
    return session.rows(
        f"SELECT t.{key_column}, p.name, {', '.join(columns)} FROM {table} t JOIN projects p ON p.key = t.project_key"
    )


def _replace_document(store: Store, session: Session, redactor: Redactor, tainted: Tainted) -> int:
    key = documents.find_keys(session, None, [tainted.id]).get(tainted.id)
    if key is None:
        return 0  # deleted since
    loaded = _loaders(store)[tainted.kind](session, [key])[key]
    cleaned = redactor.clean(loaded)
    if isinstance(cleaned, Episode):
        store.episodes.rewrite(session, key, cleaned)
    elif isinstance(cleaned, Note):
        store.notes.rewrite(session, key, cleaned)
    else:
        store.turns.rewrite(session, key, cleaned)
    documents.note(session, store.writer, "redact", tainted.id)
    return 1


def _load(column: str, text: str | None) -> Any:
    return json.loads(text) if text is not None and column in _JSON else text


def _dump(column: str, value: Any) -> str | None:
    return json.dumps(value) if value is not None and column in _JSON else value


def _replace_loose(session: Session, redactor: Redactor, tainted: Tainted) -> int:
    table, key_column, columns = next(each for each in _LOOSE if each[0] == tainted.kind)
    names = ", ".join(columns)
    row = session.row(f"SELECT {names} FROM {table} WHERE {key_column} = ?", (tainted.id,))
    if row is None:
        return 0
    loaded = [_load(*pair) for pair in zip(columns, row, strict=True)]
    cleaned = [_dump(*pair) for pair in zip(columns, redactor.clean(loaded), strict=True)]
    changes = ", ".join(f"{column} = ?" for column in columns)
    session.run(f"UPDATE {table} SET {changes} WHERE {key_column} = ?", (*cleaned, tainted.id))
    if table == "handoffs":
        steps = session.value("SELECT steps FROM handoffs WHERE id = ?", (tainted.id,))
        stored = codec.checksum(steps, *cleaned)
        session.run("UPDATE handoffs SET checksum = ? WHERE id = ?", (stored, tainted.id))
    return 1
