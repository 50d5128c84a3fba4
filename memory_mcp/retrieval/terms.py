"""This module looks up the words of a question: how rare each is, and which of them are worth ranking by."""

import math
from collections.abc import Iterable
from itertools import accumulate

from msgspec import Struct

from memory_mcp.retrieval.prompts import Reading
from memory_mcp.storage import search_index
from memory_mcp.storage.database import Session

# Ranking every match of common words is what a keyword search spends its time on, so the rarest words are looked up
# until their matches are this share of the store. Known-item search for llm and sqlite-utils among synthetic records,
# recall@10 and p95: at 12,000 records 0.284 and 15.1 ms with all matches, 0.284 and 10.0 ms with 4,000, 0.272 and 8.5
# ms with 2,000; at 102,000 records 0.164 and 70 ms with all, 0.160 and 21 ms with 20,000, 0.152 and 16 ms with 10,000.
MATCHED_SHARE, LEAST_MATCHES, MOST_MATCHES = 0.2, 4_000, 20_000


MOST_LOOKED_UP = 160  # words of a prompt; a look at the vocabulary takes some 8 us each
MOST_WORDS = 76
FULL = 12  # so many of the most telling words matched are full coverage
LEAST_EMPHASIS = 0.3


class Terms(Struct, frozen=True):
    """The words of a question, how many of all documents hold each, and how much it weighs.

    `weight` is a word's rarity times how much it tells in this question.
    """

    documents: int
    words: tuple[str, ...]
    matches: dict[str, int]
    weight: dict[str, float]
    emphasis: dict[str, float]

    def weigh(self, word: str) -> float:
        """Return the weight of a word, 0 of one that does not count."""
        return self.weight.get(word, 0.0)

    def affordable(self) -> list[str]:
        """Return the words by which documents are looked up: the rarest, as far as ranking their matches goes fast."""
        most = min(max(MATCHED_SHARE * self.documents, LEAST_MATCHES), MOST_MATCHES)
        asked = [word for word in self.words if self.emphasis[word] >= LEAST_EMPHASIS]
        rarest = sorted(asked or self.words, key=lambda word: self.matches[word])
        spent = accumulate(self.matches[word] for word in rarest)
        return [
            word
            for place, (word, matches) in enumerate(zip(rarest, spent, strict=True))
            if not place or matches <= most
        ]

    def coverage(self, matched: Iterable[str]) -> float:
        """Return which share of the question's weight the matched words carry, 0 to 1."""
        total = sum(sorted(self.weight.values())[-FULL:])
        return min(sum(self.weight[word] for word in matched) / total, 1.0) if total else 0.0


def look_up(session: Session, reading: Reading) -> Terms:
    """Weigh each word of a question: ln(1 + N / (n + 1)), n of N documents holding its rarest stem, times its emphasis."""
    emphasis = reading.emphasis
    words = sorted(emphasis, key=lambda word: -emphasis[word])[:MOST_LOOKED_UP]
    stems = {word: tuple(session.stem(word)) for word in words}
    counts = search_index.document_counts(session, list({stem for group in stems.values() for stem in group}))
    total = search_index.extent(session)
    matches = {word: min((counts.get(stem, 0) for stem in group), default=0) for word, group in stems.items()}
    weight = {word: math.log(1 + total / (1 + count)) * emphasis[word] for word, count in matches.items()}
    if len(words) > MOST_WORDS:
        words = sorted(words, key=lambda word: -weight[word])[:MOST_WORDS]
        weight = {word: weight[word] for word in words}
    return Terms(total, tuple(words), {word: matches[word] for word in words}, weight, emphasis)
