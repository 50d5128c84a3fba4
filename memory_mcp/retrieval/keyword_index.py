"""This module lets the keyword index follow the store's changes."""

import contextlib
import time
from collections.abc import Callable
from typing import get_args

from memory_mcp.errors import IndexDamagedError, IndexMendedError
from memory_mcp.models.episodes import Episode
from memory_mcp.models.recall import Kind
from memory_mcp.retrieval.keywords import FORMAT, holding, keyword_text
from memory_mcp.retrieval.terms import Terms
from memory_mcp.retrieval.texts import date_names, decision_text, episode_text, note_text, pattern_text, turn_text
from memory_mcp.storage import derived, documents, keyword_entries, keyword_matches, search_index
from memory_mcp.storage.database import Session
from memory_mcp.storage.search_index import Pending
from memory_mcp.storage.sights import Sight
from memory_mcp.storage.store import Store

SCANNED = 200  # unindexed records that a search scans: 40 ms
_REMADE_AT_ONCE = 50  # documents; a search that finds an earlier format waits for so many
_MERGED_AT_ONCE = 32  # pages; writers wait for them, some 10 ms
_GROWN = 0.1  # share of the store that must be new before all parts are merged again, and at least so many changes:
_LEAST_GROWN = 100
_BATCH = 100  # episodes can be large: 500 held 200 MB of an import of transcripts

Progress = Callable[[int], None]


