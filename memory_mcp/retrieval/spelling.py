"""This module finds known words beside one that no record holds: of similar spelling, or the parts of a compound."""

from collections.abc import Iterator, Sequence

from msgspec import Struct

from memory_mcp.storage import vocabulary
from memory_mcp.storage.database import Session

_SHORTEST = 5  # letters of a word that is looked at
_LONG = 9  # letters from which two slips are forgiven
_SHORTEST_PART = 4
_MOST_NEIGHBOURS = 3
_MOST_ENDING = 4  # letters behind a stem: deploy, deploymnet
_LINKS = ("", "s")  # Verbindung-s-pool


class Neighbours(Struct, frozen=True):
    """Known words in the place of one that no record holds: the two parts of a compound, or alternatives."""

    words: tuple[str, ...]
    is_compound: bool = False


def neighbours(session: Session, word: str) -> Neighbours:
    """Return at most three known words, the nearest first; stemmed, as the index holds them."""
    if len(word) < _SHORTEST or not word.isalpha():
        return Neighbours(())
    if parts := _parts(session, word):
        return Neighbours(parts, is_compound=True)
    stem = next(iter(session.stem(word)), word)
    near = sorted(
        (distance, -count, term)
        for term, count in vocabulary.beginning(session, stem[0], _SHORTEST_PART, len(word) + 2)
        if (distance := _distance(word, stem, term)) is not None
    )
    return Neighbours(tuple(term for distance, _, term in near if distance == near[0][0])[:_MOST_NEIGHBOURS])


def _distance(word: str, stem: str, term: str) -> int | None:
    """Return how many slips make the term of the word, None for too many."""
    if len(term) >= _SHORTEST and word.startswith(term) and len(word) - len(term) <= _MOST_ENDING:
        return 1
    allowed = 1 if len(stem) < _LONG else 2
    if abs(len(term) - len(stem)) > allowed or len(set(term) ^ set(stem)) > 2 * allowed:
        return None
    distance = _slips(stem, term)
    return distance if distance <= allowed else None


def _slips(one: str, two: str) -> int:
    """Count letters left out, added, exchanged or swapped with the next (optimal string alignment)."""
    before: list[int] = []
    row = list(range(len(two) + 1))
    for at, letter in enumerate(one):
        above, row = row, [at + 1]
        for place, other in enumerate(two):
            cost = min(above[place + 1] + 1, row[place] + 1, above[place] + (letter != other))
            if at and place and letter == two[place - 1] and one[at - 1] == other:
                cost = min(cost, before[place - 1] + 1)
            row.append(cost)
        before = above
    return row[-1]


def _parts(session: Session, word: str) -> tuple[str, ...]:
    """Return the two known words that a compound is made of, if there are such."""
    splits = [(_stem(session, first), _stem(session, second)) for first, second in _splits(word)]
    counts = vocabulary.document_counts(session, sorted({part for split in splits for part in split}))
    known: Sequence[tuple[str, str]] = [split for split in splits if all(part in counts for part in split)]
    return max(known, key=lambda split: min(map(len, split)), default=())


def _splits(word: str) -> Iterator[tuple[str, str]]:
    for at in range(_SHORTEST_PART, len(word) - _SHORTEST_PART + 1):
        for link in _LINKS:
            if word[:at].endswith(link) and at - len(link) >= _SHORTEST_PART:
                yield word[: at - len(link)], word[at:]


def _stem(session: Session, word: str) -> str:
    return next(iter(session.stem(word)), word)
