"""This module says how sure it is that a record answers a question at all, on a scale that holds across answers."""

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from memory_mcp.models.recall import Kind
from memory_mcp.retrieval.terms import Pair, Terms
from memory_mcp.storage.database import Session

if TYPE_CHECKING:
    from memory_mcp.embeddings.provider import Provider

# Silence on foreign questions where 97 % of the true hits are kept, hashed vectors, llm, sqlite-utils and scrapy, each
# at its own floor: 0.58, 0.64 and 0.24 without pairs, 0.62, 0.67 and 0.57 at 0.8, 0.67, 0.66 and 0.63 at 1.5.
_TOGETHER = 1.5
# A turn is short, and some of a question's words stand in those beside it: of 17 questions about talks recall@10 was
# 0.88 (turns alone 0.82) with the floor of other records, 0.94 (0.88) with three quarters of it.
_TURN = 0.75
# The best of ten times as many records matches better by chance: the floor that keeps 97 % stood at 0.58 to 0.70 in
# 1,200 records and at 0.78 in 11,400.
_ORDINARY, _TENFOLD, _LEAST_SCALE = 1_000, 0.25, 0.75


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

    The share of the question's weight that matches, the cosine, and the rarity of pairs of words that stand together;
    all as against a store of a thousand records. docs/performance.md has the curve of silence against true hits kept.
    Words alone count double, to reach it too.
    """
    coverage = terms.coverage(matched)
    of_vectors = coverage if provider is None or cosine is None else provider.relevance_weight * max(cosine, 0.0)
    rarest = math.log(1 + terms.documents) or 1.0
    of_pairs = sum(min(terms.weigh(word) for word in pair) for pair in together) / rarest
    scale = _scale(terms.documents) * (_TURN if kind == "turn" else 1.0)
    return (coverage + of_vectors + _TOGETHER * min(of_pairs, 1.0)) / scale


def _scale(documents: int) -> float:
    return max(1 + _TENFOLD * math.log10(max(documents, 1) / _ORDINARY), _LEAST_SCALE)
