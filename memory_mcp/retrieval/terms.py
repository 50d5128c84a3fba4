"""This module looks up the words of a question: how rare each is, and which of them are worth ranking by."""

import math
from collections.abc import Iterable
from itertools import accumulate

from msgspec import Struct

from memory_mcp.retrieval.keywords import query_terms
from memory_mcp.storage import search_index
from memory_mcp.storage.database import Session

# Ranking every match of common words is what a keyword search spends its time on, so the rarest words are looked up
# until their matches are this share of the store. Known-item search for llm and sqlite-utils among synthetic records,
# recall@10 and p95: at 12,000 records 0.284 and 15.1 ms with all matches, 0.284 and 10.0 ms with 4,000, 0.272 and 8.5
# ms with 2,000; at 102,000 records 0.164 and 70 ms with all, 0.160 and 21 ms with 20,000, 0.152 and 16 ms with 10,000.
MATCHED_SHARE, LEAST_MATCHES, MOST_MATCHES = 0.2, 4_000, 20_000


class Terms(Struct, frozen=True):
    """The words of a question, the stems of each, how many of all documents hold it, and how rare that makes it."""

    documents: int
    words: tuple[str, ...]
    stems: dict[str, tuple[str, ...]]
    matches: dict[str, int]
    rarity: dict[str, float]

    def weigh(self, word: str) -> float:
        """Return the rarity of a word; one beyond the looked-up terms counts as average."""
        return self.rarity.get(word, 1.0)

    def affordable(self) -> list[str]:
        """Return the words by which documents are looked up: the rarest, as far as ranking their matches goes fast."""
        most = min(max(MATCHED_SHARE * self.documents, LEAST_MATCHES), MOST_MATCHES)
        rarest = sorted(self.words, key=lambda word: self.matches[word])
        spent = accumulate(self.matches[word] for word in rarest)
        return [
            word
            for place, (word, matches) in enumerate(zip(rarest, spent, strict=True))
            if not place or matches <= most
        ]

    def coverage(self, matched: Iterable[str]) -> float:
        """Return which share of the question's rarity the matched words carry, 0 to 1."""
        total = sum(self.rarity.values())
        return sum(self.rarity[word] for word in matched) / total if total else 0.0


def look_up(session: Session, text: str, *, counted: bool = True) -> Terms:
    """Cut the question into words and weigh each: ln(1 + N / (n + 1)), n of N documents holding its rarest stem.

    Without counting, all words weigh the same, and the keyword index is left alone.

    Raises:
        IndexDamagedError: the index cannot be read.

    """
    words = query_terms(text)
    stems = {word: tuple(session.stem(word)) for word in words}
    asked = list({stem for group in stems.values() for stem in group}) if counted else []
    counts = search_index.document_counts(session, asked) if asked else {}
    total = search_index.extent(session)
    matches = {word: min((counts.get(stem, 0) for stem in group), default=0) for word, group in stems.items()}
    rarity = {word: math.log(1 + total / (1 + count)) for word, count in matches.items()}
    return Terms(total, tuple(words), stems, matches, rarity)
