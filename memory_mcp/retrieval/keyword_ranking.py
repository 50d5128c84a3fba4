"""This module asks the keyword index which records hold words of a question, ranked as FTS5 does."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from memory_mcp.retrieval.keywords import match_expression
from memory_mcp.storage import keyword_matches, vocabulary
from memory_mcp.storage.database import Session
from memory_mcp.storage.sights import Sight

Ranked = Sequence[tuple[int, float]]


class Lookup(Protocol):
    """What a search asks the keyword index."""

    def ranked(
        self, session: Session, words: Sequence[str], sight: Sight, limit: int, newest: int | None = None
    ) -> Ranked:
        """Return (document key, bm25), best first; of the newest so many matches, or of all."""
        ...

    def counts(self, session: Session, stems: Sequence[str]) -> dict[str, int]:
        """Count the documents that hold each stemmed term; absent terms are left out."""
        ...

    def matching(
        self, session: Session, phrases: Mapping[str, tuple[str, int]], keys: Sequence[int]
    ) -> dict[int, list[str]]:
        """Return which words each of some documents holds, as `vocabulary.matching` does."""
        ...


class Engine:
    """Leaves all of it to FTS5, for a process that ends after one question; needs no numpy."""

    def ranked(
        self, session: Session, words: Sequence[str], sight: Sight, limit: int, newest: int | None = None
    ) -> Ranked:
        """Return (document key, bm25), best first; of the newest so many matches, or of all."""
        return keyword_matches.search_keywords(session, match_expression(words), sight, limit, newest)

    def counts(self, session: Session, stems: Sequence[str]) -> dict[str, int]:
        """Count the documents that hold each stemmed term; absent terms are left out."""
        return vocabulary.document_counts(session, stems)

    def matching(
        self, session: Session, phrases: Mapping[str, tuple[str, int]], keys: Sequence[int]
    ) -> dict[int, list[str]]:
        """Return which words each of some documents holds, as `vocabulary.matching` does."""
        return vocabulary.matching(session, phrases, keys)


ENGINE = Engine()
