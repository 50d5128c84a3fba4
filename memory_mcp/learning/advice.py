"""This module gives recommendations, remembers what it gave in which episode, and takes feedback on it."""

from collections.abc import Sequence

import msgspec
from msgspec import Struct

from memory_mcp.config.settings import LearningSettings
from memory_mcp.embeddings.words import content_words
from memory_mcp.errors import BusyError, InvalidInputError, ReadOnlyStoreError, StoreFullError
from memory_mcp.facts.choosing import chosen
from memory_mcp.facts.counting import is_same_task
from memory_mcp.facts.project_facts import Knowledge, ProjectFacts
from memory_mcp.learning.credit import acted_on, features_of
from memory_mcp.models import checks, limits
from memory_mcp.models.episodes import Episode, EpisodeFilter
from memory_mcp.models.patterns import Tally
from memory_mcp.models.recall import Answer, Hit, Query
from memory_mcp.models.recommendations import (
    NOTHING,
    WITHHELD,
    Given,
    Judgement,
    Playbook,
    PlaybookFact,
    PlaybookFile,
    Recommendation,
    RecommendationKind,
    Recommended,
    Wanted,
)
from memory_mcp.patterns import playbooks
from memory_mcp.patterns.carrying_over import Asked
from memory_mcp.patterns.playbooks import Similar
from memory_mcp.patterns.recommending import LEAST_RELEVANT, Recommender
from memory_mcp.patterns.strength import ageing
from memory_mcp.retrieval.search import Recall
from memory_mcp.storage.store import Store

_SIMILAR = 6  # episodes behind a playbook
_SHORT = 8  # content words up to which a task must share most of its words with an episode
_ALIKE = 1.0  # relevance from which an episode is like a longer task
_LESS_ALIKE = 0.6  # relevance that suffices where they share most words
_MOST_FACTS = 8
_COMPARED_FILES = 3  # voted files of which a comparable episode changed one
_FITTING_FILES = 2  # voted files whose own facts are told
_COIN = 1 << 32


class Judged(Struct, frozen=True):
    """Which records feedback counted for, and how following each has gone so far."""

    document_ids: tuple[str, ...]
    tallies: dict[str, Tally]


