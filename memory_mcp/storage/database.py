"""This module opens the database file and runs transactions; `apsw` is known here only."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import apsw

from memory_mcp.errors import (
    BusyError,
    DamagedError,
    IndexMendedError,
    InvalidInputError,
    ReadOnlyStoreError,
    StoreFullError,
    StoreGoneError,
)
from memory_mcp.storage.connecting import Connector
from memory_mcp.storage.creating import create_file
from memory_mcp.storage.engine_errors import is_damage, translated
from memory_mcp.storage.guard import Guard
from memory_mcp.storage.open_file import OpenFile
from memory_mcp.storage.pool import Pool

Row = tuple[Any, ...]


class Version(NamedTuple):
    """What changes whenever the database does, as one thread's connection sees it; the default equals none."""

    connection: int = 0
    others: int = -1
    own: int = -1


_READ, _WRITE = "BEGIN", "BEGIN IMMEDIATE"
_NO_VERSION = Version(-1)  # for a file that cannot be read: matches no record, and the next statement raises the reason


class Session:
    """One transaction on one connection; every query is fetched whole, since a kept cursor freezes the snapshot."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection

    def rows(self, sql: str, bindings: Sequence[Any] | dict[str, Any] = ()) -> list[Row]:
        """Run a statement and fetch all its rows.

        Raises:
            InvalidInputError: no column can hold a value.

        """
        try:
            return self._connection.execute(sql, bindings).fetchall()
        except (OverflowError, UnicodeEncodeError) as error:  # ids arrive unchecked
            raise InvalidInputError(
                f"a number of more than 64 bits or a text that is not valid Unicode cannot be looked up: {error}"
            ) from error

    def row(self, sql: str, bindings: Sequence[Any] | dict[str, Any] = ()) -> Row | None:
        """Fetch the first row, or None."""
        found = self.rows(sql, bindings)
        return found[0] if found else None

    def value(self, sql: str, bindings: Sequence[Any] | dict[str, Any] = ()) -> Any:
        """Fetch the first column of the first row, or None without a row."""
        found = self.row(sql, bindings)
        return found[0] if found else None

    def run(self, sql: str, bindings: Sequence[Any] | dict[str, Any] = ()) -> int:
        """Run a statement and return how many rows it changed."""
        self.rows(sql, bindings)
        return int(self._connection.changes())

    def run_many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        """Run one statement for many rows of bindings."""
        self._connection.executemany(sql, rows).fetchall()

    def insert(self, sql: str, bindings: Sequence[Any]) -> int:
        """Run an INSERT and return its rowid."""
        self.rows(sql, bindings)
        return int(self._connection.last_insert_rowid())

    def stem(self, text: str) -> list[str]:
        """Cut text into the tokens that the keyword index uses (`porter unicode61`)."""
        tokenizer = self._connection.fts5_tokenizer("porter", ["unicode61"])
        cut = tokenizer(text.encode(), apsw.FTS5_TOKENIZE_QUERY, None, include_offsets=False)
        return [str(token) for tokens in cut for token in tokens]


class Database:
    """A file opened with one connection per thread; writes of this process queue in front of SQLite's own lock."""

    def __init__(self, path: Path, *, busy_timeout_s: float, synchronous: str = "NORMAL") -> None:
        self.path = path
        self._busy_timeout_s = busy_timeout_s
        self._writing = threading.Lock()
        self._commits = 0
        self.mend: Callable[[DamagedError], bool] | None = None  # mends derived tables, if they are the cause
        create_file(path)
        if path.is_symlink():
            _fold_stray_logs(path, busy_timeout_s)
        file = OpenFile(path)
        self._connector = Connector(file, busy_timeout_s=busy_timeout_s, synchronous=synchronous)
        self._pool = Pool(self._connector.connect)
        self.guard = Guard(file, self._connector, self._pool, busy_timeout_s)
        with self._translated():
            self._pool.own()

    @property
    def is_read_only(self) -> bool:
        """Whether nothing can be recorded."""
        return self._connector.is_read_only

    @property
    def is_full(self) -> bool:
        """Whether the file is read-only because the disk is full."""
        return self._connector.full_since is not None

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Open a transaction that sees one snapshot."""
        yield from self._transaction(_READ)

    @contextmanager
    def write(self) -> Iterator[Session]:
        """Open a transaction that holds the write lock from its first statement; it commits on leaving.

        Raises:
            BusyError: another process held the lock until the deadline.
            IndexMendedError: a derived table that triggers write to was damaged, and is mended now.
            ReadOnlyStoreError: the file cannot be written.
            StoreFullError: the disk is full; nothing of this transaction remains.

        """
        if self.is_full:
            raise StoreFullError(f"no room left for {self.path}, which can only be read; free some space and repeat it")
        if self.is_read_only:
            raise ReadOnlyStoreError(f"{self.path} is read-only; make it and its directory writable to record anything")
        try:
            yield from self._write()
        except DamagedError as error:
            mend, self.mend = self.mend, None
            try:
                if mend is None or not is_damage(error) or not mend(error):
                    raise
            finally:
                self.mend = mend
            raise IndexMendedError(
                f"the index in {self.path} was damaged and is being rebuilt; nothing of this change was kept, repeat it"
            ) from error

    def _write(self) -> Iterator[Session]:
        if not self._writing.acquire(timeout=self._busy_timeout_s):
            raise BusyError(self._busy_sentence())
        try:
            yield from self._transaction(_WRITE)
        finally:
            self._commits += 1
            self._writing.release()

    def version(self) -> Version:
        """Return the database's version; two that are equal mean that nothing was committed between them."""
        with self._pool.in_use():
            if not self.guard.is_in_place:
                return _NO_VERSION
            try:
                connection = self._pool.own()
                others = connection.execute("PRAGMA data_version").get
            except (apsw.Error, StoreGoneError):
                return _NO_VERSION
            return Version(id(connection), others, self._commits)

    def close(self) -> None:
        """Close every connection; the last one to close folds the write-ahead log into the file."""
        self.guard.leave()
        self._pool.close(keep_log=self.guard.gone is not None)

    def backup_to(self, target: Path) -> None:
        """Copy the whole database as it is now, although others write meanwhile."""
        from memory_mcp.storage import copying  # noqa: PLC0415 - no hook needs it

        create_file(target)
        with self.read() as session:
            session.rows(
                "SELECT count(*) FROM sqlite_schema"
            )  # begins the snapshot: else each commit restarts the copy
            copying.copy_out(self._pool.own(), target, self._busy_timeout_s)

    def restore_from(self, source: Path, progress: Callable[[int, int], None], locked: Callable[[], None]) -> None:
        """Replace the content by another database's, in one transaction; who has the file open sees it afterwards.

        `locked` is called once nobody else can write any more and before anything is replaced; it may read this file
        over a connection of its own, and still change the source.

        Raises:
            BusyError: another process held the write lock until the deadline.

        """
        from memory_mcp.storage import copying  # noqa: PLC0415 - no hook needs it

        with self._translated(), self._pool.in_use():
            copying.overwrite(self._pool.own(), source, self._busy_timeout_s, progress, locked)

    def _transaction(self, begin: str) -> Iterator[Session]:
        was_committed = False
        with self._translated():
            try:
                with self._pool.in_use(), self.guard.explained():
                    self.guard.check_open()
                    connection = self._pool.own()
                    if begin == _READ:
                        yield from _run(connection, begin)
                        return
                    self.guard.check_log(connection)
                    yield from _run(connection, begin, self.guard.check_content)
                    was_committed = True
                    self.guard.check_written(connection)
            except StoreGoneError as error:
                self.guard.rescue(error, was_committed=was_committed)

    def _busy_sentence(self) -> str:
        return (
            f"{self.path} is busy: another process held its write lock for more than {self._busy_timeout_s:g} s; "
            "try again, or raise store.busy_timeout_s"
        )

    def _translated(self) -> AbstractContextManager[None]:
        return translated(self.path, self._busy_sentence, self._system_errno)

    def _system_errno(self) -> int:
        connection = self._pool.find_own()
        try:
            return 0 if connection is None else connection.system_errno
        except apsw.ConnectionClosedError:
            return 0


def _run(
    connection: apsw.Connection, begin: str, check: Callable[[apsw.Connection], None] | None = None
) -> Iterator[Session]:
    """Run one transaction; `check` is called once it holds its lock."""
    connection.execute(begin).fetchall()
    try:
        if check is not None:
            check(connection)
        yield Session(connection)
        connection.execute("COMMIT").fetchall()
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK").fetchall()


def _fold_stray_logs(path: Path, busy_timeout_s: float) -> None:
    from memory_mcp.storage import stray_logs  # noqa: PLC0415 - few stores are links

    stray_logs.fold(path, busy_timeout_s)
