"""This module notices that the file of an open database was deleted, replaced, overwritten or cut.

SQLite silently goes on writing into a file that nobody else can see. This module examines the file only by its name:
opening and closing it would drop the locks that SQLite holds on it.
"""

import os
import stat
import time
from contextlib import suppress
from pathlib import Path

import apsw
from msgspec import Struct

from memory_mcp.errors import DamagedError, StoreError, StoreGoneError

_SHM_LEAST_BYTES = 32_768  # the least that SQLite maps; reading a shorter file kills the process
_LOOKS, _QUIET_S = 20, 0.02
_LOG_HEAD_BYTES, _FRAME_HEAD_BYTES = 32, 24  # https://www.sqlite.org/fileformat2.html#walformat
_Identity = tuple[int, ...]


class Content(Struct, frozen=True):
    """Identifies a store and its state: when it began, and its newest sequence."""

    began_at: int | None
    head: int


class OpenFile:
    """The files of one open database, as they were when it was opened."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._name = str(path)
        self.real = os.path.realpath(path)
        self.log, self.shared = f"{self.real}-wal", f"{self.real}-shm"
        found = os.lstat(path)
        self._inode, self._device, self._target = found.st_ino, found.st_dev, _target(path, found)
        self._main = _identity(self.path.stat())
        self._seen = self._stat()
        self._on_disk: Content | None = None
        self._told: Content | None = None
        self._log: tuple[_Identity, int] | None = None
        self._shared: _Identity | None = None
        self._stale_log: tuple[_Identity, int] | None = None

    def is_in_place(self) -> bool:
        """Whether the opened file still lies at its path; takes 1 us."""
        try:
            found = os.lstat(self._name)
            if found.st_ino != self._inode or found.st_dev != self._device:
                return False
            if self.real != self._name and _identity(os.lstat(self.real)) != self._main:
                return False  # the log lies beside the former name
            return self._target is None or _target(self.path, found) == self._target
        except OSError:
            return False

    @property
    def is_reachable(self) -> bool:
        """Whether the path leads to the opened file, be it under another name."""
        found = _look(self._name)
        return found is not None and found[0] == self._main

    @property
    def is_copied(self) -> bool:
        """Whether the path leads to another file by a link and the opened one is deleted, as after a copy to a disk."""
        target = _look(self._name)
        return target is not None and target[0] != self._main and self.path.is_symlink() and self._is_deleted()

    def _is_deleted(self) -> bool:
        with suppress(OSError):
            for name in os.listdir("/dev/fd"):  # noqa: PTH208 - names suffice; SQLite does not tell its descriptor
                with suppress(OSError):
                    found = os.fstat(int(name))
                    if _identity(found) == self._main:
                        return found.st_nlink == 0
        return False

    @property
    def place(self) -> str:
        """The name of the opened file, as far as it is known."""
        return os.path.realpath(self.path) if self.is_reachable else str(self.path)

    def check(self) -> None:
        """Compare the main file with the one that was opened.

        Raises:
            StoreGoneError: another file, or none, lies in its place.

        """
        if self.is_in_place():
            return
        try:
            self.path.stat()
        except OSError as error:
            raise StoreGoneError(
                f"{self.path} was deleted, moved or closed off while it was open ({error.strerror}); put it back, or "
                "call again to begin a new one"
            ) from error
        if self.is_reachable:
            raise StoreGoneError(
                f"{self.path} was moved to {self.place} while it was open, and leads there now; nothing of this change "
                "was kept, call again"
            )
        raise StoreGoneError(
            f"{self.path} was replaced by another file while it was open; call again to use the one that is there now"
        )

    def check_log(self, connection: apsw.Connection) -> None:
        """Compare the write-ahead log and its shared memory with those that were in use.

        Raises:
            LogGoneError: one of them was removed, replaced or cut.

        """
        if self._log is not None:
            found = _look(self.log)
            if found is None:
                raise LogGoneError(self._log_sentence("removed"), is_removed=True)
            if found[0] != self._log[0]:
                raise LogGoneError(self._log_sentence("replaced"))
            if found[1] < self._log[1] and found[1] < _log_bytes(connection):
                raise LogGoneError(self._log_sentence("cut short"))
        if self._shared is not None:
            shared = _look(self.shared)
            if shared is None or shared[0] != self._shared or shared[1] < _SHM_LEAST_BYTES:
                raise LogGoneError(
                    f"{self.shared} was removed, replaced or cut while it was in use; nothing of this change was kept, "
                    "repeat it"
                )

    def check_log_length(self) -> None:
        """Compare the log's length with the one that was seen; a checkpoint shortens it too, and then reads go on.

        Raises:
            LogGoneError: it is shorter.

        """
        found = _look(self.log)
        if self._log is not None and found is not None and found[1] < self._log[1]:
            raise LogGoneError(self._log_sentence("cut short"))

    def remember_log(self) -> None:
        """Note the log in use and its length after a transaction."""
        self._log = _look(self.log)
        if self._shared is None:
            shared = _look(self.shared)
            self._shared = None if shared is None else shared[0]

    def check_content(self, connection: apsw.Connection) -> None:
        """Check whether something other than SQLite wrote into the main file; cheap unless the file changed.

        A checkpoint writes all or part of the log into the file. So only what never changes within a store is compared:
        when it began. This does not tell an older copy of the same store from a checkpoint.

        Raises:
            StoreGoneError: the file holds another store, or another state of this one.
            DamagedError: it was cut.

        """
        seen = self._stat()
        if self._on_disk is not None and seen == self._seen:
            return
        error = self._compare(connection, seen)
        for _ in range(_LOOKS):
            if error is None:
                return
            time.sleep(_QUIET_S)  # a checkpoint may be half done just now
            before, seen = seen, self._stat()
            error = self._compare(connection, seen)
            if error is not None and before == seen == self._stat():
                raise error

    def _stat(self) -> tuple[int, int]:
        found = os.lstat(self._name) if self._target is None else self.path.stat()
        return found.st_size, found.st_mtime_ns

    def _compare(self, connection: apsw.Connection, seen: tuple[int, int]) -> StoreError | None:
        """Compare the disk with what SQLite reports; return the error, or None."""
        shrunk = seen[0] < self._seen[0]
        try:
            on_disk = self._read_disk(shrunk=shrunk)
        except StoreError as error:
            return error
        told = content_of(connection)
        if on_disk is None or told is None:
            return None
        if self._on_disk is not None and self._told is not None:
            if told.began_at != self._told.began_at or told.head < self._told.head:
                return StoreGoneError(f"{self.path} was restored from a copy while it was open; call again to use it")
            is_another = on_disk.began_at not in {told.began_at, self._on_disk.began_at}
            if is_another or (shrunk and on_disk.began_at is None):
                return self._overwritten()
        self._on_disk, self._told, self._seen = on_disk, told, seen
        return None

    def check_reopening(self) -> None:
        """Make sure that the log of the file's former content is not mixed with its content now.

        Raises:
            StoreGoneError: that log is still there.

        """
        found = _look(self.log)
        if self._stale_log is not None and found is not None and found[0] == self._stale_log[0]:
            raise self._overwritten()

    @property
    def is_log_ours(self) -> bool:
        """Whether no process can have begun another log since the one in use was removed."""
        shared = _look(self.shared)
        return _look(self.log) is None and (shared is None or shared[0] == self._shared)

    @property
    def has_log(self) -> bool:
        """Whether a non-empty log lies beside the file."""
        found = _look(self.log)
        return found is not None and found[1] > 0

    def _read_disk(self, *, shrunk: bool) -> Content | None:
        """Read the main file's content from the disk; None while a checkpoint is writing."""
        flags = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI
        try:
            connection = apsw.Connection(immutable_uri(self.path), flags=flags)
        except apsw.Error:
            return None
        try:
            return Content(_began_at(connection), 0)
        except apsw.NotADBError as error:
            raise self._overwritten() from error
        except apsw.Error as error:
            if shrunk:
                raise DamagedError(
                    f"{self.path} was cut short while it was open; 'memory-cli backup restore' brings a copy back"
                ) from error
            return None
        finally:
            connection.close()

    def _overwritten(self) -> StoreGoneError:
        said = f"{self.path} was overwritten or emptied while it was open"
        if not self.has_log:
            return StoreGoneError(f"{said}; call again to use what is there now")
        self._stale_log = self._log
        return StoreGoneError(
            f"{said}, and {self.log} belongs to what it held before: end what has it open, move that file and "
            f"{self.shared} away, and call again"
        )

    def _log_sentence(self, what: str) -> str:
        return (
            f"{self.log} was {what} while it was in use, so the latest changes may be lost; "
            "check the rest with 'memory-cli doctor' and repeat this one"
        )


