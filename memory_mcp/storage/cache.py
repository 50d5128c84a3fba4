"""This module holds the hot cache: an LMDB environment that processes share; `lmdb` is known here only."""

import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice, takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from msgspec import Struct

from memory_mcp.errors import CacheError
from memory_mcp.storage.cache_files import CacheFiles
from memory_mcp.storage.file_lock import FileLock

if TYPE_CHECKING:
    import lmdb

Table = Literal["episodes", "ages", "vectors", "counters"]
_TABLES: tuple[Table, ...] = ("episodes", "ages", "vectors", "counters")
_FIRST_MAP_BYTES = 256 << 20
_OPEN_PATIENCE_S = 1.0
_GROW_PATIENCE_S = 1.0
_RETRY_S = 5.0
_LOOK_AGAIN_S = 1.0  # a reader of files that were removed meanwhile reads what they held, which is still right
_READERS = 510


_SHARED: dict[Path, "Cache"] = {}
_SHARED_LOCK = threading.Lock()


class CacheState(Struct, frozen=True):
    """What a person may want to know of the cache's files; `trouble` is why it is not in use."""

    path: str
    bytes: int
    map_bytes: int
    readers: int
    entries: dict[str, int]
    rebuilt: tuple[str, ...]
    trouble: str | None


class Pages:
    """One transaction; what it hands out is valid until it ends."""

    def __init__(self, transaction: "lmdb.Transaction", tables: dict[Table, Any]) -> None:
        self._transaction = transaction
        self._tables = tables

    def get(self, table: Table, key: bytes) -> memoryview | None:
        """Return a value without copying it."""
        found: Any = self._transaction.get(key, db=self._tables[table])
        return found  # type: ignore[no-any-return]  # a memoryview, since transactions are opened with buffers

    def put(self, table: Table, key: bytes, value: bytes) -> None:
        """Store a value."""
        self._transaction.put(key, value, db=self._tables[table])

    def delete(self, table: Table, key: bytes) -> None:
        """Remove a value, if there is one."""
        self._transaction.delete(key, db=self._tables[table])

    def keys(self, table: Table, prefix: bytes = b"", limit: int | None = None) -> list[bytes]:
        """Return the first keys that begin with a prefix, in their order."""
        cursor = self._transaction.cursor(db=self._tables[table])
        if not cursor.set_range(prefix):
            return []
        found = takewhile(lambda key: key.startswith(prefix), map(bytes, cursor.iternext(keys=True, values=False)))
        return list(islice(found, limit))

    def count(self, table: Table) -> int:
        """Count the entries of a table."""
        return int(self._transaction.stat(self._tables[table])["entries"])


class Reading:
    """A snapshot, open while it is entered."""

    __slots__ = ("_cache", "_transaction")

    def __init__(self, cache: "Cache") -> None:
        self._cache = cache
        self._transaction: lmdb.Transaction | None = None

    def __enter__(self) -> Pages:
        self._transaction = self._cache.begin_reading()
        return Pages(self._transaction, self._cache.tables)

    def __exit__(self, kind: object, error: BaseException | None, _: object) -> None:
        assert self._transaction is not None  # noqa: S101 - set on entering
        self._cache.end_reading(self._transaction, error)


