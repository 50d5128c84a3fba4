"""This module reads SQLite files of other programs, trusts nothing in them and writes nothing beside them."""

import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import apsw

from memory_mcp.errors import ImporterError

_MOST_ROWS = 5_000_000  # of one query
_LARGEST_VALUE = 64_000_000  # bytes
_LARGEST_ROW = 200_000_000
_STEPS_A_CALL = 1_000  # of SQLite's virtual machine, between two checks of the limit
_MOST_CALLS = 1_000_000
_PATIENCE_S = 120.0  # until the next row, since an index may be computed by a function that takes long
_LARGEST_COPY = 4_000_000_000
_SHOWN = 200


class Foreign:
    """A file of another program, open for reading."""

    def __init__(self, connection: apsw.Connection, path: Path) -> None:
        self._connection = connection
        self._path = path
        self._encoding = str(connection.pragma("encoding")).lower()
        self._calls = 0
        self._deadline = time.monotonic() + _PATIENCE_S
        self._checked: set[str] = set()
        connection.set_progress_handler(self._is_too_long, _STEPS_A_CALL)

    def columns(self, table: str) -> frozenset[str]:
        """Return the names of a table's columns, none if there is no such table; a view does not count."""
        self._calls, self._deadline = 0, time.monotonic() + _PATIENCE_S
        kinds = self._connection.execute(
            "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND lower(name) = ? AND rootpage > 0", (table,)
        ).fetchall()
        if not kinds:
            return frozenset()
        rows = self._connection.execute("SELECT CAST(name AS BLOB) FROM pragma_table_info(?)", (table,)).fetchall()
        return frozenset(str(self._plain(row[0])) for row in rows)

    def rows(
        self, table: str, wanted: Sequence[str], order: Sequence[str], where: tuple[str, Any] | None = None
    ) -> Iterator[dict[str, Any]]:
        """Yield the rows of a table with those of the wanted columns that it has; the others are None.

        A value is a number or a text, whatever else it is in the file; one that is too large is None.

        Raises:
            ImporterError: there is no such table, or it cannot be read.

        """
        try:
            there = self.columns(table)
            if not there:
                raise ImporterError(f"{self._path} has no table {table}; is it the right file?")
            self._check_pages(table)
            chosen = [name for name in wanted if name in there]
            found = self._connection.execute(*_query(table, chosen, [name for name in order if name in there], where))
            for number, row in enumerate(found):
                if number == _MOST_ROWS:
                    raise ImporterError(f"{self._path} has more than {_MOST_ROWS} rows in {table}; those were read")
                yield {**dict.fromkeys(wanted), **dict(zip(chosen, map(self._plain, row), strict=True))}
                self._deadline = time.monotonic() + _PATIENCE_S
        except apsw.InterruptError as error:
            raise ImporterError(f"{self._path} cannot be read: its table {table} takes too long") from error
        except apsw.Error as error:
            raise ImporterError(f"{self._path} cannot be read: {error}") from error

    def _check_pages(self, table: str) -> None:
        """Refuse a table that contains a page twice: its rows would never end."""
        if table in self._checked:
            return
        self._checked.add(table)
        (found,) = self._connection.execute(f"PRAGMA quick_check('{table}')").fetchone() or ("ok",)
        if str(found).startswith("***"):  # its other findings concern values
            raise ImporterError(f"{self._path} is damaged: {' '.join(str(found).split())[:_SHOWN]}")

    def _plain(self, value: Any) -> Any:
        return value.decode(self._encoding, "replace") if isinstance(value, bytes) else value

    def _is_too_long(self) -> bool:
        self._calls += 1
        return self._calls > _MOST_CALLS or time.monotonic() > self._deadline


