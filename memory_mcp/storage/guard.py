"""This module makes sure that a running process reads and writes the file that others find at the store's path.

Nothing is acknowledged, and the store is not opened again, before every commit is in a file that the next opening
reads.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import apsw

from memory_mcp.errors import NewerSchemaError, StoreGoneError
from memory_mcp.storage.connecting import RETRY_JITTER_S, Connector
from memory_mcp.storage.open_file import LogGoneError, OpenFile
from memory_mcp.storage.pool import Pool


class Guard:
    """Checks the files of one open database around each transaction; folds the log if the file was moved."""

    def __init__(self, file: OpenFile, connector: Connector, pool: Pool, busy_timeout_s: float) -> None:
        self.schema: int | None = None  # set once it is known to be the newest
        self.gone: StoreGoneError | None = None  # why the file must be opened again
        self.is_whole = False  # whether nothing is lost when the file is gone
        self._is_unfolded = False  # whether the log of a moved file may hold commits that the file lacks
        self._file = file
        self._connector = connector
        self._pool = pool
        self._busy_timeout_s = busy_timeout_s
        self._folding = threading.Lock()

    @property
    def is_in_place(self) -> bool:
        """Whether the file can go on being used."""
        return self.gone is None and self._file.is_in_place()

    def check_open(self) -> None:
        """Compare the file with the opened one before anything is read or written.

        Raises:
            StoreGoneError: it is another one, or this was found before.

        """
        if self.gone is not None:
            raise StoreGoneError(str(self.gone))
        if self._connector.full_since is not None:
            self.look_for_room()
        self._file.check()

    def check_log(self, connection: apsw.Connection) -> None:
        """Compare the log with the one in use before anything is written.

        Raises:
            LogGoneError: it is another one.

        """
        self._file.check_log(connection)

    def check_content(self, connection: apsw.Connection) -> None:
        """Check, holding the write lock, that this is still the opened store, in a known schema.

        Whoever folds the log of a moved file holds the same lock. So a commit that passed this check is folded too.

        Raises:
            NewerSchemaError: a newer memory-mcp has changed it meanwhile.
            StoreGoneError: it was moved, overwritten or restored.

        """
        self._file.check()
        schema = connection.execute("PRAGMA user_version").get
        if self.schema is not None and schema > self.schema:
            raise NewerSchemaError(
                f"{self._file.path} was brought to schema {schema} while it was open, this memory-mcp knows up to "
                f"{self.schema}; upgrade with 'pip install -U memory-mcp' and start this process again"
            )
        self._file.check_content(connection)

    def check_written(self, connection: apsw.Connection) -> None:
        """Check that a commit is where others find it, before it is acknowledged.

        Raises:
            StoreGoneError: it is not.

        """
        self._file.check()
        self._file.check_log(connection)
        self._file.remember_log()

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Tell a file that was moved, or a log that was cut, from a disk that fails.

        Raises:
            StoreGoneError: the file is not in its place, or the log is shorter than it was.

        """
        try:
            yield
        except (apsw.IOError, apsw.CantOpenError, apsw.CorruptError) as error:
            self._file.check()
            if isinstance(error, apsw.IOError):
                self._file.check_log_length()
            raise

    def rescue(self, error: StoreGoneError, *, was_committed: bool) -> None:
        """Save what can be saved of a file that is gone; called when this thread is in no transaction.

        It returns if a commit is safe and may be acknowledged.

        Raises:
            StoreGoneError: the caller's change was not kept, or not for sure.

        """
        if self.gone is None:
            self.gone = error
            self._is_unfolded = not self._file.is_in_place()
        if isinstance(error, LogGoneError):
            self._rescue_log(error, was_committed=was_committed)
        elif self._is_unfolded or (was_committed and not self._file.is_in_place()):
            self._rescue_moved(error, was_committed=was_committed)
        else:
            raise error

    def _rescue_log(self, error: LogGoneError, *, was_committed: bool) -> None:
        is_folded = error.is_removed and self._file.is_log_ours and self._fold() is None
        if was_committed:
            self.is_whole = is_folded
            if not is_folded:
                raise StoreGoneError(f"{error}; look whether it is there first") from error
        elif is_folded:
            raise StoreGoneError(
                f"{self._file.log} was removed while it was in use; nothing is lost, and nothing of this change "
                "was kept: repeat it"
            ) from error
        else:
            raise error

    def _rescue_moved(self, error: StoreGoneError, *, was_committed: bool) -> None:
        self._fold_moved()
        self.is_whole = self._file.is_reachable
        if not was_committed:
            raise error
        if not self.is_whole:
            raise StoreGoneError(
                f"{self._file.path} was deleted, moved or replaced while this was written; nothing of it is there "
                "now, repeat it"
            ) from error

    def look_for_room(self, after_s: float = float("inf")) -> None:
        """Leave read-only mode, which a full disk caused, when there may be room again.

        Raises:
            StoreGoneError: there is more room, another process writes, or so many seconds have passed.

        """
        if self.gone is None and self._connector.may_have_room(after_s):
            self.is_whole = True
            self.gone = StoreGoneError(f"there may be room for {self._file.path} again; call again")
            raise self.gone

    def check_reopening(self) -> None:
        """Make sure that the next opening finds every commit, and no log of something else.

        Raises:
            StoreGoneError: a log holds commits that cannot be folded yet, or a thread still uses the file.

        """
        self._file.check_reopening()
        self._notice()
        if self._is_unfolded:
            self._fold_moved()
        if not self._pool.wait_until_idle(self._busy_timeout_s):  # an old connection would spoil the new ones
            raise StoreGoneError(f"{self._file.path} is still read by another thread of this process; call again")

    def leave(self) -> None:
        """Fold the log of a moved file before the connections are closed; SQLite would leave it where it is.

        A log that cannot be folded is kept, and the next opening of the path finds it.
        """
        self._notice()
        if self._is_unfolded and not self._file.is_copied:
            self._fold()

    def _notice(self) -> None:
        if self.gone is None:
            try:
                self._file.check()
            except StoreGoneError as error:
                self.gone, self._is_unfolded = error, True

    def _fold_moved(self) -> None:
        if self._file.is_copied:  # the next opening folds the log into the copy, or refuses
            self._is_unfolded = False
            return
        hindrance = self._fold()
        if hindrance is not None:
            raise StoreGoneError(
                f"{self._file.log} holds changes of {self._file.place} that could not be brought into it after it was "
                f"deleted, moved or replaced, because {hindrance}; call again"
            )
        self._is_unfolded = False

    def _fold(self) -> str | None:
        """Fold the log into the opened file, wherever it is now; return what hinders it."""
        if self._connector.is_read_only:
            return None
        deadline = time.monotonic() + self._busy_timeout_s
        with self._folding:
            if not self._pool.wait_until_idle(self._busy_timeout_s):
                return "another thread reads it"
            connection = self._pool.any()
            while connection is not None:
                try:
                    connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
                except (apsw.BusyError, apsw.LockedError):  # SQLite does not wait for another checkpoint
                    if time.monotonic() > deadline:
                        return "another process reads it"
                    time.sleep(RETRY_JITTER_S)
                except apsw.Error as error:
                    return f"that failed ({error})"
                else:
                    return None
        return None
