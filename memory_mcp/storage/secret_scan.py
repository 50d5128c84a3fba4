"""This module looks for secrets in every column of text that a store has, and replaces them."""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
from msgspec import Struct

from memory_mcp.models.episodes import Episode
from memory_mcp.models.notes import Note
from memory_mcp.redaction.redactor import Redactor
from memory_mcp.storage import checksums, codec, documents
from memory_mcp.storage.database import Row, Session
from memory_mcp.storage.store import Store

_PAGE = 500
# columns that cannot hold a user's text, with the reason
NO_TEXT: dict[str, str] = {
    "vectors.vector": "the numbers of an embedding",
    "documents.kind": "one of four words, by a CHECK",
    "aliases.kind": "one of three words, by a CHECK",
    "decision_places.kind": "one of three words, by a CHECK",
    "decision_links.kind": "one of three words, by a CHECK",
    "rules.state": "one of three words, by a CHECK",
    "rules.action": "one of three words, by a CHECK",
}
# tables whose rows belong to a document, and the column with its key; the later ones are made from the earlier ones
_OF_DOCUMENTS = {
    "documents": "key",
    "episodes": "key",
    "steps": "episode_key",
    "notes": "key",
    "turns": "key",
    "tags": "document_key",
    "snapshots": "episode_key",
}
_DERIVED = {
    "digests": "episode_key",
    "failures": "episode_key",
    "runs": "episode_key",
    "damaged": "document_key",
    "pattern_identities": "pattern_key",
    "evidence": "pattern_key",
    "decisions": "key",
    "decision_places": "decision_key",
    "decision_links": "newer_key",
    "rules": "key",
    "rule_quotes": "rule_key",
}
_DERIVED_COLUMNS = frozenset(("episodes.task_key",))
_NAMES = frozenset(("id", "source_id", "document_id", "superseded_by", "branch", "name"))  # looked up by value
_CHECKED = {
    "handoffs": checksums.HANDOFF,
    "snapshots": checksums.SNAPSHOT,
    "pattern_identities": checksums.IDENTITY,
    "decisions": checksums.DECISION,
    "rules": checksums.RULE,
}


class Tainted(Struct, frozen=True):
    """A stored record with secrets, counted by the names of their shapes."""

    kind: str
    id: str
    project: str
    secrets: dict[str, int]


class _Table(Struct, frozen=True):
    """A table with its primary key and its columns of text, as the schema says."""

    name: str
    keys: tuple[str, ...]
    texts: tuple[str, ...]


def scan(store: Store, redactor: Redactor, progress: Callable[[int], None]) -> Iterator[Tainted]:
    """Yield the records with secrets in all projects of the file, damaged ones too."""
    found: dict[tuple[str, str, str], Counter[str]] = {}
    derived: dict[tuple[str, str, str], Counter[str]] = {}
    with store.database.read() as session:
        tables = text_tables(session)
    for table in tables:
        for page in _pages(store, table):
            for row in page:
                cells = zip(table.texts, row[len(table.keys) :], strict=True)
                for column, cell in cells:
                    if isinstance(cell, str) and (secrets := redactor.count(_load(cell))):
                        is_derived = table.name in _DERIVED or f"{table.name}.{column}" in _DERIVED_COLUMNS
                        with store.database.read() as session:
                            owner = _owner(session, table, row)
                        (derived if is_derived else found).setdefault(owner, Counter()).update(secrets)
            progress(len(page))
    for owner, secrets in (derived | found).items():
        yield Tainted(*owner, dict(secrets))


def replace(store: Store, redactor: Redactor, tainted: list[Tainted]) -> int:
    """Replace the secrets of what a scan found and return how many records changed; indexes follow by themselves.

    Raises:
        StoreError: the file could not be written; records before that are clean.

    """
    kinds = _loaders(store)
    for record in tainted:
        if record.kind in kinds:
            with store.database.write() as session:
                _replace_document(store, session, redactor, record)
            store.episodes.hot.forget(record.id)
    with store.database.read() as session:
        tables = text_tables(session)
    for table in tables:
        for page in _pages(store, table):
            if dirty := [row for row in page if _cleaned(redactor, table, row)]:
                with store.database.write() as session:
                    for row in dirty:
                        _update(session, table, row, _cleaned(redactor, table, row))
    with store.database.write() as session:
        for record in tainted:
            documents.note(session, store.writer, "redact", redactor.name(record.id))
    return len(tainted)


def text_tables(session: Session) -> list[_Table]:
    """Return the tables of the schema with their columns of text; those inside the keyword index follow the records."""
    names = session.rows(
        "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite\\_%'"
        " ESCAPE '\\' ORDER BY name"
    )
    return [table for (name,) in names if (table := _table(session, name)).texts]


def _table(session: Session, name: str) -> _Table:
    columns = session.rows("SELECT name, type, pk FROM pragma_table_info(?) ORDER BY cid", (name,))
    keys = tuple(column for column, _, place in sorted(columns, key=lambda row: row[2]) if place)
    texts = tuple(
        column
        for column, type_name, _ in columns
        if type_name.upper() not in {"INTEGER", "REAL"} and f"{name}.{column}" not in NO_TEXT
    )
    return _Table(name, keys or ("rowid",), texts)