@contextmanager
def opened(path: Path) -> Iterator[Foreign]:
    """Open a file of another program for reading.

    While its program runs, SQLite notes readers in the `-shm` file that lies there already; otherwise nothing is
    written beside it: a log without its `-shm` file, which SQLite would have to make, is read in a copy.

    Raises:
        ImporterError: it is not there, no SQLite database, or changed while it was read.

    """
    before = _told(path)
    try:
        with _safe_address(path) as address:
            connection = apsw.Connection(address, flags=apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI)
            try:
                _distrust(connection)
                connection.execute("SELECT count(*) FROM sqlite_schema").fetchall()
                yield Foreign(connection, path)
            finally:
                connection.close()
            if address.endswith("immutable=1") and _told(path) != before:
                raise ImporterError(f"{path} changed while it was read; what was read is kept, import it again")
    except apsw.Error as error:
        raise ImporterError(f"{path} is no SQLite database that can be read: {error}") from error


def _told(path: Path) -> tuple[int, ...]:
    try:
        told = path.stat()
    except (OSError, ValueError) as error:
        raise ImporterError(f"{path} is not a file: {getattr(error, 'strerror', None) or error}") from error
    if not stat.S_ISREG(told.st_mode):
        raise ImporterError(f"{path} is not a file")
    return told.st_dev, told.st_ino, told.st_size, told.st_mtime_ns


@contextmanager
def _safe_address(path: Path) -> Iterator[str]:
    """Yield the URI by which SQLite reads a file without creating another one beside it."""
    real = Path(os.path.realpath(path))
    log, shared, journal = (real.with_name(real.name + suffix) for suffix in ("-wal", "-shm", "-journal"))
    if _is_filled(journal) or (_is_filled(log) and shared.exists()):
        yield f"{real.as_uri()}?mode=ro"
    elif not _is_filled(log):
        yield f"{real.as_uri()}?mode=ro&immutable=1"
    else:
        if real.stat().st_size + log.stat().st_size > _LARGEST_COPY:
            raise ImporterError(f"{path} has a write-ahead log; open it once with its own program, then import it")
        with tempfile.TemporaryDirectory(prefix="memory-mcp-") as scratch:
            copy = Path(scratch) / "copy.db"
            try:
                shutil.copyfile(real, copy)
                shutil.copyfile(log, copy.with_name("copy.db-wal"))
            except OSError as error:
                raise ImporterError(f"{path} cannot be copied: {error.strerror}") from error
            yield f"{copy.as_uri()}?mode=ro"


def _is_filled(path: Path) -> bool:
    try:
        told = path.stat()
    except OSError:
        return False
    if not stat.S_ISREG(told.st_mode):
        raise ImporterError(f"{path} is not a regular file")
    return told.st_size > 0


def _distrust(connection: apsw.Connection) -> None:
    """Switch off everything that a file could do besides holding rows."""
    connection.set_busy_timeout(5_000)
    for switch, on in (
        (apsw.SQLITE_DBCONFIG_DEFENSIVE, 1),
        (apsw.SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0),
        (apsw.SQLITE_DBCONFIG_ENABLE_VIEW, 0),
        (apsw.SQLITE_DBCONFIG_ENABLE_TRIGGER, 0),
        (apsw.SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0),
    ):
        connection.config(switch, on)
    connection.pragma("trusted_schema", "OFF")
    connection.pragma("cell_size_check", "ON")
    connection.pragma("query_only", "ON")
    connection.pragma("ignore_check_constraints", "ON")
    connection.pragma("mmap_size", 0)
    connection.limit(apsw.SQLITE_LIMIT_LENGTH, _LARGEST_ROW)


def _query(
    table: str, columns: Sequence[str], order: Sequence[str], where: tuple[str, Any] | None
) -> tuple[str, tuple[Any, ...]]:
    """Return the query; it reads texts as bytes, since they may not be in the file's encoding."""
    shown = ", ".join(
        f'CASE WHEN octet_length("{name}") > {_LARGEST_VALUE} THEN NULL'
        f' WHEN typeof("{name}") = \'text\' THEN CAST("{name}" AS BLOB) ELSE "{name}" END'
        for name in columns
    )
    condition = f' WHERE "{where[0]}" = ?' if where else ""
    names = ", ".join(f'"{name}"' for name in order)
    sorting = f" ORDER BY {names}" if order else ""
    sql = f'SELECT {shown or "NULL"} FROM "{table}"{condition}{sorting} LIMIT {_MOST_ROWS + 1}'
    return sql, (where[1],) if where else ()
