"""This module decides which findings are one pattern: the same identity, or errors that are said almost alike."""

import math
import re
from collections.abc import Mapping
from functools import lru_cache

from memory_mcp.models.patterns import Definition, ErrorRecovery

# Dice coefficient of the words of two signatures from which they are one error: of 11 pairs that are one and 892 that
# are two, 0.9 joins 8 rightly and none wrongly, 0.85 9 and 1, 0.8 9 and 4 (benchmarks/merging.py)
SIMILAR = 0.9
_WORD = re.compile(r"<\w+>|\w+")


def similarity(one: Definition, other: Definition) -> float:
    """Return 1 for the same pattern, the Dice coefficient of their words for two errors of one class, else 0."""
    if one == other:
        return 1.0
    if not isinstance(one, ErrorRecovery) or not isinstance(other, ErrorRecovery):
        return 0.0
    first, second = _words(one.signature), _words(other.signature)
    if error_class(one) != error_class(other):
        return 0.0
    return 2 * len(first & second) / (len(first) + len(second)) if first and second else 0.0


def same_as(definition: Definition, known: Mapping[Definition, int]) -> list[int]:
    """Return the keys of every known pattern that a definition is the same as, the equal one included.

    Patterns that are the same as one new definition become one: what results are the connected components of
    similarity, which do not depend on the order of sightings.
    """
    return sorted({key for other, key in known.items() if similarity(definition, other) >= SIMILAR})


def count_words(definition: ErrorRecovery) -> int:
    """Count the distinct words of a signature."""
    return len(_words(definition.signature))


def comparable(words: int) -> tuple[int, int]:
    """Return the least and most words of an error that can still be the same as one of so many."""
    return math.ceil(words * SIMILAR / (2 - SIMILAR)), math.floor(words * (2 - SIMILAR) / SIMILAR)


@lru_cache(maxsize=8_192)
def error_class(definition: ErrorRecovery) -> str:
    """Return the first word of a signature; errors of different classes are never the same."""
    first = _WORD.search(definition.signature)
    return first[0] if first else ""


@lru_cache(maxsize=8_192)
def _words(signature: str) -> frozenset[str]:
    return frozenset(_WORD.findall(signature))