class Cache:
    """The cache of one store in one directory; it is opened by its first use and may vanish at any time.

    Its methods raise CacheError when it cannot be used; whoever asked goes on with the store alone.
    """

    def __init__(self, directory: Path, store: Path, *, map_bytes: int = _FIRST_MAP_BYTES) -> None:
        self._files = CacheFiles(directory, store)
        self._map_bytes = map_bytes
        self._owners = 1
        self._gate = threading.Condition(threading.RLock())
        self._environment: lmdb.Environment | None = None
        self.tables: dict[Table, Any] = {}
        self._lock: FileLock | None = None
        self._active = 0
        self._doubt: str | None = None  # why the files must go before they are used again
        self._retry_at = 0.0
        self._look_at = 0.0
        self.rebuilt: list[str] = []
        self.trouble: str | None = None

    @classmethod
    def shared(cls, directory: Path, store: Path) -> "Cache":
        """Return the one object of this process for a directory: LMDB forbids a second; `close` it as often."""
        with _SHARED_LOCK:
            held = _SHARED.get(directory)
            if held is None:
                return _SHARED.setdefault(directory, cls(directory, store))
            held._owners += 1  # noqa: SLF001 - of the same class
            return held

    @property
    def is_open(self) -> bool:
        """Whether this process uses the cache already."""
        return self._environment is not None

    @property
    def exists(self) -> bool:
        """Whether some process has made it."""
        return self._files.data_bytes() > 0

    def open(self) -> None:
        """Begin to use the cache in this process."""
        self._enter(writing=False)
        self._leave()

    def read(self) -> "Reading":
        """Return a context manager that opens a snapshot; it raises CacheError when the cache cannot be used."""
        return Reading(self)

    def write(self, change: Callable[[Pages], None], *, patience_s: float = 0.0) -> bool:
        """Run a change in a transaction of its own; return False, with nothing done, when others are writing.

        It never waits for longer than patience: a process that was stopped in the middle of a write holds its lock.
        """
        environment = self._enter(writing=True)
        grow = False
        try:
            lock = self._lock
            if lock is None or not lock.acquire(patience_s):
                return False
            try:
                grow = not self._commit(environment, lock, change)
            finally:
                lock.release()
        finally:
            self._leave()
        return self.write(change, patience_s=patience_s) if grow and self._grow(environment) else not grow

    def discard(self, reason: str) -> None:
        """Throw away everything; the next use begins anew."""
        with self._gate:
            self._doubt = reason

    def clear(self) -> None:
        """Throw away everything now."""
        self.discard("it was cleared")
        self._enter(writing=True)
        self._leave()

    def state(self) -> CacheState:
        """Describe the cache; it is opened for that if its files are there."""
        entries: dict[str, int] = {}
        info: Any = {}
        with contextlib.suppress(CacheError):
            if self.exists:
                with self.read() as pages:
                    entries = {table: pages.count(table) for table in _TABLES}
                    assert self._environment is not None  # noqa: S101 - open while it is read
                    info = self._environment.info()
        return CacheState(
            path=str(self._files.directory),
            bytes=self._files.data_bytes(),
            map_bytes=info.get("map_size", 0),
            readers=info.get("num_readers", 0),
            entries=entries,
            rebuilt=tuple(self.rebuilt),
            trouble=self.trouble or self._files.obstacle(),
        )

    def close(self) -> None:
        """Close the files when nobody in this process is left who asked for them."""
        with _SHARED_LOCK:
            self._owners -= 1
            if self._owners:
                return
            _SHARED.pop(self._files.directory, None)
        with self._gate:
            self._gate.wait_for(lambda: self._active == 0, timeout=_GROW_PATIENCE_S)
            if self._active == 0:
                self._close()

    def _enter(self, *, writing: bool) -> "lmdb.Environment":
        """Count one more user of an open environment; writers always look whether the files are still those there."""
        now = time.monotonic()
        with self._gate:
            if self._doubt is None and (writing or now > self._look_at) and self._is_replaced():
                self._doubt = "its files were removed or replaced"
            if self._environment is None or self._doubt is not None:
                if self._active:
                    raise CacheError(f"the cache is given up: {self._doubt}")
                self._open()
            assert self._environment is not None  # noqa: S101 - `_open` raises otherwise
            self._active += 1
            return self._environment

    def _leave(self) -> None:
        with self._gate:
            self._active -= 1
            self._gate.notify_all()

    def begin_reading(self) -> "lmdb.Transaction":
        """Open a snapshot; whoever calls this must end it."""
        environment = self._enter(writing=False)
        try:
            with self._translated():
                return self._begin(environment)
        except BaseException:
            self._leave()
            raise

    def end_reading(self, transaction: "lmdb.Transaction", error: BaseException | None) -> None:
        """End a snapshot; an error of LMDB that ended its use makes the files suspect."""
        transaction.abort()
        self._leave()
        if error is not None:
            with self._translated():
                raise error

    def _begin(self, environment: "lmdb.Environment") -> "lmdb.Transaction":
        """Begin to read, also after another process has made the map larger."""
        import lmdb  # noqa: PLC0415 - only processes that use the cache pay for it

        try:
            return environment.begin(buffers=True)
        except lmdb.MapResizedError:
            if not self._grow(environment, readers=1):
                raise CacheError("the cache is not in use while it grows") from None
            return environment.begin(buffers=True)
        except lmdb.ReadersFullError:
            environment.reader_check()  # places of processes that were killed
            return environment.begin(buffers=True)

    def _commit(self, environment: "lmdb.Environment", lock: FileLock, change: Callable[[Pages], None]) -> bool:
        """Write; return False when the map has no room left, or another process has made it larger."""
        import lmdb  # noqa: PLC0415 - as above

        if lock.begin():
            self._suspect("a process died while it wrote")
            raise CacheError("the cache is given up: a process died while it wrote")
        finished = True
        with self._translated():
            try:
                with environment.begin(write=True, buffers=True) as transaction:
                    change(Pages(transaction, self.tables))
            except (lmdb.MapFullError, lmdb.MapResizedError):
                finished = False
            finally:
                lock.end()
        if finished:
            self.trouble = None
        return finished

    def _grow(self, environment: "lmdb.Environment", *, readers: int = 0) -> bool:
        """Make the map twice as large, or as large as others have made it; nobody else here may be reading then."""
        with self._gate:
            if not self._gate.wait_for(lambda: self._active <= readers, timeout=_GROW_PATIENCE_S):
                return False
            with self._translated():
                environment.set_mapsize(0 if readers else environment.info()["map_size"] * 2)
            return True

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Turn LMDB's errors into ours; what may mean damage makes the files suspect."""
        import lmdb  # noqa: PLC0415 - as above

        try:
            yield
        except lmdb.Error as error:
            self.trouble = str(error)
            harmless = (lmdb.DiskError, lmdb.MemoryError, lmdb.ReadersFullError, lmdb.LockError)
            if type(error) is not lmdb.Error and not isinstance(error, harmless):  # plain: the system refused
                self._suspect(str(error))
            raise CacheError(f"the cache is not in use: {error}") from error

    def _suspect(self, reason: str) -> None:
        """Note that the files are not worth trusting; they go with the next use."""
        with self._gate:
            self._doubt = reason

    def _is_replaced(self) -> bool:
        self._look_at = time.monotonic() + _LOOK_AGAIN_S
        if self._environment is None:
            return False
        return self._files.are_replaced() or self._lock is None or self._lock.is_replaced()

    def _open(self) -> None:
        """Open the files, after removing what cannot be trusted; what fails is tried again after some seconds."""
        if time.monotonic() < self._retry_at:
            raise CacheError(f"the cache is not in use: {self.trouble}")
        self._close()
        try:
            self._open_locked()
        except (OSError, CacheError) as error:
            self._close()
            reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            self.trouble, self._retry_at = f"{self._files.directory}: {reason}", time.monotonic() + _RETRY_S
            raise CacheError(f"the cache is not in use: {self.trouble}") from error
        self.trouble = None

    def _open_locked(self) -> None:
        lock = self._lock = self._files.lock()
        if not lock.acquire(_OPEN_PATIENCE_S):
            raise CacheError("another process keeps writing to it")
        try:
            self._open_trusted(lock)
        finally:
            lock.release()

    def _open_trusted(self, lock: FileLock) -> None:
        doubt = self._doubt or self._files.distrust()
        if lock.begin():
            doubt = doubt or "a process died while it wrote"
        for _ in range(2):
            if doubt:
                self._remove(doubt)
            self._files.stamp()
            try:
                with self._translated():
                    self._map()
                    break
            except CacheError as error:
                self._close_environment()
                doubt = str(error)
        else:
            raise CacheError(doubt or "it cannot be opened")
        lock.end()
        self._doubt = None

    def _map(self) -> None:
        """Map the file and walk through its keys once: a process that a torn page kills leaves its mark behind."""
        import lmdb  # noqa: PLC0415 - as above

        environment = lmdb.open(
            str(self._files.directory),
            map_size=max(self._map_bytes, self._files.data_bytes()),
            max_dbs=len(_TABLES),
            max_readers=_READERS,
            mode=0o600,
            sync=not self._files.know_the_boot,
            metasync=not self._files.know_the_boot,
        )
        self._environment = environment
        page_bytes = environment.stat()["psize"]
        if self._files.data_bytes() < (environment.info()["last_pgno"] + 1) * page_bytes:
            raise CacheError("its file was cut short")
        environment.reader_check()
        self.tables = {table: environment.open_db(table.encode()) for table in _TABLES}
        with environment.begin() as transaction:
            for table in self.tables.values():
                deque(transaction.cursor(db=table).iternext(keys=True, values=False), maxlen=0)
        self._files.remember()

    def _remove(self, reason: str) -> None:
        if self._files.remove():
            self.rebuilt = [*self.rebuilt[-9:], reason]

    def _close_environment(self) -> None:
        if self._environment is not None:
            self._environment.close()
            self._environment = None

    def _close(self) -> None:
        self._close_environment()
        if self._lock is not None:
            self._lock.close()
            self._lock = None