def _pages(store: Store, table: _Table) -> Iterator[list[Row]]:
    keys = ", ".join(table.keys)
    after: tuple[Any, ...] = ()
    while True:
        where = f"WHERE ({keys}) > ({', '.join('?' * len(after))})" if after else ""
        with store.database.read() as session:
            rows = session.rows(
                f"SELECT {keys}, {', '.join(table.texts)} FROM {table.name} {where} ORDER BY {keys} LIMIT {_PAGE}",
                after,
            )
        yield rows
        if len(rows) < _PAGE:
            return
        after = tuple(rows[-1][: len(table.keys)])


def _owner(session: Session, table: _Table, row: Row) -> tuple[str, str, str]:
    """Return kind, id and project of a row's record; for a row without one, its table and key."""
    key = dict(zip((*table.keys, *table.texts), row, strict=True))
    where = " AND ".join(f"t.{name} = ?" for name in table.keys)
    bindings = tuple(row[: len(table.keys)])
    if column := {**_OF_DOCUMENTS, **_DERIVED}.get(table.name):
        found = session.row(
            "SELECT d.kind, d.id, p.name FROM documents d JOIN projects p ON p.key = d.project_key"
            f" JOIN {table.name} t ON d.key = t.{column} WHERE {where}",
            bindings,
        )
        if found is not None:
            return found[0], found[1], found[2]
    project = ""
    if session.value("SELECT 1 FROM pragma_table_info(?) WHERE name = 'project_key'", (table.name,)):
        project = session.value(
            f"SELECT p.name FROM {table.name} t JOIN projects p ON p.key = t.project_key WHERE {where}", bindings
        )
    return table.name, str(key[table.keys[-1]]), project or ""


def _load(cell: str) -> Any:
    """Decode a column of JSON, so that each value is judged by its name."""
    if cell[:1] not in {"{", "["}:
        return cell
    try:
        return msgspec.json.decode(cell)
    except (msgspec.DecodeError, RecursionError):
        return cell


def _cleaned(redactor: Redactor, table: _Table, row: Row) -> dict[str, str]:
    """Return the redacted columns of a row that hold secrets."""
    cleaned = {}
    for column, cell in zip(table.texts, row[len(table.keys) :], strict=True):
        if not isinstance(cell, str):
            continue
        loaded = _load(cell)
        new = redactor.name(cell) if column in _NAMES else redactor.clean(loaded)
        if new is not loaded and new != cell:
            cleaned[column] = new if isinstance(new, str) else codec.dump(new) or ""
    return cleaned


def _update(session: Session, table: _Table, row: Row, cleaned: dict[str, str]) -> None:
    where = " AND ".join(f"{name} = ?" for name in table.keys)
    keys = tuple(row[: len(table.keys)])
    fields = _CHECKED.get(table.name)
    stored = _checked_row(session, table, where, keys) if fields else {}
    changes = ", ".join(f"{column} = ?" for column in cleaned)
    session.run(f"UPDATE OR REPLACE {table.name} SET {changes} WHERE {where}", (*cleaned.values(), *keys))
    if fields and fields.match(stored.pop("checksum"), stored):  # a damaged row stays damaged
        places = tuple(cleaned.get(name, key) for name, key in zip(table.keys, keys, strict=True))
        left = _checked_row(session, table, where, places)
        del left["checksum"]
        session.run(f"UPDATE {table.name} SET checksum = ? WHERE {where}", (fields.checksum(left), *places))


def _checked_row(session: Session, table: _Table, where: str, keys: tuple[Any, ...]) -> dict[str, Any]:
    """Return the columns of a row that its checksum covers, and the checksum."""
    names = ("checksum", *_CHECKED[table.name].first)
    row = session.rows(f"SELECT {', '.join(names)} FROM {table.name} WHERE {where}", keys)[0]
    return dict(zip(names, row, strict=True))


def _loaders(store: Store) -> dict[str, Callable[[Session, list[int]], dict[int, Any]]]:
    return {
        "episode": store.episodes.load_many,
        "note": store.notes.load_many,
        "turn": store.turns.load_many,
        "decision": store.decisions.load_many,
    }


def _replace_document(store: Store, session: Session, redactor: Redactor, tainted: Tainted) -> None:
    """Rewrite a document with its checksums, and have it indexed again; a damaged one is redacted by column."""
    key = documents.find_keys(session, None, [tainted.id]).get(tainted.id)
    if key is None:
        return  # deleted since
    cleaned = redactor.clean(_loaders(store)[tainted.kind](session, [key]).get(key))
    if isinstance(cleaned, Episode):
        store.episodes.rewrite(session, key, cleaned)
    elif isinstance(cleaned, Note):
        store.notes.rewrite(session, key, cleaned)
    elif tainted.kind == "turn" and cleaned is not None:
        store.turns.rewrite(session, key, cleaned)
    else:
        documents.revise(session, key)
