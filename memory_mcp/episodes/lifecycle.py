"""This module moves episodes through their life: started, stepped, completed; an illegal move says what is allowed."""

from collections.abc import Callable, Sequence

import msgspec
from msgspec import Struct

from memory_mcp.clock import Clock
from memory_mcp.errors import IllegalMoveError, InvalidInputError
from memory_mcp.models import checks, limits
from memory_mcp.models.episodes import (
    Context,
    Episode,
    EpisodeFilter,
    EpisodeKind,
    EpisodePage,
    Outcome,
    Source,
    Step,
    Typical,
    is_proved,
    outcome_type,
)
from memory_mcp.models.receipts import Receipt
from memory_mcp.storage.episode_store import EpisodeStore

replace = msgspec.structs.replace
_ANY = EpisodeFilter()


class Changes(Struct, frozen=True):
    """What an update sets; None leaves a field as it is."""

    task: str | None = None
    task_type: str | None = None
    domain: str | None = None
    language: str | None = None
    framework: str | None = None
    complexity: str | None = None
    add_tags: tuple[str, ...] = ()
    remove_tags: tuple[str, ...] = ()
    is_global: bool | None = None


class Episodes:
    """The episodes of one project."""

    def __init__(self, store: EpisodeStore, clock: Clock, project: str) -> None:
        self._store = store
        self._clock = clock
        self._project = project

    def start(
        self, task: str, *, task_type: str = "", context: Context | None = None, is_global: bool = False
    ) -> tuple[Episode, Receipt]:
        """Begin an episode and return it with the receipt.

        Raises:
            InvalidInputError: the task is empty or a value goes past its limit.

        """
        episode = self.draft(task, task_type=task_type, context=context, is_global=is_global)
        return episode, self._store.insert(episode)

    def draft(
        self,
        task: str,
        *,
        task_type: str = "",
        context: Context | None = None,
        is_global: bool = False,
        source: Source | None = None,
    ) -> Episode:
        """Return an episode that begins now and is not stored.

        Raises:
            InvalidInputError: the task is empty or a value goes past its limit.

        """
        now = self._clock.now()
        return Episode(
            id=self._clock.new_id(),
            project=self._project,
            task=checks.text(task, "the task", limits.TASK_CHARACTERS, required=True),
            task_type=checks.text(task_type, "task_type", limits.NAME_CHARACTERS),
            context=checks.context(context or Context()),
            started_at=now,
            updated_at=now,
            is_global=is_global,
            source=source,
        )

    def append(self, episode_id: str, steps: Sequence[Step]) -> Receipt:
        """Append steps to an active episode; those without a time get the present one.

        Raises:
            NotFoundError: no such episode here.
            IllegalMoveError: the episode is completed.
            LimitError: a payload or the episode grows too large.

        """
        if not steps:
            raise InvalidInputError("no steps given; hand in at least one")
        now = self._clock.now()
        stamped = [step if step.recorded_at else replace(step, recorded_at=now) for step in checks.steps(steps)]
        return self._store.append_steps(episode_id, stamped, _must_be_active("append steps"))

    def complete(self, episode_id: str, outcome: Outcome) -> tuple[Episode, Receipt]:
        """Close an active episode, score it and reflect on it.

        Raises:
            NotFoundError: no such episode here.
            IllegalMoveError: the episode is completed already.

        """
        outcome = checks.outcome(outcome)
        before = self._store.get(episode_id, with_steps=False)
        typical = self._store.typical(before.context.domain, before.task_type)

        def close(episode: Episode) -> Episode:
            _must_be_active("complete it")(episode)
            return closed(replace(episode, updated_at=self._clock.now()), outcome, self._clock.now(), typical)

        return self._store.update(episode_id, "complete", close)

    def reopen(self, episode_id: str) -> tuple[Episode, Receipt]:
        """Go on in an episode that was completed by what its steps showed, since the session goes on.

        Raises:
            NotFoundError: no such episode here.

        """

        def open_again(episode: Episode) -> Episode:
            now = self._clock.now()
            return replace(episode, outcome=None, completed_at=None, reward=None, reflection=None, updated_at=now)

        return self._store.update(episode_id, "reopen", open_again)

    def update(self, episode_id: str, changes: Changes) -> tuple[Episode, Receipt]:
        """Change what is known about the task; steps and outcome cannot be changed.

        Raises:
            NotFoundError: no such episode here.
            InvalidInputError: nothing is given, or a value goes past its limit.

        """
        if changes == Changes():
            raise InvalidInputError(f"nothing to update; give one of {', '.join(Changes.__struct_fields__)}")

        def change(episode: Episode) -> Episode:
            old = episode.context
            given = {
                name: value
                for name in ("domain", "language", "framework", "complexity")
                if (value := getattr(changes, name)) is not None
            }
            tags = (set(old.tags) | set(changes.add_tags)) - set(changes.remove_tags)
            return replace(
                episode,
                task=checks.text(changes.task, "the task", limits.TASK_CHARACTERS, required=True)
                if changes.task is not None
                else episode.task,
                task_type=checks.text(changes.task_type, "task_type", limits.NAME_CHARACTERS)
                if changes.task_type is not None
                else episode.task_type,
                context=checks.context(replace(old, **given, tags=tuple(tags))),
                is_global=episode.is_global if changes.is_global is None else changes.is_global,
                updated_at=self._clock.now(),
            )

        return self._store.update(episode_id, "update", change)

    def delete(self, episode_id: str) -> Receipt:
        """Erase an episode for good.

        Raises:
            NotFoundError: no such episode here.

        """
        return self._store.delete(episode_id)

    def get(self, episode_id: str) -> Episode:
        """Return an episode with its steps.

        Raises:
            NotFoundError: no such episode here.

        """
        return self._store.get(episode_id)

    def list(
        self, chosen: EpisodeFilter = _ANY, *, kind: EpisodeKind = "task", limit: int = 20, cursor: str | None = None
    ) -> EpisodePage:
        """Return one page of episodes, newest first.

        Raises:
            InvalidInputError: the cursor or the limit is not one.

        """
        narrowed, page_size = checks.narrowing(chosen), checks.page_size(limit)
        return self._store.list(narrowed, kind=kind, limit=page_size, cursor=cursor)

    def record(self, episodes: Sequence[Episode]) -> Sequence[Receipt]:
        """Store episodes that happened elsewhere, in one transaction, scored like our own.

        Raises:
            InvalidInputError: one of them goes past a limit; none is stored then.

        """
        places = {(episode.context.domain, episode.task_type) for episode in episodes}
        typical = {place: self._store.typical(*place) for place in places}
        return self._store.insert_many(
            [self._prepared(episode, typical[episode.context.domain, episode.task_type]) for episode in episodes]
        )

    def record_again(self, episode_id: str, episode: Episode) -> Receipt:
        """Replace a recorded episode by what its source says now, under the id that it has.

        Raises:
            NotFoundError: no such episode here.
            InvalidInputError: it goes past a limit.

        """
        typical = self._store.typical(episode.context.domain, episode.task_type)
        return self._store.replace(self._prepared(replace(episode, id=episode_id), typical))

    def sources(self, kind: str) -> dict[str, str]:
        """Map the source ids that an importer has recorded to episode ids."""
        return self._store.sources(kind)

    def step_counts(self, kind: str) -> dict[str, int]:
        """Map the source ids that an importer has recorded to the steps that their episodes have."""
        return self._store.step_counts(kind)

    def correct_outcome(self, episode_id: str, outcome: Outcome, *, tag: str) -> tuple[Episode, Receipt]:
        """Replace the outcome of a recorded episode after later evidence, such as a revert, and tag it."""
        outcome = checks.outcome(outcome)

        def correct(episode: Episode) -> Episode:
            tags = checks.tags((*episode.context.tags, tag))
            corrected = replace(episode, context=replace(episode.context, tags=tags), updated_at=self._clock.now())
            typical = episode.reward.typical if episode.reward else None
            return closed(corrected, outcome, episode.completed_at or self._clock.now(), typical)

        return self._store.update(episode_id, "correct_outcome", correct)

    def _prepared(self, episode: Episode, typical: Typical | None) -> Episode:
        now = self._clock.now()
        named = replace(
            checks.episode(episode),
            id=episode.id or self._clock.new_id(),
            project=self._project,
            started_at=episode.started_at or now,
            updated_at=episode.updated_at or now,
        )
        if named.outcome is None:
            return named
        return closed(named, named.outcome, named.completed_at or named.updated_at, typical)


