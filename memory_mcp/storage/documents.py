"""This module holds what every kind of document shares: the project wall, revisions, tags, receipts and audit rows."""

import contextlib
from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import Struct

from memory_mcp.clock import Clock
from memory_mcp.errors import BusyError, IllegalMoveError, NotFoundError, ReadOnlyStoreError, StoreFullError
from memory_mcp.models.episodes import Source
from memory_mcp.models.receipts import Receipt
from memory_mcp.models.values import written
from memory_mcp.models.voices import Door, Voice, lowest, voice_of
from memory_mcp.redaction.redactor import Redactor
from memory_mcp.storage.database import Database, Session


class Wall(Struct, frozen=True):
    """The one place that says what an open store may see and change; `base` is what a branch's layer lies on."""

    project_key: int
    project: str
    base_key: int | None = None
    base: str = ""

    @property
    def keys(self) -> tuple[int, ...]:
        """The project's key; of a branch's layer, and of the project below it."""
        return (self.project_key,) if self.base_key is None else (self.project_key, self.base_key)

    @property
    def among(self) -> str:
        """The keys as SQL writes a list."""
        return f"({', '.join(map(str, self.keys))})"

    def visible(self, alias: str = "d") -> str:
        """Return the condition that a document is of this project or global."""
        return f"({alias}.project_key IN {self.among} OR {alias}.is_global)"

    def holds(self, project: str) -> bool:
        """Whether a project, by its name, lies behind this wall."""
        return project in {self.project, self.base}


class Writer(Struct, frozen=True):
    """Who writes, behind which wall, by which clock; and what replaces the secrets in whatever is written."""

    wall: Wall
    clock: Clock
    actor: str
    redactor: Redactor

    def door(self, source: Source | None) -> Door:
        """Return the door through which a record with this source comes."""
        return Door(self.actor, source.kind, source.id) if source else Door(self.actor)


class NewDocument(Struct, frozen=True):
    """Identity of a record that is about to be inserted."""

    id: str
    kind: str
    created_at: int
    tags: tuple[str, ...]
    is_global: bool
    source: Source | None
    voice: Voice


class Listed(Struct, frozen=True):
    """A kind of record, and the table that its conditions look at, joined to documents `d`."""

    kind: str
    joined: str


def insert(session: Session, writer: Writer, document: NewDocument) -> int:
    """Insert the identity and tags of a record and return its key."""
    key = session.insert(
        "INSERT INTO documents (id, kind, project_key, is_global, created_at, voice, source_kind, source_id, author)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            document.id,
            document.kind,
            writer.wall.project_key,
            int(document.is_global),
            document.created_at,
            document.voice,
            writer.redactor.text(document.source.kind) if document.source else None,
            writer.redactor.name(document.source.id) if document.source else None,
            writer.redactor.text(document.source.author) if document.source else "",
        ),
    )
    add_tags(session, key, document.tags)
    return key


def locate(session: Session, writer: Writer, kind: str, document_id: str) -> int:
    """Return the key of a record of this project that is about to change.

    Raises:
        NotFoundError: this project cannot see such a record.
        IllegalMoveError: it is global and belongs to another project.

    """
    found = session.row(
        f"SELECT d.key, d.project_key, p.name FROM documents d JOIN projects p ON p.key = d.project_key"
        f" WHERE d.id = ? AND d.kind = ? AND {writer.wall.visible()}",
        (document_id, kind),
    )
    if found is None:
        raise NotFoundError(f"no {kind} {document_id} in project {writer.wall.project}")
    if found[1] not in writer.wall.keys:
        raise IllegalMoveError(f"{kind} {document_id} is global and belongs to project {found[2]}; change it there")
    return int(found[0])


def find_keys(session: Session, wall: Wall | None, ids: Iterable[str]) -> dict[str, int]:
    """Map the ids of visible records, or without a wall of all, to their keys; unknown ids are left out."""
    rows = session.rows(
        "SELECT d.id, d.key FROM documents d WHERE d.id IN (SELECT value FROM json_each(?))"
        f" AND {wall.visible() if wall else 'TRUE'}",
        (written(list(ids)),),
    )
    return {row[0]: int(row[1]) for row in rows}


def newest_keys(
    session: Session, wall: Wall, source: Listed, conditions: Sequence[str], bindings: dict[str, Any]
) -> list[int]:
    """Return the keys of one page of visible records, newest first; bindings name the limit, and where a page begins.

    Each side of the wall is read along its own index: a page costs the same however many records there are.
    """
    sides = (*(f"d.project_key = {key}" for key in wall.keys), f"d.is_global AND d.project_key NOT IN {wall.among}")
    where = " AND ".join([f"d.kind = '{source.kind}'", *conditions])
    order = "ORDER BY d.created_at DESC, d.key DESC LIMIT :limit"
    pages = [
        f"SELECT * FROM (SELECT d.key AS key, d.created_at AS at FROM documents d CROSS JOIN {source.joined}"
        f" WHERE {side} AND {where} {order})"
        for side in sides
    ]
    rows = session.rows(f"{' UNION ALL '.join(pages)} ORDER BY at DESC, key DESC LIMIT :limit", bindings)
    return [row[0] for row in rows]