class Advice:
    """What the memory advises in one project, and what came of it."""

    def __init__(
        self,
        store: Store,
        recall: Recall,
        recommender: Recommender,
        facts: ProjectFacts,
        settings: LearningSettings,
    ) -> None:
        self._facts = facts
        self._store = store
        self._recall = recall
        self._recommender = recommender
        self._settings = settings

    def patterns(self, wanted: Wanted, *, episode_id: str | None = None) -> Given:
        """Recommend patterns for a task; inside an episode it is remembered for the credit.

        Raises:
            InvalidInputError: the task is empty or too long.
            NotFoundError: no such episode here.

        """
        if self.withholds(episode_id):
            return Given(None, (), WITHHELD)
        found = self._recommender.recommend(wanted)
        if not found:
            return Given(None, (), NOTHING)
        made = self._made("patterns", wanted.task, [each.pattern.id for each in found], episode_id)
        unkept = self._keep(made)
        return Given(None if unkept else made.id, tuple(found), unkept)

    def playbook(self, wanted: Wanted, *, episode_id: str | None = None) -> Playbook:
        """Make a playbook for a task and store it; an empty one says why and is not stored.

        Raises:
            InvalidInputError: the task is empty or too long.
            NotFoundError: no such episode here.

        """
        now = self._store.clock.now()
        if self.withholds(episode_id):
            return Playbook("", wanted.task, now, message=WITHHELD)
        known = self._facts.known()
        recommended = [each for each in self._recommender.recommend(wanted) if _is_named(each)]
        similar = self._similar(wanted.task, episode_id, known)
        files = known.files(wanted.task, _likeness(similar))
        if not similar and not recommended and not files and not known.concerns(wanted.task):
            return Playbook("", wanted.task, now, message=NOTHING)
        compared = [each.file for each in files[:_COMPARED_FILES]]
        runs = self._store.digests.runs
        made = playbooks.draft(
            Asked(wanted.task, compared),
            similar,
            recommended,
            lambda shape: [(id_, known.task_of(id_), count) for id_, count in runs.of_subjects([(shape, "")])],
        )
        facts = chosen(known.facts(), [each.file for each in files[:_FITTING_FILES]], wanted.task)
        playbook = Playbook(
            id=self._store.clock.new_id(),
            task=wanted.task,
            made_at=now,
            steps=made.steps,
            pitfalls=made.pitfalls,
            sources=made.sources,
            patterns=tuple(each.pattern.id for each in recommended),
            facts=tuple(PlaybookFact(fact.text, fact.do) for fact in facts),
            files=tuple(PlaybookFile(each.file, each.why) for each in files),
            caution=made.caution,
        )
        quoted = (*playbooks.documents_of(made, recommended), *(id_ for fact in facts for id_ in fact.episodes))
        unkept = self._keep(
            Recommendation(
                playbook.id, "playbook", wanted.task, now, tuple(dict.fromkeys(quoted)), episode_id, playbook=playbook
            )
        )
        return msgspec.structs.replace(playbook, id="", message=unkept) if unkept else playbook

    def find_playbook(self, playbook_id: str) -> Playbook:
        """Return a playbook given before.

        Raises:
            NotFoundError: no such playbook here.

        """
        made = self._store.recommendations.get(playbook_id)
        if made.playbook is None:
            raise InvalidInputError(f"{playbook_id} is a recommendation of {made.kind}, not a playbook")
        return made.playbook

    def recall(self, query: Query, *, episode_id: str | None) -> Answer:
        """Answer a question inside an episode, and remember what was answered for the credit."""
        if self.withholds(episode_id):
            return Answer((), "keyword", None, degraded=(WITHHELD,))
        answer = self._recall.search(query)
        unkept = self._keep(self._made("recall", query.text, [hit.id for hit in answer.hits], episode_id))
        return msgspec.structs.replace(answer, degraded=(*answer.degraded, unkept)) if unkept else answer

    def note_exposure(self, episode_id: str, *, withheld: bool) -> None:
        """Log that an episode's recalls are withheld, or that they were asked.

        Raises:
            BusyError: another process held the write lock until the deadline.

        """
        made = self._made("recall", "", (), episode_id)
        self._store.recommendations.insert(msgspec.structs.replace(made, withheld=withheld))

    def toss(self) -> bool:
        """Say whether the recalls of a new episode are withheld; the randomness is that of fresh identifiers."""
        share = self._settings.withhold_share
        return share > 0 and int(self._store.clock.new_id()[-8:], 16) / _COIN < share

    def withholds(self, episode_id: str | None) -> bool:
        """Say whether an episode's recalls are withheld; the first one of an episode decides for all of them."""
        if episode_id is None or self._settings.withhold_share == 0 or self._store.database.is_read_only:
            return False
        decided = self._store.recommendations.is_withheld_in(episode_id)
        if decided is not None:
            return decided
        decided = self.toss()
        try:
            self.note_exposure(episode_id, withheld=decided)
        except (BusyError, StoreFullError):  # an answer that cannot be logged as withheld is given
            return False
        return decided

    def judge(
        self,
        judgement: Judgement,
        *,
        recommendation_id: str | None = None,
        document_ids: Sequence[str] = (),
        rating: int | None = None,
        note: str = "",
    ) -> Judged:
        """Take feedback; helped and hindered (or the rating, 1 to 5) move the ranking, once in each episode.

        It counts for what was recommended, and the latest word on it stands. Feedback on a whole recommendation counts
        for what was acted on since; outside an episode, where that cannot be seen, for all of it.

        Raises:
            InvalidInputError: it is not said what is judged, or the rating is out of range.
            NotFoundError: no such recommendation or record here.

        """
        if recommendation_id is None and not document_ids:
            raise InvalidInputError("say what is judged: a recommendation_id, or pattern_ids")
        if rating is not None and not 1 <= rating <= 5:  # noqa: PLR2004 - five stars
            raise InvalidInputError(f"rating is {rating} and must lie within 1 and 5")
        note = checks.text(note, "the note", limits.NOTE_CHARACTERS)
        chosen = tuple(dict.fromkeys(document_ids))
        if recommendation_id is not None:
            made = self._store.recommendations.get(recommendation_id)
            chosen = chosen or self._acted(made)
        share = (rating - 1) / 4 if rating is not None else {"helped": 1.0, "hindered": 0.0}.get(judgement)
        counted = self._store.recommendations.judge(
            recommendation_id, chosen, judgement, rating=rating, note=note, share=share
        )
        return Judged(counted, self._store.patterns.followed(counted))

    def _made(
        self, kind: RecommendationKind, task: str, document_ids: Sequence[str], episode_id: str | None
    ) -> Recommendation:
        clock = self._store.clock
        return Recommendation(clock.new_id(), kind, task, clock.now(), tuple(document_ids), episode_id)

    def _keep(self, made: Recommendation) -> str:
        """Store what was recommended; where the store cannot be written the advice stands, and a sentence says so."""
        try:
            self._store.recommendations.insert(made)
        except (BusyError, ReadOnlyStoreError, StoreFullError) as error:
            return f"this answer is not kept for feedback and credit: {error}"
        return ""

    def _acted(self, made: Recommendation) -> tuple[str, ...]:
        if made.episode_id is None:
            return made.document_ids
        with self._store.database.read() as session:
            records = self._store.records(session, made.document_ids)
        later = [s for s in self._store.episodes.get(made.episode_id).steps if s.recorded_at >= made.made_at]
        return tuple(each.id for each in records if acted_on(features_of(each), later))

    def _similar(self, task: str, besides: str | None, known: Knowledge) -> list[Similar]:
        # running episodes must not be searched: of those that share a task only the best one is a hit
        completed = EpisodeFilter(status="completed")
        answer = self._recall.search(Query(task, limit=_SIMILAR, filter=completed, kinds=("episode",)))
        hits = [hit for hit in answer.hits if hit.id != besides]
        asked = len(set(content_words(task)))
        hits = [hit for hit in hits if _is_alike(hit, asked)]
        least = LEAST_RELEVANT * max((hit.relevance for hit in hits), default=0.0)
        ids = [hit.id for hit in hits if hit.relevance >= least]
        followed = self._store.patterns.followed(ids)
        with self._store.database.read() as session:
            episodes = {each.id: each for each in self._store.records(session, ids) if isinstance(each, Episode)}
        now = self._store.clock.now()
        return [
            Similar(
                episodes[hit.id],
                hit.relevance,
                ageing(hit.created_at, now, self._settings.half_life_days),
                followed.get(hit.id, Tally()),
                tuple(known.tried(hit.id)),
                known.changed(hit.id),
                is_same_task(task, episodes[hit.id].task),
            )
            for hit in hits
            if hit.id in episodes
        ]


def _is_named(each: Recommended) -> bool:
    """Whether a pattern is the recovery from an error that the task names."""
    return each.pattern.kind == "error_recovery" and each.parts["context"] > 0


def _is_alike(hit: Hit, asked: int) -> bool:
    """Whether an episode is like a task of so many words, rather than one that shares a word or two with it."""
    if asked > _SHORT and hit.relevance >= _ALIKE:
        return True
    return hit.relevance >= _LESS_ALIKE and 2 * len(hit.matched) > asked


def _likeness(similar: Sequence[Similar]) -> dict[str, float]:
    """Return how alike episodes are to the task, 1 for the most similar one."""
    best = max((each.relevance for each in similar), default=0.0)
    return {each.episode.id: each.relevance / best for each in similar} if best > 0 else {}
