"""This module recommends patterns for a task: found by meaning and words, weighed by context, proof and age."""

from memory_mcp.actions.signatures import shows, signature
from memory_mcp.actions.subjects import lacks
from memory_mcp.clock import Clock
from memory_mcp.config.settings import LearningSettings
from memory_mcp.expressions import expression
from memory_mcp.models.episodes import EpisodeFilter
from memory_mcp.models.patterns import ErrorRecovery, Pattern
from memory_mcp.models.recall import Hit, Query
from memory_mcp.models.recommendations import Recommended, Wanted
from memory_mcp.patterns.earning import is_borne_out, is_close
from memory_mcp.patterns.merging import error_class, similarity
from memory_mcp.patterns.strength import ageing, lower_bound
from memory_mcp.patterns.wording import evidence_sentence, not_when, proof_sentence, use_sentence
from memory_mcp.retrieval.search import Recall
from memory_mcp.storage.pattern_store import PatternStore

_SEARCHED = 20  # hits that are weighed beside those that are wanted: most patterns say nothing that is borne out
_CLASS = expression(r"(?:\w+\.)*\w+(?:Error|Exception)\b")
_ALIKE = 0.5  # Dice coefficient of the words of two errors of one class
LEAST_RELEVANT = 0.5  # of the best one's relevance; what is less like the task tells another story
# addends beside keyword and similarity, each at most 1 before its weight
PROOF_WEIGHT = 1.0
CONTEXT_WEIGHT = 0.4
AGEING_WEIGHT = 0.2


class Recommender:
    """Ranks the patterns of one project."""

    def __init__(self, store: PatternStore, recall: Recall, settings: LearningSettings, clock: Clock) -> None:
        self._store = store
        self._recall = recall
        self._settings = settings
        self._clock = clock

    def search(self, text: str, limit: int) -> list[tuple[Pattern, Hit]]:
        """Return the patterns that a text finds and that say what to do, best first, weighed by nothing else.

        Raises:
            InvalidInputError: the text is empty or too long.

        """
        query = Query(text, limit=_SEARCHED + limit, filter=EpisodeFilter(), kinds=("pattern",))
        hits = {hit.id: hit for hit in self._recall.search(query).hits}
        found = self._store.get_many(list(hits))
        return [(pattern, hits[pattern.id]) for pattern in found if is_borne_out(pattern) or is_close(pattern)][:limit]

    def recommend(self, wanted: Wanted) -> list[Recommended]:
        """Return what is worth following for a task, best first; empty where nothing relevant is known.

        What was seen in one task only is told to nobody but who meets the very error.

        Raises:
            InvalidInputError: the task is empty or too long.

        """
        found = self.search(wanted.task, _SEARCHED + wanted.limit)
        least = LEAST_RELEVANT * max((hit.relevance for _, hit in found), default=0.0)
        weighed = [
            self._weigh(pattern, hit, wanted)
            for pattern, hit in found
            if hit.relevance >= least
            and (is_borne_out(pattern) or is_met(pattern, wanted.task) or is_akin(pattern, wanted.task))
        ]
        weighed.sort(key=lambda each: (-each.score, each.pattern.id))
        return weighed[: wanted.limit]

    def _weigh(self, pattern: Pattern, hit: Hit, wanted: Wanted) -> Recommended:
        met = is_met(pattern, wanted.task)
        parts = {
            "keyword": hit.parts.keyword,
            "similarity": hit.parts.similarity,
            "proof": round(PROOF_WEIGHT * lower_bound(pattern.tally), 4),
            "context": round(CONTEXT_WEIGHT * met, 4),
            "ageing": round(
                AGEING_WEIGHT * ageing(pattern.last_seen, self._clock.now(), self._settings.half_life_days), 4
            ),
        }
        why = [evidence_sentence(pattern), proof_sentence(pattern), use_sentence(pattern)]
        if hit.matched:
            why.append(f"It shares the words {', '.join(hit.matched[:6])} with the task.")
        if met:
            why.append("Same error.")
        elif is_akin(pattern, wanted.task):
            why.append("Another error of the same kind: its cure is an example, not yours.")
        return Recommended(
            pattern=pattern,
            score=round(sum(parts.values()), 4),
            relevance=hit.relevance,
            parts=parts,
            why=tuple(filter(None, why)),
            not_when=tuple(not_when(pattern)),
        )


def is_met(pattern: Pattern, task: str) -> bool:
    """Whether a task is, or quotes, the error of a pattern, or one that says nearly the same of the same thing."""
    told = signature(task)
    known = [each for each in (pattern.definition, *pattern.also) if isinstance(each, ErrorRecovery)]
    if any(each.signature == told or shows(task, each.signature) for each in known):
        return True
    is_of_one_thing = any(lacks(each.signature) == lacks(told) for each in known)
    return is_of_one_thing and any(similarity(each, ErrorRecovery(told)) >= _ALIKE for each in known)


def is_akin(pattern: Pattern, task: str) -> bool:
    """Whether a task is the error, or one of its kind: of the same class, or something else that is missing."""
    if is_met(pattern, task):
        return True
    told = ErrorRecovery(signature(task))
    known = [each for each in (pattern.definition, *pattern.also) if isinstance(each, ErrorRecovery)]
    if lacks(told.signature):
        return any(lacks(each.signature) for each in known)
    return bool(_CLASS.match(told.signature)) and any(error_class(each) == error_class(told) for each in known)