def revise(session: Session, key: int) -> None:
    """Mark a record as changed, which also writes its change row."""
    session.run("UPDATE documents SET revision = revision + 1 WHERE key = ?", (key,))


def lower_voice(session: Session, writer: Writer, key: int) -> None:
    """Make a changed record the word of who changed it, unless it was of a lower voice before."""
    voice, kind, source_id = session.rows("SELECT voice, source_kind, source_id FROM documents WHERE key = ?", (key,))[
        0
    ]
    own = voice_of(Door(writer.actor, kind or "", source_id or ""))
    session.run("UPDATE documents SET voice = ? WHERE key = ?", (lowest((voice, own)), key))


def add_tags(session: Session, key: int, tags: Iterable[str]) -> None:
    """Attach tags that are not there yet."""
    session.run_many("INSERT OR IGNORE INTO tags (document_key, tag) VALUES (?, ?)", [(key, tag) for tag in tags])


def replace_tags(session: Session, key: int, tags: Iterable[str]) -> None:
    """Make these the tags of a record."""
    session.run("DELETE FROM tags WHERE document_key = ?", (key,))
    add_tags(session, key, tags)


def tags_of(session: Session, keys: Sequence[int]) -> dict[int, tuple[str, ...]]:
    """Return the sorted tags of each record that has any."""
    found: dict[int, list[str]] = {}
    for key, tag in session.rows(
        "SELECT document_key, tag FROM tags WHERE document_key IN (SELECT value FROM json_each(?)) ORDER BY tag",
        (keys_json(keys),),
    ):
        found.setdefault(key, []).append(tag)
    return {key: tuple(tags) for key, tags in found.items()}


def texts_json(texts: Iterable[str]) -> str:
    """Pass a list of texts as one bound parameter."""
    return written(list(texts))


def keys_json(keys: Iterable[int]) -> str:
    """Pass a list of keys as one bound parameter."""
    return written([int(key) for key in keys])


def seal(session: Session, writer: Writer, action: str, document_id: str) -> Receipt:
    """Write the audit row of the change just made and return its receipt; call it last in the transaction."""
    return Receipt(id=document_id, sequence=note(session, writer, action, document_id))


def note(session: Session, writer: Writer, action: str, document_id: str) -> int:
    """Write an audit row for a change that revises no document, and return the newest sequence."""
    sequence = int(session.value("SELECT max(sequence) FROM changes") or 0)
    session.run(
        "INSERT INTO audit_events (at, project_key, actor, action, document_id, sequence) VALUES (?, ?, ?, ?, ?, ?)",
        (
            *(writer.clock.now(), writer.wall.project_key, writer.redactor.text(writer.actor)),
            *(writer.redactor.text(action), document_id, sequence),
        ),
    )
    return sequence


def delete(session: Session, writer: Writer, kind: str, document_id: str) -> Receipt:
    """Remove a record from every table and index; only the audit row and the change row remain."""
    key = locate(session, writer, kind, document_id)
    session.run("DELETE FROM documents WHERE key = ?", (key,))
    return seal(session, writer, "delete", document_id)


def mark_damaged(session: Session, clock: Clock, reasons: dict[int, str]) -> None:
    """Set damaged records aside, with the reason, until somebody looks at them."""
    session.run_many(
        "INSERT OR IGNORE INTO damaged (document_key, reason, found_at) VALUES (?, ?, ?)",
        [(key, reason, clock.now()) for key, reason in reasons.items()],
    )


def set_aside(database: Database, clock: Clock, reasons: dict[int, str]) -> None:
    """Mark damaged records of a listing if the store can be written; otherwise the next listing does it."""
    if reasons and not database.is_read_only:
        with contextlib.suppress(BusyError, ReadOnlyStoreError, StoreFullError), database.write() as session:
            mark_damaged(session, clock, reasons)


def existing_sources(session: Session, wall: Wall, kind: str) -> dict[str, str]:
    """Map source ids of one kind, as they are stored, to the ids of what came from them."""
    among = wall.among
    if not Source(kind, "").is_imported:  # an agent's session is recorded once, on whatever branch that was
        base = wall.project_key if wall.base_key is None else wall.base_key
        among = f"(SELECT key FROM projects WHERE key = {base} OR parent_key = {base})"
    rows: list[tuple[Any, ...]] = session.rows(
        f"SELECT source_id, id FROM documents WHERE project_key IN {among} AND source_kind = ?", (kind,)
    )
    return dict(rows)


def steps_by_source(session: Session, wall: Wall, kind: str) -> dict[str, int]:
    """Map source ids of one kind, as they are stored, to the number of steps of the episodes imported from them."""
    rows: list[tuple[Any, ...]] = session.rows(
        "SELECT d.source_id, e.step_count FROM documents d JOIN episodes e ON e.key = d.key"
        f" WHERE d.project_key IN {wall.among} AND d.source_kind = ?",
        (kind,),
    )
    return dict(rows)
