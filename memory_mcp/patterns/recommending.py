"""This module recommends patterns for a task: found by meaning and words, weighed by context, proof and age."""

from collections.abc import Sequence

from memory_mcp.clock import Clock
from memory_mcp.config.settings import LearningSettings
from memory_mcp.models.episodes import EpisodeFilter
from memory_mcp.models.patterns import ContextPattern, ErrorRecovery, Pattern
from memory_mcp.models.recall import Hit, Query
from memory_mcp.models.recommendations import Recommended, Wanted
from memory_mcp.patterns.strength import ageing, lower_bound
from memory_mcp.patterns.wording import advice, evidence_sentence, not_when, use_sentence
from memory_mcp.retrieval.search import Recall
from memory_mcp.storage.pattern_store import PatternStore

_SEARCHED = 2  # times as many hits are weighed as are wanted
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
        """Return the patterns that a text finds, best first, weighed by nothing else.

        Raises:
            InvalidInputError: the text is empty or too long.

        """
        query = Query(text, limit=limit, filter=EpisodeFilter(), kinds=("pattern",))
        hits = {hit.id: hit for hit in self._recall.search(query).hits}
        return [(pattern, hits[pattern.id]) for pattern in self._store.get_many(list(hits))]

    def recommend(self, wanted: Wanted) -> list[Recommended]:
        """Return what is worth following for a task, best first; empty where nothing relevant is known.

        Raises:
            InvalidInputError: the task is empty or too long.

        """
        found = self.search(wanted.task, _SEARCHED * wanted.limit)
        least = LEAST_RELEVANT * max((hit.relevance for _, hit in found), default=0.0)
        weighed = [
            self._weigh(pattern, hit, wanted)
            for pattern, hit in found
            if pattern.tally.wins > 0 and hit.relevance >= least and advice(pattern)
        ]
        weighed.sort(key=lambda each: (-each.score, each.pattern.id))
        return weighed[: wanted.limit]

    def _weigh(self, pattern: Pattern, hit: Hit, wanted: Wanted) -> Recommended:
        context, shared = context_match(pattern, wanted)
        parts = {
            "keyword": hit.parts.keyword,
            "similarity": hit.parts.similarity,
            "proof": round(PROOF_WEIGHT * lower_bound(pattern.tally), 4),
            "context": round(CONTEXT_WEIGHT * context, 4),
            "ageing": round(
                AGEING_WEIGHT * ageing(pattern.last_seen, self._clock.now(), self._settings.half_life_days), 4
            ),
        }
        why = [evidence_sentence(pattern), use_sentence(pattern)]
        if hit.matched:
            why.append(f"It shares the words {', '.join(hit.matched[:6])} with the task.")
        if shared:
            why.append(f"Same {', '.join(shared)}.")
        return Recommended(
            pattern=pattern,
            score=round(sum(parts.values()), 4),
            relevance=hit.relevance,
            parts=parts,
            why=tuple(filter(None, why)),
            not_when=tuple(not_when(pattern, wanted.context.language, wanted.context.framework)),
        )


def context_match(pattern: Pattern, wanted: Wanted) -> tuple[float, Sequence[str]]:
    """Return how well the context fits, -1 (known and different throughout) to 1, and the names of what is shared.

    An error recovery fits anywhere that its error appears: its signature in the task counts as a full match.
    """
    if isinstance(pattern.definition, ErrorRecovery):
        is_named = pattern.definition.signature.lower() in wanted.task.lower()
        return (1.0, ("error",)) if is_named else (0.0, ())
    if not isinstance(pattern.definition, ContextPattern):
        return 0.0, ()
    pairs = {
        "language": (pattern.definition.language, wanted.context.language),
        "framework": (pattern.definition.framework, wanted.context.framework),
        "domain": (pattern.definition.domain, wanted.context.domain),
        "task type": (pattern.definition.task_type, wanted.task_type),
    }
    known = {name: pair for name, pair in pairs.items() if all(pair)}
    if pattern.definition.file and pattern.definition.file in wanted.task:
        known["file"] = (pattern.definition.file, pattern.definition.file)
    shared = [name for name, (theirs, ours) in known.items() if theirs == ours]
    return ((2 * len(shared) - len(known)) / len(known) if known else 0.0), shared
