"""This module folds a log that was left at a former name of a database, so that no commit in it is lost.

SQLite follows links and looks for the log beside the file that they lead to. When an open database is moved and a link
takes its place, the log stays beside the link, where SQLite never looks.
"""

import os
import time
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, NamedTuple

import apsw

from memory_mcp.errors import StoreError, StrayLogError
from memory_mcp.storage.connecting import APPLICATION_ID, RETRY_JITTER_S
from memory_mcp.storage.creating import links, remove, size_of
from memory_mcp.storage.leftovers import unfinished
from memory_mcp.storage.open_file import Content, content_of


def fold(path: Path, busy_timeout_s: float) -> None:
    """Fold the logs beside the links of a path into the file that they lead to, and remove them.

    A process that still has the file open under its former name goes on safely: it shares the locks.

    Raises:
        StrayLogError: a log belongs to another file, or cannot be folded now.

    """
    real = os.path.realpath(path)
    deadline = time.monotonic() + busy_timeout_s
    for name in links(path):
        while os.path.lexists(f"{name}-wal") or os.path.lexists(f"{name}-shm"):
            if _fold_one(name, real, deadline):
                break
            time.sleep(RETRY_JITTER_S * (1 + os.urandom(1)[0] / 256))


def _fold_one(name: str, real: str, deadline: float) -> bool:
    """Fold one log; return False if others use it and there is time to try again.

    Raises:
        StrayLogError: the log belongs to another file, or cannot be folded now.

    """
    log, shared = f"{name}-wal", f"{name}-shm"
    has_log = size_of(f"{real}-wal") > 0  # looked at first: another process may fold just now, and use that log next
    is_held = size_of(log) > 0
    if is_held and has_log:
        raise StrayLogError(
            f"{log} and {real}-wal both hold changes of {real}; end what has it open, and move one of them away to go "
            "on without its changes"
        )
    try:
        with unfinished(Path(real).parent) as scratch:
            for source in (log, shared):
                _make(source)
            for ending, source in (("-wal", log), ("-shm", shared), ("", real)):
                os.link(source, f"{scratch}{ending}")
            _checkpoint(scratch, log, real, is_held=is_held)
    except StrayLogError:
        raise
    except (OSError, StoreError, apsw.Error) as error:
        if isinstance(error, (apsw.BusyError, FileNotFoundError)) and time.monotonic() < deadline:
            return False  # another process folds it, or has just removed it
        if is_held or isinstance(error, apsw.Error):  # a process may be writing to an empty log
            reason = error.strerror if isinstance(error, OSError) else error
            raise StrayLogError(
                f"{log} holds changes of {real} that cannot be brought into it ({reason}); end what has it open, and "
                f"try again or move that log to {real}-wal"
            ) from error
    else:
        remove(log, shared)
    return True


def _checkpoint(scratch: Path, log: str, real: str, *, is_held: bool) -> None:
    """Fold the log through a name at which the file, the log and its shared memory lie side by side.

    Raises:
        StrayLogError: the log belongs to another file.

    """
    with closing(apsw.Connection(str(scratch), flags=apsw.SQLITE_OPEN_READWRITE)) as connection:
        if not is_held:
            connection.execute("SELECT count(*) FROM sqlite_schema").fetchall()  # SQLite opens the log when it reads
        elif not _fits(connection, real):
            connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
            raise StrayLogError(
                f"{log} holds changes of another file than {real}; put it beside the file that it belongs to, or move "
                "it away"
            )
        connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
    if size_of(log):  # SQLite does not read the log of a file that says that it has none
        raise StrayLogError(f"{log} holds changes of another file than {real}; move it away")


def _fits(connection: apsw.Connection, real: str) -> bool:
    """Whether a file and its log make one whole store, and the log goes on where the file ends."""
    if not size_of(real):  # SQLite would remove the log
        return False
    on_disk = _read_disk(real)
    try:
        connection.execute("BEGIN").fetchall()
        if content_of(connection) is None or connection.pragma("application_id") != APPLICATION_ID:
            return False
        if on_disk is not None and not _goes_on(connection, on_disk):
            return False
        found = connection.execute("PRAGMA quick_check").fetchall()
    except (apsw.CorruptError, apsw.NotADBError, apsw.SQLError):
        return False
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK").fetchall()
    return all(line == "ok" or "inverted index" in str(line) for (line,) in found)  # an index can be rebuilt


class _State(NamedTuple):
    """What a file holds without its log."""

    content: Content
    newest: tuple[Any, ...]  # the row of its last change
    schema: int


def _state_of(connection: apsw.Connection, head: int | None = None) -> _State:
    """Read the state at the last change, or at an earlier one; a file without a store has no content."""
    content = content_of(connection)
    schema = int(connection.pragma("schema_version"))
    if content is None:
        return _State(Content(None, 0), (), schema)
    content = content if head is None else Content(content.began_at, head)
    row = "SELECT document_key, kind, id, is_deletion FROM changes WHERE sequence = ?"
    return _State(content, tuple(connection.execute(row, (content.head,)).fetchall()), schema)


def _goes_on(connection: apsw.Connection, on_disk: _State) -> bool:
    """Whether the log holds each change after the file's last one, and nothing else has changed the file since."""
    if on_disk.content.began_at is None:
        return on_disk.schema == 0  # the log holds the whole store
    told = _state_of(connection, on_disk.content.head)
    if (told.content, told.newest) != (on_disk.content, on_disk.newest) or told.schema < on_disk.schema:
        return False
    count = "SELECT count(*) = coalesce(max(sequence), ?1) - ?1 FROM changes WHERE sequence > ?1"
    return bool(connection.execute(count, (told.content.head,)).get)


def _read_disk(real: str) -> _State | None:
    """Read the file without its log; None if it cannot be read, as in the middle of a checkpoint."""
    flags = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI
    with suppress(apsw.Error), closing(apsw.Connection(f"{Path(real).as_uri()}?immutable=1", flags=flags)) as reader:
        return _state_of(reader)
    return None


def _make(name: str) -> None:
    """Make an absent side file, so that all who fold at the same time share it; one that exists may hold locks."""
    with suppress(FileExistsError):
        os.close(os.open(name, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
