"""This module copies the pages of one open database into another."""

import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import apsw

from memory_mcp.errors import StoreFullError
from memory_mcp.storage.connecting import RETRY_JITTER_S

_PAGES = 1_000  # in one step


def copy_out(source: apsw.Connection, target: Path, patience_s: float) -> None:
    """Write the connection's snapshot into another file."""
    failure = f"{source.filename} cannot be copied to {target}"
    with closing(apsw.Connection(str(target))) as destination:
        deadline = time.monotonic() + patience_s
        with destination.backup("main", source, "main") as copy:
            while not copy.done:
                _step(copy, _PAGES, deadline, failure)


def overwrite(
    target: apsw.Connection,
    source: Path,
    patience_s: float,
    progress: Callable[[int, int], None],
    locked: Callable[[], None],
) -> None:
    """Write another file's pages over a connection's database, in one transaction that holds the lock from the start.

    `locked` is called once the lock is held, before anything is replaced.
    """
    failure = f"{target.filename} cannot be replaced, and is as it was"
    with closing(apsw.Connection(str(source), flags=apsw.SQLITE_OPEN_READONLY)) as origin:
        deadline = time.monotonic() + patience_s
        with target.backup("main", origin, "main") as copy:
            _step(copy, 0, deadline, failure)  # takes the write lock, which is held until the last page is there
            locked()
            while not copy.done:
                _step(copy, _PAGES, deadline, failure)
                progress(copy.page_count - copy.remaining, copy.page_count)
        with suppress(apsw.BusyError):  # a reader still uses the former snapshot; a later commit folds the log
            target.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)


def _step(copy: apsw.Backup, pages: int, deadline: float, failure: str) -> None:
    """Copy some pages, waiting for other processes until the deadline; `failure` begins the error's sentence."""
    while True:
        try:
            copy.step(pages)
        except (apsw.BusyError, apsw.LockedError):
            if time.monotonic() > deadline:
                raise
            time.sleep(RETRY_JITTER_S)
        except (apsw.FullError, apsw.IOError) as error:  # its text comes from another connection: "not an error"
            raise StoreFullError(f"{failure}: writing failed; check that there is room on the disk") from error
        else:
            return
