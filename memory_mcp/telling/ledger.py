"""This module accounts for every text that agents were told, and for whether it was used."""

import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from memory_mcp.clock import Clock
from memory_mcp.storage.ledger_store import DAY_US, Booking, LedgerDay, ToldRecord
from memory_mcp.storage.store import Store
from memory_mcp.telling.silence import SilenceFile
from memory_mcp.tokens import tokens

_LOOKED_AFTER_US = 3_600_000_000  # what was told is looked at once its session has had an hour to use it
_PAGE = 100


class Ledger:
    """The books of one project."""

    def __init__(self, store: Store, clock: Clock, directory: Path) -> None:
        self._store = store
        self._clock = clock
        self._silence = SilenceFile(directory / "silence.txt")

    def book(
        self, session_id: str, door: str, moment: str, printed: str, records: Iterable[str] = (), *, read: str = ""
    ) -> None:
        """Book a text as it is printed; `records` are the ids or names of what it tells, `read` what the agent reads.

        Raises:
            BusyError: another process held the write lock; then nothing is booked, and nothing should be told.

        """
        self.book_all([self.booking(session_id, door, moment, printed, records, read=read)])

    def booking(
        self, session_id: str, door: str, moment: str, printed: str, records: Iterable[str] = (), *, read: str = ""
    ) -> Booking:
        """Return what `book_all` takes."""
        size = len(printed.encode("utf-8", "surrogatepass"))
        return Booking(session_id, door, moment, size, tokens(read or printed), tuple(records), self._clock.now())

    def book_all(self, bookings: Sequence[Booking]) -> None:
        """Book several texts in one transaction, with the silent events that were counted since.

        Raises:
            BusyError: another process held the write lock.

        """
        with self._silence.taken(self._store.wall.project_key) as silent:
            self._store.ledger.book(bookings, silent)

    def keep_silence(self, door: str, moment: str) -> None:
        """Count an event that gets no word, without a commit."""
        self._silence.add(self._store.wall.project_key, self._clock.now() // DAY_US, door, moment)

    def told(self, session_id: str) -> frozenset[str]:
        """Return what a session, its sub-agents and its starter were told, in whatever worktree."""
        return self._store.ledger.told(session_id)

    def fallen_silent(self, names: Sequence[str]) -> frozenset[str]:
        """Return what was told five times and never used."""
        return self._store.ledger.fallen_silent(names)

    def settle(self, session_id: str | None = None, *, budget_s: float = 1.0) -> int:
        """Look at the steps that followed what was told, and keep what was used; return how many texts that were."""
        from memory_mcp.telling.uses import used  # noqa: PLC0415 - no hook needs it but at a session's end

        deadline = time.monotonic() + budget_s
        done = 0
        while time.monotonic() < deadline:
            before = self._clock.now() - _LOOKED_AFTER_US
            tellings = self._store.ledger.unsettled(before, session_id, _PAGE)
            if not tellings:
                break
            self._store.ledger.settle({each.key: used(self._store, each) for each in tellings})
            done += len(tellings)
        return done

    def days(self, since: int) -> list[LedgerDay]:
        """Return the sums of each day since a time, newest first."""
        self.book_all(())
        return self._store.ledger.days(since // DAY_US)

    def records(self, since: int, limit: int) -> list[ToldRecord]:
        """Return what was told most often since a time."""
        return self._store.ledger.records(since, limit)
