"""This module opens connections to the database file: for writing, else for reading, else as immutable."""

import os
import time
from pathlib import Path
from typing import Any

import apsw

from memory_mcp.errors import NotAStoreError, StoreError, StoreFullError, StoreGoneError
from memory_mcp.storage.engine_errors import is_no_room
from memory_mcp.storage.open_file import OpenFile, immutable_uri

APPLICATION_ID = 0x4D454D31  # "MEM1", so that `file` and we recognise our own
RETRY_JITTER_S = 0.010  # with four saturating writers, half the worst case of SQLite's own back-off
_ROOM_BYTES = 1 << 20  # when this much more is free, a full disk is tried again
_CACHE_KIB = 2_048  # 8 MiB made no search faster at 100,000 records, and each thread has a connection


class Connector:
    """Opens connections of one kind: once one could only read, all others only read too."""

    def __init__(self, file: OpenFile, *, busy_timeout_s: float, synchronous: str) -> None:
        self._file = file
        self._path = file.path
        self._busy_timeout_s = busy_timeout_s
        self._synchronous = synchronous
        self.is_read_only = False
        self.full_since: tuple[int, float] | None = None  # free bytes when the disk was full, and the time

    def connect(self) -> apsw.Connection:
        """Open a connection with all our settings.

        Raises:
            NotAStoreError: the file is a database of something else.
            StoreError: changes that only the log holds would not be seen.

        """
        connection = self._open_file()
        connection.set_busy_handler(self._patience())
        try:
            self._recognise(connection)
            connection.config(apsw.SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0)  # another program may have written the schema
            connection.pragma("foreign_keys", "ON")
            connection.pragma("synchronous", self._synchronous)
            connection.pragma("cache_size", -_CACHE_KIB)
            connection.pragma("temp_store", "MEMORY")
            if not self.is_read_only:
                self._begin_log(connection)
        except (apsw.ReadOnlyError, apsw.CantOpenError, apsw.FullError, apsw.IOError) as error:
            is_full = is_no_room(error, connection.system_errno)
            connection.close()
            if self.is_read_only or not (is_full or isinstance(error, (apsw.ReadOnlyError, apsw.CantOpenError))):
                raise
            self.is_read_only = True
            self.full_since = (_free_bytes(self._path), time.monotonic()) if is_full else None
            return self.connect()
        return connection

    def _begin_log(self, connection: apsw.Connection) -> None:
        """Switch a new file to its write-ahead log; SQLite does not wait when others do so at the same moment."""
        deadline = time.monotonic() + self._busy_timeout_s
        while True:
            try:
                connection.pragma("journal_mode", "WAL")
            except apsw.BusyError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(RETRY_JITTER_S * (1 + os.urandom(1)[0] / 256))
            else:
                return

    def _open_file(self) -> apsw.Connection:
        """Open for writing, else for reading, else as an immutable file: a log needs room and a writable directory.

        Raises:
            StoreError: changes that only the log holds would not be seen.

        """
        writable = os.access(self._path, os.W_OK) and os.access(self._path.parent, os.W_OK)
        if writable and not self.is_read_only:
            return self._open_at_its_name(apsw.SQLITE_OPEN_READWRITE)
        self.is_read_only = True
        connection = self._open_at_its_name(apsw.SQLITE_OPEN_READONLY)
        try:
            connection.execute("SELECT count(*) FROM sqlite_schema").fetchall()
        except (apsw.CantOpenError, apsw.ReadOnlyError, apsw.FullError, apsw.IOError) as error:
            connection.close()
            if self._file.has_log:
                way = "free some space" if self.full_since else "make its directory writable"
                raise (StoreFullError if self.full_since else StoreError)(
                    f"{self._file.log} holds changes that cannot be read without {self._file.shared}, and that cannot "
                    f"be made; {way}"
                ) from error
            flags = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI
            return apsw.Connection(immutable_uri(self._path), flags=flags)
        return connection

    def _open_at_its_name(self, flags: int) -> apsw.Connection:
        """Open the file by the name that its log has; behind a link that took its place there would be another log.

        Raises:
            StoreGoneError: a link has taken its place.

        """
        try:
            return apsw.Connection(self._file.real, flags=flags | apsw.SQLITE_OPEN_NOFOLLOW)
        except apsw.CantOpenError as error:
            if getattr(error, "extendedresult", 0) != apsw.SQLITE_CANTOPEN_SYMLINK:
                raise
            raise StoreGoneError(f"{self._path} was moved while it was open; call again") from error

    def _recognise(self, connection: apsw.Connection) -> None:
        """Refuse a database of something else before anything in it is changed, its journal mode included."""
        tables = connection.execute("SELECT count(*) FROM sqlite_schema").fetchall()[0][0]
        if tables and connection.pragma("application_id") != APPLICATION_ID:
            connection.close()
            raise NotAStoreError(
                f"{self._path} is a database of something else; move it away, or point MEMORY_MCP_HOME somewhere else"
            )

    def _patience(self) -> Any:
        """Return a busy handler that sleeps with jitter until the deadline."""
        started = 0.0

        def wait(tries: int) -> bool:
            nonlocal started
            if tries == 0:
                started = time.monotonic()
            if time.monotonic() - started > self._busy_timeout_s:
                return False
            time.sleep(0.0005 + RETRY_JITTER_S * os.urandom(1)[0] / 256)  # jitter; `random` would cost a hook 2 ms
            return True

        return wait

    def may_have_room(self, after_s: float) -> bool:
        """Whether a full disk may have room again: more is free, another process writes, or `after_s` have passed."""
        if self.full_since is None:
            return False
        free, since = self.full_since
        is_roomier = _free_bytes(self._path) > free + _ROOM_BYTES
        return is_roomier or self._file.has_log or time.monotonic() > since + after_s


def _free_bytes(path: Path) -> int:
    """Return the free bytes on a file's disk, 0 if unknown; importing `shutil` would cost a hook 3 ms."""
    try:
        found = os.statvfs(path.parent)
    except (AttributeError, OSError):
        return 0
    return found.f_bavail * found.f_frsize


def engine_version() -> str:
    """Name the SQLite in use; the one of the standard library is another and must never open our file."""
    import sqlite3  # noqa: PLC0415 - 2 ms for a number that only health and doctor show

    return f"{apsw.sqlite_lib_version()} (standard library: {sqlite3.sqlite_version}, not used)"