class KeywordIndex:
    """Follows `changes`, for a search that needs no vectors as for one that does; loads no numpy."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def follow(self, progress: Progress | None = None, *, patience_s: float = float("inf")) -> None:
        """Bring the keyword index up to date; on a read-only file it stays as it is.

        An index that is being rebuilt is filled only as long as patience lasts.

        Raises:
            BusyError: another process held the write lock until the deadline.
            StoreFullError: there is no room for it.

        """
        deadline = time.monotonic() + patience_s
        while self._lags():
            try:
                done = self._follow_some()
            except IndexMendedError:  # it is empty now, and filled from the first change on
                done = 0
            if progress:
                progress(done)
            if time.monotonic() > deadline and self.is_rebuilding():
                return

    def _follow_some(self) -> int:
        with self._store.database.write() as session:
            after = search_index.followed(session, search_index.KEYWORDS)
            if after > search_index.head(session):
                raise IndexDamagedError("followers", f"the keyword index says that it has followed change {after}")
            if not after and not search_index.count_keywords(session):
                keyword_entries.finish_remaking(session, FORMAT)
            work = search_index.pending(session, after, _BATCH)
            texts = self._texts(session, work)
            keyword_entries.write_keywords(session, texts, work.up_to)
            unreadable = work.keys - texts.keys()
            if unreadable:
                reasons = dict.fromkeys(unreadable, "it could not be read for the index")
                documents.mark_damaged(session, self._store.clock, reasons)
        return len(texts)

    def is_rebuilding(self) -> bool:
        """Whether it is being rebuilt and does not yet hold again what it held."""
        with self._store.database.read() as session:
            return derived.is_rebuilding(session)

    def count_lag(self) -> int:
        """Count the records that are not in it yet."""
        with self._store.database.read() as session:
            return search_index.count_pending(session, search_index.followed(session, search_index.KEYWORDS))

    def scan(self, session: Session, terms: Terms, sight: Sight) -> dict[int, tuple[str, ...]]:
        """Scan some of the records that are not indexed yet; return the words that each of them holds."""
        after = search_index.followed(session, search_index.KEYWORDS)
        work = search_index.pending(session, after, SCANNED)
        visible = keyword_matches.visible(session, sight, work.keys)
        texts = self._texts(session, work)
        held = {key: holding(session, text, terms.words) for key, text in texts.items() if key in visible}
        return {key: words for key, words in held.items() if words}

    def is_outdated(self, session: Session) -> bool:
        """Whether entries are left that an earlier version wrote in another format."""
        return search_index.followed(session, keyword_entries.KEYWORD_FORMAT) != FORMAT

    def remake(self) -> bool:
        """Index the next documents again where the format is an earlier one; say whether there may be more to do.

        Recall goes on meanwhile: an old entry finds what it found before.

        Raises:
            BusyError: another process held the write lock until the deadline.

        """
        if self._store.database.is_read_only:
            return False
        with self._store.database.read() as session:
            if not self.is_outdated(session):
                return False
        with contextlib.suppress(IndexMendedError), self._store.database.write() as session:
            rows = keyword_entries.document_keys(session, keyword_entries.remade(session), _REMADE_AT_ONCE)
            if rows and search_index.count_keywords(session):
                kinds = [tuple(key for key, kind in rows if kind == each) for each in get_args(Kind)]
                episodes, notes, patterns, turns, decisions = kinds
                work = Pending(episodes, notes, patterns, turns, decisions, rows[-1][0])
                keyword_entries.remake_keywords(session, self._texts(session, work), rows[-1][0])
                return True
            keyword_entries.finish_remaking(session, FORMAT)
        return False

    def merge(self) -> bool:
        """Merge some of what many writes have left in parts; say whether there is more to do.

        One part instead of twelve, 10,000 records: a title takes 11.4 ms instead of 14.5, a prompt of 250 words 17.6
        instead of 24.6; all steps together take 0.3 s.

        Raises:
            BusyError: another process held the write lock until the deadline.

        """
        if self._store.database.is_read_only:
            return False
        with self._store.database.read() as session:
            least = max(_GROWN * search_index.extent(session), _LEAST_GROWN)
            if keyword_entries.count_unmerged(session) < least:
                return False
        with contextlib.suppress(IndexMendedError), self._store.database.write() as session:
            return keyword_entries.merge_keywords(session, _MERGED_AT_ONCE)
        return False

    def _texts(self, session: Session, work: Pending) -> dict[int, str]:
        texts = {key: keyword_text(text) for key, text in texts_of(self._store, session, work).items()}
        for key, turn in self._store.turns.load_many(session, work.turn_keys).items():
            texts[key] += f" {date_names(turn.message.at)}"
        return texts

    def lacks_only(self, episode_id: str) -> bool:
        """Whether nothing but this episode has changed since; told without following."""
        with self._store.database.read() as session:
            after = search_index.followed(session, search_index.KEYWORDS)
            work = search_index.pending(session, after, _BATCH)
            others = work.keys - {*work.episode_keys}
            if others or work.up_to < search_index.head(session) or len(work.episode_keys) > 1:
                return False
            return all(each.id == episode_id for each in search_index.candidates(session, work.episode_keys).values())

    def is_behind(self, session: Session) -> bool:
        """Whether there are changes that it has not followed."""
        return search_index.followed(session, search_index.KEYWORDS) != search_index.head(session)

    def _lags(self) -> bool:
        if self._store.database.is_read_only:
            return False
        with self._store.database.read() as session:
            return self.is_behind(session)


def texts_of(store: Store, session: Session, work: Pending) -> dict[int, str]:
    """Make the indexed text of each changed document; a damaged one has none and cannot be found."""
    episodes = store.episodes.load_many(session, work.episode_keys)
    texts = {key: episode_text(episode) for key, episode in episodes.items() if isinstance(episode, Episode)}
    texts |= {key: note_text(note) for key, note in store.notes.load_many(session, work.note_keys).items()}
    decisions = store.decisions.load_many(session, work.decision_keys) if work.decision_keys else {}
    texts |= {key: decision_text(decision) for key, decision in decisions.items()}
    patterns = store.patterns.load_many(session, work.pattern_keys)
    texts |= {key: turn_text(turn) for key, turn in store.turns.load_many(session, work.turn_keys).items()}
    return texts | {key: pattern_text(pattern) for key, pattern in patterns.items()}
