"""This module decides which findings are one pattern: the same identity, or errors that are said almost alike."""

import re
from collections.abc import Mapping

from memory_mcp.models.patterns import Definition, ErrorRecovery

# Dice coefficient of the words of two signatures from which they are one error; benchmarks/merging.py: THRESHOLD_NOTE
SIMILAR = 0.8
_WORD = re.compile(r"<\w+>|[A-Za-z]+(?:'[a-z]+)?|[^\sA-Za-z]")


def similarity(one: Definition, other: Definition) -> float:
    """Return 1 for the same pattern, the Dice coefficient of their words for two errors of one class, else 0."""
    if one == other:
        return 1.0
    if not isinstance(one, ErrorRecovery) or not isinstance(other, ErrorRecovery):
        return 0.0
    first, second = _words(one.signature), _words(other.signature)
    if not first or not second or first[0] != second[0]:
        return 0.0
    shared = len(set(first) & set(second))
    return 2 * shared / (len(set(first)) + len(set(second)))


def same_as(definition: Definition, known: Mapping[Definition, int]) -> list[int]:
    """Return the keys of every known pattern that a definition is the same as, the equal one included.

    Patterns that are the same as one new definition become one: what results are the connected components of
    similarity, which do not depend on the order of sightings.
    """
    return sorted({key for other, key in known.items() if similarity(definition, other) >= SIMILAR})


def error_class(definition: ErrorRecovery) -> str:
    """Return the first word of a signature; errors of different classes are never the same."""
    return next(iter(_words(definition.signature)), "")


def _words(signature: str) -> list[str]:
    return _WORD.findall(signature)