class LogGoneError(StoreGoneError):
    """The write-ahead log in use, or its shared memory, is not the one that others see."""

    def __init__(self, sentence: str, *, is_removed: bool = False) -> None:
        super().__init__(sentence)
        self.is_removed = is_removed


def immutable_uri(path: Path) -> str:
    """Return the URI by which SQLite reads a file as it is, without a log; `Path.as_uri` would cost a hook 3 ms."""
    text = path.absolute().as_posix()
    for sign in "%?#":
        text = text.replace(sign, f"%{ord(sign):02X}")
    return f"file://{'' if text.startswith('/') else '/'}{text}?immutable=1"


def _target(path: Path, found: os.stat_result) -> _Identity | None:
    """Return the identity of a link's target, or None if the path is not a link."""
    if not stat.S_ISLNK(found.st_mode):
        return None
    return _identity(path.stat())


def _identity(found: os.stat_result) -> _Identity:
    return found.st_dev, found.st_ino


def _look(name: str) -> tuple[_Identity, int] | None:
    try:
        found = os.stat(name)  # noqa: PTH116 - a Path costs 5 us, and a write looks five times
    except OSError:
        return None
    return _identity(found), found.st_size


def _log_bytes(connection: apsw.Connection) -> int:
    """Return the least length of a log with the frames that SQLite has counted."""
    frames, _ = connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_NOOP)
    return _LOG_HEAD_BYTES + frames * (_FRAME_HEAD_BYTES + int(connection.pragma("page_size"))) if frames > 0 else 0


def content_of(connection: apsw.Connection) -> Content | None:
    """Read the store's content, or None if it has no tables yet."""
    began = _began_at(connection)
    if began is None:
        return None
    return Content(began, int(connection.execute("SELECT max(sequence) FROM changes").get or 0))


def _began_at(connection: apsw.Connection) -> int | None:
    tables = connection.execute("SELECT count(*) FROM sqlite_schema WHERE name IN ('migrations', 'changes')").get
    if tables != 2:  # noqa: PLR2004 - the two that are named
        return None
    found: int | None = connection.execute("SELECT applied_at FROM migrations ORDER BY number LIMIT 1").get
    return found
