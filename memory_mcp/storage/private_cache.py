"""This module stands in for the shared cache in one process that cannot use it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from memory_mcp.storage.cache import Table


class PrivatePages:
    """A dictionary that answers like a transaction of the shared cache."""

    def __init__(self) -> None:
        self._values: dict[tuple[Table, bytes], bytes] = {}

    def get(self, table: Table, key: bytes) -> bytes | None:
        """Return a value."""
        return self._values.get((table, key))

    def put(self, table: Table, key: bytes, value: bytes) -> None:
        """Store a value."""
        self._values[table, key] = value

    def delete(self, table: Table, key: bytes) -> None:
        """Remove a value, if there is one."""
        self._values.pop((table, key), None)

    @property
    def size_bytes(self) -> int:
        """Bytes of all values."""
        return sum(map(len, self._values.values()))


class PrivateCache:
    """Pages that no other process sees; whoever reads or writes is alone, by a lock of the caller."""

    def __init__(self) -> None:
        self._pages = PrivatePages()

    @contextmanager
    def read(self) -> Iterator[PrivatePages]:
        """Hand out the pages."""
        yield self._pages

    def write(self, change: Callable[[PrivatePages], None]) -> bool:
        """Run a change."""
        change(self._pages)
        return True

    @property
    def size_bytes(self) -> int:
        """Memory held."""
        return self._pages.size_bytes
