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
    """Turn the engine's errors into ours; `system_errno` tells why the system refused the connection last."""
    try:
        yield
    except (apsw.BusyError, apsw.LockedError) as error:
        raise BusyError(busy_sentence()) from error
    except apsw.ConnectionClosedError as error:
        raise StoreGoneError(f"{path} was closed meanwhile; nothing of this change was kept") from error
    except apsw.ConstraintError as error:
        raise ConflictError(
            f"another process has stored the same record in {path} meanwhile; "
            "nothing of this change was kept, run it again"
        ) from error
    except apsw.NotADBError as error:
        raise NotAStoreError(
            f"{path} is not a database; move it away, or point MEMORY_MCP_HOME somewhere else"
        ) from error
    except apsw.FullError as error:
        raise StoreFullError(_full(path)) from error
    except apsw.ReadOnlyError as error:
        if error.extendedresult == apsw.SQLITE_READONLY_DBMOVED:
            raise StoreGoneError(f"{path} was deleted, moved or replaced while it was open; call again") from error
        raise ReadOnlyStoreError(f"{path} cannot be written; check its permissions") from error
    except apsw.CorruptError as error:
        raise DamagedError(
            f"{path} is damaged ({error}); restore a copy, or save what is left with 'sqlite3 FILE .recover'"
        ) from error
    except apsw.SQLError as error:
        if "fts5" in str(error) or "keyword" in str(error):  # a trigger met a keyword index that cannot be opened
            raise IndexDamagedError("keywords", str(error)) from error
        raise
    except (apsw.CantOpenError, apsw.IOError, apsw.PermissionsError, apsw.AuthError) as error:
        if is_no_room(error, system_errno()):
            raise StoreFullError(_full(path)) from error
        raise StoreError(f"{path} cannot be used: {error}") from error


@contextmanager
def derived(part: str) -> Iterator[None]:
    """Tell damage of what is derived from damage of the records; FTS5 reports its own in many ways."""
    try:
        yield
    except (apsw.CorruptError, apsw.ConstraintError, TypeError, ValueError) as error:  # the last two: another type
        raise IndexDamagedError(part, str(error)) from error
    except apsw.SQLError as error:
        if "syntax error" in str(error):
            raise
        raise IndexDamagedError(part, str(error)) from error


def is_damage(error: DamagedError) -> bool:
    """Whether the engine met damage, which may lie in what is derived; a record that fails its checksum does not."""
    return isinstance(error, IndexDamagedError) or isinstance(error.__cause__, apsw.CorruptError)


def is_no_room(error: apsw.Error, system_errno: int) -> bool:
    """Whether the system refused to write because a disk, a quota or a limit of file sizes is exhausted."""
    if isinstance(error, apsw.FullError) or error.extendedresult == apsw.SQLITE_IOERR_SHMSIZE:
        return True
    return isinstance(error, (apsw.IOError, apsw.CantOpenError)) and system_errno in _NO_ROOM


def _full(path: Path) -> str:
    return f"no room left for {path}; nothing of this change was kept, free some space and repeat it"
