"""This module says how sure it is that a record answers a question at all, on a scale that holds across answers."""

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from memory_mcp.models.recall import Kind
from memory_mcp.retrieval.terms import Pair, Terms
from memory_mcp.storage.database import Session

if TYPE_CHECKING:
    from memory_mcp.embeddings.provider import Provider

# Chosen on llm, click, scrapy, celery, jekyll and sphinx at the one floor that keeps 97 % of the true hits of each of
# them; docs/decisions.md has the figures with and without.
_TOGETHER = 1.0
_AMOUNT = 1 / 80  # what each unit of matched weight adds: much that is said is said less by chance
_WITHOUT_VECTORS = 1.75  # words alone reach the floor too
# A turn is short, and some of a question's words stand in those beside it: of 17 questions about talks recall@10 was
# 0.88 (turns alone 0.82) with the floor of other records, 0.94 (0.88) with three quarters of it.
_TURN = 0.75
# The best of ten times as many records matches better by chance.
_ORDINARY, _TENFOLD, _LEAST_SCALE = 1_000, 0.2, 0.75


def pairs_held(session: Session, text: str, pairs: Sequence[Pair]) -> tuple[Pair, ...]:
    """Return the pairs that stand together in a text, told without the index."""
    stems = f" {' '.join(session.stem(text))} "
    return tuple(pair for pair in pairs if f" {' '.join(session.stem(' '.join(pair)))} " in stems)


def relevant(
    terms: Terms,
    matched: Iterable[str],
    together: Iterable[Pair],
    *,
    cosine: float | None,
    provider: "Provider | None",
    kind: Kind,
) -> float:
    """Return how sure it is that a record answers the question, whatever its rank.

    The share of what the question's words tell that matches, how much that is, the cosine, and pairs of words that
    stand together; all as against a store of a thousand records. docs/performance.md has the curve of silence against
    true hits kept.
    """
    matched = tuple(matched)
    rarest = math.log(1 + terms.documents) or 1.0
    of_pairs = sum(min(terms.telling[word] for word in pair) for pair in together) / rarest
    of_words = terms.coverage(matched) + _AMOUNT * terms.told(matched) + _TOGETHER * min(of_pairs, 1.0)
    scale = _scale(terms.documents) * (_TURN if kind == "turn" else 1.0)
    if provider is None or cosine is None:
        return _WITHOUT_VECTORS * of_words / scale
    return (of_words + provider.relevance_weight * (max(cosine, 0.0) - provider.unrelated_cosine)) / scale


def _scale(documents: int) -> float:
    return max(1 + _TENFOLD * math.log10(max(documents, 1) / _ORDINARY), _LEAST_SCALE)