def closed(episode: Episode, outcome: Outcome, at: int, typical: Typical | None) -> Episode:
    """Return the episode with its outcome, reward and reflection; `typical` is what its efficiency is measured by."""
    from memory_mcp.episodes.reflection import reflect  # noqa: PLC0415 - few hooks complete an episode
    from memory_mcp.episodes.reward import reward  # noqa: PLC0415 - as above
    from memory_mcp.episodes.shown_outcomes import weighed  # noqa: PLC0415 - as above

    done = replace(episode, outcome=weighed(outcome, episode.steps), completed_at=at)
    return replace(done, reward=reward(done, typical), reflection=reflect(done))


def looked_at_again(episode: Episode) -> Episode:
    """Return an episode whose outcome is a claim as its steps show it now; versions before scored claims as wins."""
    if episode.outcome is None or episode.kind != "task" or is_proved(episode.outcome):
        return episode
    typical = episode.reward.typical if episode.reward else None
    return closed(episode, episode.outcome, episode.completed_at or episode.updated_at, typical)


def _must_be_active(what: str) -> Callable[[Episode], None]:
    def check(episode: Episode) -> None:
        if episode.kind != "task":
            raise IllegalMoveError(f"episode {episode.id} is a conversation, so you cannot {what}; add messages to it")
        if episode.outcome is not None:
            raise IllegalMoveError(
                f"episode {episode.id} was completed as {outcome_type(episode.outcome)}, so you cannot {what}; "
                "update, get and delete are allowed, or start a new episode"
            )

    return check
