"""This module restores a copy of a store that others may have open, and keeps what they wrote."""

import os
from collections.abc import Callable
from pathlib import Path

import msgspec

from memory_mcp.clock import Clock
from memory_mcp.errors import DamagedError, NewerSchemaError, NotAStoreError, StoreError
from memory_mcp.storage.copies import Copy, create, has_log, verify
from memory_mcp.storage.database import Database, Session
from memory_mcp.storage.leftovers import clear, unfinished
from memory_mcp.storage.migrations import MIGRATIONS, migrate, statements
from memory_mcp.storage.recognition import difference

_CHUNK = 1 << 20
_PATIENCE_S = 10.0
_HIGHEST = 1 << 53  # of a key or a sequence; SQLite refuses to go on behind 2^63 - 1
_DIMENSIONS = 65_536
_FLOAT_BYTES = 4
_COUNTED = ("documents", "changes")  # whose numbers are never given twice

Progress = Callable[[int, int], None]


def restore(store: Path, copy: Copy, directory: Path, clock: Clock, progress: Progress) -> Copy | None:
    """Replace a store's content by a copy, also while others have it open; return the before-restore copy.

    Returns None if nothing could be copied. An older copy is brought to the newest schema first. If the process is
    killed, the store is as it was or as the copy is.

    Raises:
        DamagedError: the copy is not what was written, or not a store of ours.
        NewerSchemaError: it is of a newer version.
        StoreError: the store could not be written; what was there is still there.

    """
    clear(store.parent, directory)
    with unfinished(directory) as scratch:
        _prepare(scratch, copy, clock)
        return _replace(store, scratch, directory, clock, progress)


def _prepare(scratch: Path, copy: Copy, clock: Clock) -> None:
    """Make a private file from a copy, check it there, and bring it to the newest schema."""
    _write_private(scratch, Path(copy.path))
    faults = verify(msgspec.structs.replace(copy, path=str(scratch))).faults
    if has_log(Path(copy.path)):
        faults = verify(copy).faults
    if faults:
        raise DamagedError(f"{copy.path} is no good: {'; '.join(faults)}; nothing was changed")
    prepared = Database(scratch, busy_timeout_s=_PATIENCE_S)
    try:
        newest = migrate(prepared, clock)
        with prepared.write() as session:
            odd = difference(session, statements(newest)) or _mend(session)
        if odd:
            raise DamagedError(f"{copy.path} is no good: {odd}; nothing was changed")
    except NewerSchemaError as error:
        newest = MIGRATIONS[-1].number
        raise NewerSchemaError(
            f"{copy.path} is of a newer memory-mcp, this one knows schemas up to {newest}; "
            "upgrade with 'pip install -U memory-mcp'"
        ) from error
    finally:
        prepared.close()


def _mend(session: Session) -> str | None:
    """Remove derived rows that do not fit, so that they are rebuilt; return what cannot be mended."""
    if _is_odd(session, "documents", "key"):
        return "its records have impossible numbers"
    rebuild = _is_odd(session, "changes", "sequence")
    session.run("DELETE FROM sqlite_sequence WHERE name IN ('documents', 'changes')")
    if rebuild:
        session.run("DELETE FROM changes")
        session.run("INSERT INTO changes (document_key, kind, id) SELECT key, kind, id FROM documents ORDER BY key")
        session.run("DELETE FROM sqlite_sequence WHERE name = 'changes'")
    session.run("INSERT INTO sqlite_sequence (name, seq) SELECT 'documents', coalesce(max(key), 0) FROM documents")
    session.run("INSERT INTO sqlite_sequence (name, seq) SELECT 'changes', coalesce(max(sequence), 0) FROM changes")
    head = "(SELECT coalesce(max(sequence), 0) FROM changes)"
    session.run(f"DELETE FROM followers WHERE typeof(followed) <> 'integer' OR followed NOT BETWEEN 0 AND {head}")
    session.run("DELETE FROM keywords_config WHERE k <> 'version'")
    session.run(
        "DELETE FROM vector_sets WHERE typeof(dimension) <> 'integer' OR dimension NOT BETWEEN 1 AND ?"
        f" OR typeof(followed) <> 'integer' OR followed NOT BETWEEN 0 AND {head}"
        " OR EXISTS (SELECT 1 FROM vectors v WHERE v.set_key = vector_sets.key"
        "  AND (typeof(v.vector) <> 'blob' OR length(v.vector) <> ? * vector_sets.dimension))",
        (_DIMENSIONS, _FLOAT_BYTES),
    )
    return None


