"""This module learns from episodes: it follows the store's changes, so that nothing recorded stays unlearned."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from msgspec import Struct

from memory_mcp.actions.steps import action_of
from memory_mcp.config.settings import LearningSettings
from memory_mcp.episodes.lifecycle import Episodes, looked_at_again
from memory_mcp.errors import BusyError, ReadOnlyStoreError, StoreFullError
from memory_mcp.facts.surveying import survey
from memory_mcp.learning.credit import acted_on, features_of
from memory_mcp.learning.near_duplicates import find_repeated
from memory_mcp.models.episodes import Episode, Outcome
from memory_mcp.models.patterns import (
    ErrorRecovery,
    Finding,
    Pattern,
    PatternFilter,
)
from memory_mcp.models.receipts import Receipt
from memory_mcp.models.relationships import Relationship
from memory_mcp.models.snapshots import Snapshot
from memory_mcp.patterns.digests import digest
from memory_mcp.patterns.earning import is_earned
from memory_mcp.patterns.error_recoveries import error_recoveries
from memory_mcp.patterns.merging import comparable, count_words, error_class, same_as
from memory_mcp.patterns.observations import Observation, observe
from memory_mcp.patterns.strength import strength
from memory_mcp.storage.database import Session
from memory_mcp.storage.pattern_store import Teller
from memory_mcp.storage.snapshot_store import write_snapshot
from memory_mcp.storage.store import Store
from memory_mcp.worktrees.snapshots import take
from memory_mcp.worktrees.trees import WorkTree

_BATCH = 25  # episodes learnt from in one transaction
_PAGE = 500

Progress = Callable[[int], None]


class Completed(Struct, frozen=True):
    """A completed episode and what it taught; `pending` says that learning has to wait for a busy store."""

    episode: Episode
    receipt: Receipt
    patterns: tuple[Pattern, ...]
    duplicate_of: str | None = None
    pending: str = ""


class Aged(Struct, frozen=True):
    """A pattern and what age has left of its lower bound."""

    pattern: Pattern
    strength: float


class Learning:
    """Keeps digests, failures and patterns in step with the episodes of one project."""

    def __init__(
        self, store: Store, episodes: Episodes, settings: LearningSettings, tree: WorkTree | None, directory: Path
    ) -> None:
        self._store = store
        self._tree = tree
        self._directory = directory
        self._root = str(tree.root) if tree else ""
        self._episodes = episodes
        self._settings = settings

    def complete(self, episode_id: str, outcome: Outcome) -> Completed:
        """Close an active episode, score it, reflect on it and learn from it.

        The episode is closed even where learning must wait: then the next look at patterns catches up.

        Raises:
            NotFoundError: no such episode here.
            IllegalMoveError: the episode is completed already.

        """
        episode, receipt = self._episodes.complete(episode_id, outcome)
        try:
            snapshot = self._snapshot(episode)
            with self._store.database.write() as session:
                key, revision = self._store.episodes.place(session, episode_id)
                if snapshot is not None:
                    write_snapshot(session, self._store.writer, key, snapshot)
                learnt = self._learn(session, key, revision)
                ids = self._store.patterns.ids(session, learnt)
            duplicate_of = self._link(episode)
        except (BusyError, StoreFullError) as error:
            return Completed(episode, receipt, (), pending=str(error))
        patterns = self._store.patterns.get_many([ids[key] for key in learnt if key in ids])
        return Completed(episode, receipt, tuple(filter(is_earned, patterns)), duplicate_of)

    def _snapshot(self, episode: Episode) -> Snapshot | None:
        """Return the state of the files that an episode touched, what it changed first; None outside a work tree."""
        if self._tree is None:
            return None
        actions = [action_of(step) for step in episode.steps]
        ordered = sorted(actions, key=lambda action: action.kind != "edit")
        files = dict.fromkeys(file for action in ordered for file in action.files)
        return take(self._tree, self._directory, files, self._store.clock.now())

    def follow(self, *, patience_s: float = float("inf"), progress: Progress | None = None) -> bool:
        """Learn from every episode that changed, until there are none or the time is up; say whether to go on.

        Raises:
            BusyError: another process held the write lock until the deadline.

        """
        if self._store.database.is_read_only:
            return False
        deadline = time.monotonic() + patience_s
        while self._store.digests.lags():
            with self._store.database.write() as session:
                changed, up_to = self._store.digests.unlearned(session, _BATCH)
                for key, revision in changed:
                    self._learn(session, key, revision)
                self._store.digests.reach(session, up_to)
                episodes = self._store.episodes.load_many(session, [key for key, _ in changed], with_steps=False)
            for episode in episodes.values():
                if isinstance(episode, Episode):
                    self._link(episode)
            if progress:
                progress(len(changed))
            if time.monotonic() > deadline:
                return self._store.digests.lags()
        return False

    def catch_up(self, patience_s: float) -> bool:
        """Catch up before an answer, unless the store is busy or full; say whether some may be left."""
        try:
            return self.follow(patience_s=patience_s) or self._store.database.is_read_only
        except (BusyError, ReadOnlyStoreError, StoreFullError):
            return True

    def count_left(self, patience_s: float) -> int:
        """Catch up before an answer that tells how many episodes are left; counting them reads all their changes."""
        return self._store.digests.count_unlearned() if self.catch_up(patience_s) else 0

    def relearn(self, progress: Progress | None = None) -> None:
        """Learn from every episode of the project again."""
        self._store.digests.forget_place()
        self.follow(progress=progress)

    def aged(self) -> list[Aged]:
        """Return the patterns in use whose aged lower bound has fallen below the setting."""
        now = self._store.clock.now()
        found: list[Aged] = []
        cursor = None
        while True:
            page = self._store.patterns.list(PatternFilter(), limit=_PAGE, cursor=cursor)
            weighed = [Aged(each, strength(each, now, self._settings.half_life_days)) for each in page.patterns]
            found += [each for each in weighed if each.strength < self._settings.retire_below]
            cursor = page.next_cursor
            if cursor is None:
                return found

    def decay(self) -> list[Aged]:
        """Retire the patterns that have aged; one that is seen again comes back."""
        found = self.aged()
        self._store.patterns.retire([each.pattern.id for each in found], self._store.clock.now())
        return found

    def _learn(self, session: Session, key: int, revision: int) -> Sequence[int]:
        """Bring digest, failures, patterns and credit of one episode up to date; return its patterns' keys."""
        episode = self._store.episodes.load_many(session, [key])[key]
        if not isinstance(episode, Episode):
            return ()  # damaged, and reported where it is read
        if episode.kind != "task":
            return ()  # nothing was done in it
        again = looked_at_again(episode)
        if again != episode:
            self._store.episodes.correct(session, key, again)
            episode, revision = again, revision + 1
        seen = observe(episode, self._root)
        self._store.digests.write(session, key, revision, digest(seen, self._root), survey(episode))
        if episode.outcome is None:
            return ()
        teller = self._store.patterns.tell(session, key)
        self._tell_errors(session, teller, error_recoveries(seen, self._root))
        self._credit(session, key, seen)
        return teller.finish()

    def _tell_errors(self, session: Session, teller: Teller, errors: Sequence[Finding]) -> None:
        """Add errors to the patterns that say almost the same, those of this very episode included."""
        for each in errors:
            assert isinstance(each.definition, ErrorRecovery)  # noqa: S101 - the extractor makes no other
            words = count_words(each.definition)
            alike = self._store.patterns.find_errors(session, error_class(each.definition), comparable(words))
            equal = self._store.patterns.find(session, [each.definition])
            teller.add(each, [*same_as(each.definition, alike), *equal.values()], words)

    def _credit(self, session: Session, key: int, seen: Observation) -> None:
        """Let what was recommended in this episode and acted on share in how it went."""
        for made in self._store.recommendations.given_in(session, key):
            later = [step for step in seen.episode.steps if step.recorded_at >= made.made_at]
            records = self._store.records(session, made.document_ids)
            acted = {each.id: acted_on(features_of(each), later) for each in records}
            self._store.recommendations.credit(session, made, acted, seen.share)

    def _link(self, episode: Episode) -> str | None:
        """Link an episode of our own that repeats an earlier one; imported histories repeat themselves rightly."""
        if episode.outcome is None or (episode.source is not None and episode.source.is_imported):
            return None
        with self._store.database.read() as session:
            repeated = find_repeated(session, self._store, episode)
        if repeated is None:
            return None
        self._store.relationships.insert_many([Relationship("duplicates", episode.id, repeated)])
        return repeated
