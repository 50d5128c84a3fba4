"""This module turns the database engine's errors into ours: one sentence each."""

import errno
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw

from memory_mcp.errors import (
    BusyError,
    ConflictError,
    DamagedError,
    IndexDamagedError,
    NotAStoreError,
    ReadOnlyStoreError,
    StoreError,
    StoreFullError,
    StoreGoneError,
)

_NO_ROOM = {errno.ENOSPC, errno.EFBIG, errno.EDQUOT}


@contextmanager
def translated(path: Path, busy_sentence: Callable[[], str], system_errno: Callable[[], int]) -> Iterator[None]:
    """Turn the engine's errors into ours; `system_errno` returns the connection's last system error."""
    try:
        yield
    except (apsw.BusyError, apsw.LockedError) as error:
        raise BusyError(busy_sentence()) from error
    except apsw.Error as error:
        ours = _damage(error, path) or _refusal(error, path, system_errno())
        if ours is None:
            raise
        raise ours from error


def _damage(error: apsw.Error, path: Path) -> StoreError | None:
    """Return the error for damaged or foreign content, or None."""
    match error:
        case apsw.NotADBError():
            return NotAStoreError(f"{path} is not a database; move it away, or point MEMORY_MCP_HOME somewhere else")
        case apsw.CorruptError():
            return DamagedError(
                f"{path} is damaged ({error}); restore a copy, or save what is left with 'sqlite3 FILE .recover'"
            )
        case apsw.SQLError() if "fts5" in str(error) or "keyword" in str(error):
            return IndexDamagedError("keywords", str(error))  # a trigger could not open the keyword index
        case apsw.ConstraintError():
            return ConflictError(
                f"another process has stored the same record in {path} meanwhile; "
                "nothing of this change was kept, run it again"
            )
    return None


def _refusal(error: apsw.Error, path: Path, system_errno: int) -> StoreError | None:
    """Return the error for a file that cannot be used just now, or None."""
    if is_no_room(error, system_errno):
        return StoreFullError(
            f"no room left for {path}; nothing of this change was kept, free some space and repeat it"
        )
    match error:
        case apsw.ConnectionClosedError():
            return StoreGoneError(f"{path} was closed meanwhile; nothing of this change was kept")
        case apsw.ReadOnlyError() if _extended(error) == apsw.SQLITE_READONLY_DBMOVED:
            return StoreGoneError(f"{path} was deleted, moved or replaced while it was open; call again")
        case apsw.ReadOnlyError():
            return ReadOnlyStoreError(f"{path} cannot be written; check its permissions")
        case apsw.CantOpenError() | apsw.IOError() | apsw.PermissionsError() | apsw.AuthError():
            return StoreError(f"{path} cannot be used: {error}")
    return None


def _extended(error: apsw.Error) -> int:
    return int(getattr(error, "extendedresult", 0))  # the stubs do not know it


@contextmanager
def derived(part: str) -> Iterator[None]:
    """Raise damage met inside as IndexDamagedError of a derived part; FTS5 reports its damage in many ways."""
    try:
        yield
    except (apsw.CorruptError, apsw.ConstraintError, TypeError, ValueError) as error:  # the last two: another type
        raise IndexDamagedError(part, str(error)) from error
    except apsw.SQLError as error:
        if "syntax error" in str(error):
            raise
        raise IndexDamagedError(part, str(error)) from error


def is_damage(error: DamagedError) -> bool:
    """Whether the engine found the damage, which may lie in a derived table; a failed checksum is a record's."""
    return isinstance(error, IndexDamagedError) or isinstance(error.__cause__, apsw.CorruptError)


def is_no_room(error: apsw.Error, system_errno: int) -> bool:
    """Whether the system refused to write because a disk, a quota or a limit of file sizes is exhausted."""
    if isinstance(error, apsw.FullError) or _extended(error) == apsw.SQLITE_IOERR_SHMSIZE:
        return True
    return isinstance(error, (apsw.IOError, apsw.CantOpenError)) and system_errno in _NO_ROOM