def _is_odd(session: Session, table: str, column: str) -> bool:
    low, high = session.rows(f"SELECT min({column}), max({column}) FROM {table}")[0]
    counted = session.rows("SELECT seq FROM sqlite_sequence WHERE name = ?", (table,))
    counts = [value for value in (low, high) if value is not None]
    if table == "changes":
        counts += [row[0] for row in counted]
    return any(not isinstance(value, int) or not 0 <= value <= _HIGHEST for value in counts)


def _replace(store: Path, scratch: Path, directory: Path, clock: Clock, progress: Progress) -> Copy | None:
    """Replace a store by the prepared file; an unreadable store is moved aside as it is."""
    kept: Copy | None = None
    try:
        database = Database(store, busy_timeout_s=_PATIENCE_S)
    except (DamagedError, NotAStoreError):
        _install(store, scratch, clock, progress)
        return None

    def keep() -> None:
        nonlocal kept
        reader = Database(store, busy_timeout_s=_PATIENCE_S)
        try:
            if _holds_anything(reader):
                kept = create(reader, directory, clock, "before restore")
            _go_on_counting(reader, scratch)
        finally:
            reader.close()

    try:
        database.restore_from(scratch, progress, keep)
    finally:
        database.close()
    return kept


def _holds_anything(database: Database) -> bool:
    """Whether there is something to keep; called under the lock, so that no other process can begin a store."""
    try:
        with database.read() as session:
            return bool(session.value("SELECT count(*) FROM sqlite_schema"))
    except DamagedError:
        return True


def _go_on_counting(before: Database, scratch: Path) -> None:
    """Continue the numbers of changes and records after those already given: a cache may remember them."""
    try:
        with before.read() as session:
            if not session.value("SELECT 1 FROM sqlite_schema WHERE name = 'sqlite_sequence'"):
                return
            rows = session.rows("SELECT name, seq FROM sqlite_sequence")
    except DamagedError:  # perhaps the reason for the restore
        return
    counts = {name: seq for name, seq in rows if isinstance(seq, int) and 0 <= seq <= _HIGHEST}
    prepared = Database(scratch, busy_timeout_s=_PATIENCE_S)
    try:
        with prepared.write() as session:
            for name in _COUNTED:
                session.run(
                    "UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = ?", (int(counts.get(name, 0)), name)
                )
    finally:
        prepared.close()


def _install(store: Path, scratch: Path, clock: Clock, progress: Progress) -> None:
    """Move an unreadable file aside, and put a new one in its place in one rename."""
    with unfinished(store.parent) as fresh:
        database = Database(fresh, busy_timeout_s=_PATIENCE_S)
        try:
            database.restore_from(scratch, progress, lambda: None)
        finally:
            database.close()
        aside = store.with_name(f"{store.name}.damaged-{clock.now()}")
        try:
            for suffix in ("-wal", "-shm"):  # first, since SQLite would take them for the new file's
                side = store.with_name(store.name + suffix)
                if side.exists():
                    side.rename(aside.with_name(aside.name + suffix))
            os.link(store, aside)
            fresh.replace(store)
        except OSError as error:
            raise StoreError(f"{store} cannot be replaced: {error.strerror}") from error


def _write_private(target: Path, source: Path) -> None:
    try:
        with source.open("rb") as stream, os.fdopen(os.open(target, os.O_CREAT | os.O_WRONLY, 0o600), "wb") as out:
            while chunk := stream.read(_CHUNK):
                out.write(chunk)
    except OSError as error:
        raise StoreError(f"{source} cannot be copied to {target}: {error.strerror}; nothing was changed") from error
