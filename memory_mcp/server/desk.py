"""This module holds what the tools of one server share: the open memory, its metrics and the background follower."""

import contextlib
import logging
import threading
import time
from collections import deque
from collections.abc import Iterable
from typing import Any

import msgspec

from memory_mcp import __version__
from memory_mcp.clock import iso
from memory_mcp.errors import CacheError, MemoryMcpError, StoreGoneError
from memory_mcp.hooks.replaying import drain, waits
from memory_mcp.memory import Memory
from memory_mcp.monitoring.metrics import Metrics
from memory_mcp.server.sessions import Session

logger = logging.getLogger(__name__)
_RETRY_S = 30.0
_RHYTHM_S = 5.0  # between two looks of an idle server for queued hook events
_DRAINING_S = 2.0
_QUIET_S = 0.3
_LONGEST_BURST_S = 2.0
_LAST_BATCH_S = 1.0
_MOST_ANSWERS = 10_000  # that wait to be booked; a server that is killed loses them
_PATIENCE_S = 0.5  # how long an answer may wait for episodes that were not learnt from yet


class Desk:
    """One server's memory; after a write the follower indexes it, so that the next search need not."""

    def __init__(self, memory: Memory) -> None:
        self.memory = memory
        self._opening = threading.Lock()
        self._is_told = False  # whether an answer has said that the store is gone
        self.metrics = Metrics()
        self.session = Session(memory)
        self._started_at = memory.clock.now()
        self._work = threading.Event()
        self._starting = threading.Lock()
        self._stopping = False
        self._answers: deque[tuple[str, str, tuple[str, ...]]] = deque(maxlen=_MOST_ANSWERS)
        self._session_id = f"server-{memory.clock.new_id()}"
        self._follower = threading.Thread(target=self._follow, name="index-follower", daemon=True)

    def prepare(self) -> None:
        """Reopen the store before a call, if the open one is gone and a caller has been told.

        Raises:
            StoreError: it is gone, which one call is told, or it cannot be opened.

        """
        with self._opening:
            guard = self.memory.store.database.guard
            with contextlib.suppress(StoreGoneError):
                guard.look_for_room(after_s=_RETRY_S)
            gone = guard.gone
            if gone is None:
                return
            if not self._is_told and not guard.is_whole:
                self._is_told = True
                raise StoreGoneError(str(gone))
            self.memory = self.memory.reopened()
            self.session = Session(self.memory)
            self._is_told = False

    def tell_gone(self) -> None:
        """Note that an answer has said that the store is gone."""
        with self._opening:
            self._is_told = self.memory.store.database.guard.gone is not None

    def book(self, tool: str, text: str, shown_ids: Iterable[str]) -> None:
        """Keep what a tool answered until the background books it, so that no call waits for that."""
        self._answers.append((tool, text, tuple(shown_ids)))

    def nudge(self) -> None:
        """Tell the follower that there may be something new; the first call starts it."""
        self._work.set()
        with self._starting:  # a thread that two calls start at once breaks
            if self._follower.ident is None and not self._stopping:
                self._follower.start()

    def learn(self) -> None:
        """Let learning catch up before an answer."""
        self.memory.learning.catch_up(_PATIENCE_S)

    def decide(self, patience_s: float = _PATIENCE_S) -> int:
        """Let decisions catch up before an answer; return how many records have yet to be looked at."""
        return self.memory.decisions.catch_up(patience_s)

    def close(self) -> None:
        """Stop following and close the memory; a follower in the middle of a batch keeps the file, which is safe."""
        with self._starting:
            self._stopping = True
        self._work.set()
        if self._follower.is_alive():
            self._follower.join(timeout=_LAST_BATCH_S)
        if not self._follower.is_alive():
            with contextlib.suppress(MemoryMcpError):  # of the store; only bookings are lost
                self._book()
            self.memory.close()

    def metrics_report(self) -> dict[str, Any]:
        """Return what was counted; null stands with its reason for what was not."""
        calls = {
            name: {field: getattr(each, field) for field in each.__struct_fields__}
            for name, each in self.metrics.snapshot().items()
        }
        report: dict[str, Any] = {
            "version": __version__,
            "since": iso(self._started_at),
            "calls": calls or None,
            "cache": self._cache_report(),
            "index": msgspec.to_builtins(self.memory.store.index_sizes()),
            "store": {**self.memory.store.counts(), "bytes": self.memory.store.size_bytes()},
            "project": self.memory.store.project_counts(),
        }
        reasons = {"calls": "no tool call has finished yet"}
        return report | {"not_measured": {name: why for name, why in reasons.items() if report[name] is None}}

    def _cache_report(self) -> dict[str, Any]:
        """Return what this process took from the cache, and what the cache holds."""
        store, similarity = self.memory.store, self.memory.find_similarity()
        hot = store.episodes.hot
        decoded, decoded_bytes = hot.decoded
        return {
            "episodes": {
                "decoded": decoded,
                "decoded_bytes": decoded_bytes,
                "hits": hot.hits,
                "cache_hits": hot.cache_hits,
                "misses": hot.misses,
                "all_processes": msgspec.to_builtins(hot.counts()),
            },
            "vectors": {
                "reads": similarity.vectors.reads,
                "folds": similarity.vectors.folds,
                "private_bytes": similarity.vectors.private_bytes,
            }
            if similarity
            else None,
            "files": msgspec.to_builtins(store.cache.state()) if store.cache else None,
        }

    def _follow(self) -> None:
        while not self._stopping:
            if not self._work.wait(_RHYTHM_S) and not waits(self.memory):
                continue
            burst_ends = time.monotonic() + _LONGEST_BURST_S
            while self._work.is_set() and not self._stopping and time.monotonic() < burst_ends:
                self._work.clear()  # let a burst of calls pass before competing with it, but not for ever
                self._work.wait(_QUIET_S)
            if self._stopping:
                return
            try:
                self._catch_up()
            except MemoryMcpError as error:
                logger.warning("the index could not follow: %s", error)
                self._work.wait(_RETRY_S)
            except Exception:  # one record, it may be: what comes later must be followed all the same
                logger.exception("the index could not follow")
                self._work.wait(_RETRY_S)

    def _catch_up(self) -> None:
        """Do once all that is done in the background."""
        self._book()
        self._open_cache()
        self._drain()
        self.memory.store.ids.follow()
        self.memory.layers.fold_merged()
        self._learn()
        self._index()
        while not self._stopping and self.memory.index.keywords.remake():
            pass
        self._settle()
        while not self._stopping and not self._work.is_set() and self.memory.index.keywords.merge():
            pass

    def _book(self) -> None:
        """Book the answers that wait, in one transaction; a store that can only be read books none."""
        answers = [self._answers.popleft() for _ in range(len(self._answers))]
        if not answers or self.memory.store.database.is_read_only:
            return
        ids = self.memory.store.ids
        bookings = []
        for tool, text, shown in answers:
            names = []
            for each in shown:
                with contextlib.suppress(MemoryMcpError):  # it is erased meanwhile
                    names.append(ids.full(each))
            bookings.append(self.memory.ledger.booking(self._session_id, "tool", tool, text, names))
        self.memory.ledger.book_all(bookings)

    def _drain(self) -> None:
        """Record the queued hook events of all projects; a long queue takes turns with the index."""
        try:
            if drain(self.memory, _DRAINING_S) and waits(self.memory):
                self._work.set()
        except OSError as error:
            logger.warning("the queue of the hooks cannot be used: %s", error)

    def _open_cache(self) -> None:
        if self.memory.store.cache is not None:
            with contextlib.suppress(CacheError):  # health_check tells
                self.memory.store.cache.open()

    def _settle(self) -> None:
        """Bring the cache up to date, so that the next search, of whatever process, need not."""
        with contextlib.suppress(CacheError):  # as above
            self.memory.similarity.settle()
        self.memory.similarity.warm()

    def _learn(self) -> None:
        """Learn from what changed, a batch at a time, so that a large history does not keep the end waiting.

        Learning scores episodes anew, which changes them; they are indexed at once. Else, after a migration, the next
        search would have to index all that was learnt until then: 14 s at 10,000 episodes.
        """
        while not self._stopping and self.memory.learning.follow(patience_s=0.0):
            self._index()
        while not self._stopping and self.memory.decisions.follow(0.0):
            self._index()

    def _index(self) -> None:
        self.memory.index.keywords.follow()
        wanted = self.memory.index.wanted
        while wanted and not self._stopping and self.memory.index.vectors_lag():
            self.memory.index.follow_vectors(wanted, patience_s=0.0)
