"""This module reads SQLite files of other programs, never changing them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import apsw

from memory_mcp.errors import ImporterError


class Foreign:
    """A file of another program, open for reading."""

    def __init__(self, connection: apsw.Connection, path: Path) -> None:
        self._connection = connection
        self._path = path

    def columns(self, table: str) -> frozenset[str]:
        """Return the names of a table's columns, none where there is no such table."""
        rows = self._connection.execute("SELECT name FROM pragma_table_info(?)", (table,)).fetchall()
        return frozenset(str(row[0]) for row in rows)

    def rows(
        self, table: str, wanted: Sequence[str], order: str, where: tuple[str, Any] | None = None
    ) -> Iterator[dict[str, Any]]:
        """Yield the rows of a table with those of the wanted columns that it has; the others are None.

        Raises:
            ImporterError: there is no such table, or it cannot be read.

        """
        there = self.columns(table)
        if not there:
            raise ImporterError(f"{self._path} has no table {table}; is it the right file?")
        chosen = [name for name in wanted if name in there]
        names = ", ".join(f'"{name}"' for name in chosen)
        condition = f' WHERE "{where[0]}" = ?' if where else ""
        sorting = f' ORDER BY "{order}"' if order in there else ""
        try:
            found = self._connection.execute(
                f'SELECT {names} FROM "{table}"{condition}{sorting}', (where[1],) if where else ()
            ).fetchall()
        except apsw.Error as error:
            raise ImporterError(f"{self._path} cannot be read: {error}") from error
        for row in found:
            yield {**dict.fromkeys(wanted), **dict(zip(chosen, row, strict=True))}


@contextmanager
def opened(path: Path) -> Iterator[Foreign]:
    """Open a file of another program for reading.

    Raises:
        ImporterError: it is not there, or no SQLite database.

    """
    if not path.is_file():
        raise ImporterError(f"{path} is no file")
    try:
        connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
        try:
            connection.set_busy_timeout(5_000)
            connection.execute("SELECT count(*) FROM sqlite_schema").fetchall()
            yield Foreign(connection, path)
        finally:
            connection.close()
    except apsw.Error as error:
        raise ImporterError(f"{path} is no SQLite database that can be read: {error}") from error
