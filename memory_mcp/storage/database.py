"""This module opens the database file and runs transactions; `apsw` is known here only."""

import contextlib
import os
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
    NewerSchemaError,
    ReadOnlyStoreError,
    StoreError,
    StoreFullError,
    StoreGoneError,
)
from memory_mcp.storage.connecting import Connector
from memory_mcp.storage.engine_errors import is_damage, translated
from memory_mcp.storage.open_file import LogGoneError, OpenFile, remove_orphans

Row = tuple[Any, ...]


class Version(NamedTuple):
    """What changes whenever the database does, as one thread's connection sees it; the default equals none."""

    connection: int = 0
    others: int = -1
    own: int = -1


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
        self._local = threading.local()
        self._connections: list[apsw.Connection] = []
        self._registry = threading.Lock()
        self._writing = threading.Lock()
        self._commits = 0
        self.schema: int | None = None  # set once it is known to be the newest
        self.gone: StoreGoneError | None = None  # why the file must be opened again
        self.mend: Callable[[DamagedError], bool] | None = None  # mends derived tables, if they are the cause
        self.is_whole = False  # whether nothing is lost when the file is gone
        create_file(path)
        self._file = OpenFile(path)
        self._connector = Connector(self._file, busy_timeout_s=busy_timeout_s, synchronous=synchronous)
        with self._translated():
            self._connection()

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
        yield from self._transaction("BEGIN")

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
            yield from self._transaction("BEGIN IMMEDIATE")
        finally:
            self._commits += 1
            self._writing.release()

    def version(self) -> Version:
        """Return the database's version; two that are equal mean that nothing was committed between them."""
        if self.gone is not None or not self._file.is_in_place():
            return _NO_VERSION
        try:
            connection = self._connection()
            others = connection.execute("PRAGMA data_version").get
        except apsw.Error:
            return _NO_VERSION
        return Version(id(connection), others, self._commits)

    def close(self) -> None:
        """Close every connection; the last one to close folds the write-ahead log into the file.

        A connection that another thread is using is left to that thread.
        """
        with self._registry:
            for connection in self._connections:
                with contextlib.suppress(apsw.ThreadingViolationError):
                    if self.gone is not None:
                        connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
                    connection.close()
            self._connections.clear()
        self._local = threading.local()

    def check_reopening(self) -> None:
        """Make sure that no former log would be mixed into a reopened file.

        Raises:
            StoreGoneError: the log of the overwritten file is still there.

        """
        self._file.check_reopening()

    def backup_to(self, target: Path) -> None:
        """Copy the whole database as it is now, although others write meanwhile."""
        from memory_mcp.storage import copying  # noqa: PLC0415 - no hook needs it

        create_file(target)
        with self.read() as session:
            session.rows(
                "SELECT count(*) FROM sqlite_schema"
            )  # begins the snapshot: else each commit restarts the copy
            copying.copy_out(self._connection(), target, self._busy_timeout_s)

    def restore_from(self, source: Path, progress: Callable[[int, int], None], locked: Callable[[], None]) -> None:
        """Replace the content by another database's, in one transaction; who has the file open sees it afterwards.

        `locked` is called once nobody else can write any more and before anything is replaced; it may read this file
        over a connection of its own, and still change the source.

        Raises:
            BusyError: another process held the write lock until the deadline.

        """
        from memory_mcp.storage import copying  # noqa: PLC0415 - no hook needs it

        with self._translated():
            copying.overwrite(self._connection(), source, self._busy_timeout_s, progress, locked)

    def _transaction(self, begin: str) -> Iterator[Session]:
        writing = begin != "BEGIN"
        with self._translated(), self._explained():
            self._check_open()
            connection = self._connection()
            if writing:
                self._check_log(connection)
            connection.execute(begin).fetchall()
            try:
                if writing:
                    self._check_content(connection)
                yield Session(connection)
                connection.execute("COMMIT").fetchall()
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK").fetchall()
            if writing:
                self._check_written(connection)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Tell a log that was cut, and so cannot be read, from a disk that fails.

        Raises:
            StoreGoneError: the log is shorter than it was.

        """
        try:
            yield
        except apsw.IOError:
            try:
                self._file.check_log_length()
            except LogGoneError as error:
                self.gone = error
                raise
            raise

    def _check_open(self) -> None:
        """Compare the file with the opened one before anything is read or written.

        Raises:
            StoreGoneError: it is another one, or this was found before.

        """
        if self.gone is not None:
            raise StoreGoneError(str(self.gone))
        if self._connector.full_since is not None:
            self.look_for_room()
        try:
            self._file.check()
        except StoreGoneError as error:
            self.gone = error
            self._fold()
            raise

    def _check_log(self, connection: apsw.Connection) -> None:
        try:
            self._file.check_log(connection)
        except LogGoneError as error:
            self.gone = error
            if error.is_removed and self._file.is_log_ours and self._fold():
                raise StoreGoneError(
                    f"{self._file.log} was removed while it was in use; nothing is lost, and nothing of this change "
                    "was kept: repeat it"
                ) from error
            raise

    def _check_content(self, connection: apsw.Connection) -> None:
        """Check, holding the write lock, that this is still the opened store, in a known schema.

        Raises:
            NewerSchemaError: a newer memory-mcp has changed it meanwhile.
            StoreGoneError: it was overwritten or restored.

        """
        schema = connection.execute("PRAGMA user_version").get
        if self.schema is not None and schema > self.schema:
            raise NewerSchemaError(
                f"{self.path} was brought to schema {schema} while it was open, this memory-mcp knows up to "
                f"{self.schema}; upgrade with 'pip install -U memory-mcp' and start this process again"
            )
        try:
            self._file.check_content(connection)
        except StoreGoneError as error:
            self.gone = error
            raise

    def _check_written(self, connection: apsw.Connection) -> None:
        """Make sure that a commit is where others find it, before it is acknowledged.

        Raises:
            StoreGoneError: it is not.

        """
        try:
            self._file.check()
            self._file.check_log(connection)
        except LogGoneError as error:
            self.gone = error
            self.is_whole = error.is_removed and self._file.is_log_ours and self._fold()
            if not self.is_whole:
                raise StoreGoneError(f"{error}; look whether it is there first") from error
        except StoreGoneError as error:
            self.gone = error
            self._fold()
            raise StoreGoneError(
                f"{self.path} was deleted, moved or replaced while this was written; nothing of it is there now, "
                "repeat it"
            ) from error
        else:
            self._file.remember_log()

    def look_for_room(self, after_s: float = float("inf")) -> None:
        """Leave read-only mode, which a full disk caused, when there may be room again.

        Raises:
            StoreGoneError: there is more room, another process writes, or so many seconds have passed.

        """
        if self.gone is None and self._connector.may_have_room(after_s):
            self.gone, self.is_whole = StoreGoneError(f"there may be room for {self.path} again; call again"), True
            raise self.gone

    def _fold(self) -> bool:
        """Fold the log into the opened file, wherever it is now; return whether that succeeded."""
        connection: apsw.Connection | None = getattr(self._local, "connection", None)
        if connection is None or self.is_read_only:
            return False
        try:
            connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
        except apsw.Error:
            return False
        return True

    def _connection(self) -> apsw.Connection:
        connection: apsw.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._connector.connect()
            self._local.connection = connection
            with self._registry:
                self._connections.append(connection)
        return connection

    def _busy_sentence(self) -> str:
        return (
            f"{self.path} is busy: another process held its write lock for more than {self._busy_timeout_s:g} s; "
            "try again, or raise store.busy_timeout_s"
        )

    def _translated(self) -> AbstractContextManager[None]:
        return translated(self.path, self._busy_sentence, self._system_errno)

    def _system_errno(self) -> int:
        connection: apsw.Connection | None = getattr(self._local, "connection", None)
        try:
            return 0 if connection is None else connection.system_errno
        except apsw.ConnectionClosedError:
            return 0


def create_file(path: Path) -> None:
    """Make the file for its owner only, and its directory; SQLite's side files inherit its mode.

    Raises:
        StoreError: the place cannot be made, with the operating system's reason.

    """
    try:
        if not path.parent.is_dir():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            remove_orphans(path)
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise StoreError(f"{path} cannot be created: {error.strerror}; choose a place with MEMORY_MCP_HOME") from error
