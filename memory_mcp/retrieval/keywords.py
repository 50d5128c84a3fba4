"""This module prepares text and questions for the keyword index."""

import re
from collections.abc import Sequence

from memory_mcp.embeddings.words import content_words, words
from memory_mcp.expressions import expression
from memory_mcp.storage.database import Session
from memory_mcp.storage.vocabulary import phrase

FORMAT = 2  # of the indexed text; a store with an older one is indexed again, step by step
MOST_TERMS = 32
_SIGNED = expression(r"(?<![\w.])(?:C\+\+|[CF]#(?!\w)|\.NET\b)", re.IGNORECASE)
_SPOKEN = {"c++": " cplusplus ", "c#": " csharp ", "f#": " fsharp ", ".net": " dotnet "}
_CJK_RUN = expression(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff]{2,}")
_FIRST_CJK = "\u3040"


def keyword_text(text: str) -> str:
    """Return the text as words for the index, identifiers whole and in parts.

    Each character of Chinese, Japanese or Korean begins a pair, or is the last of its run and stands alone.
    """
    last = [] if text.isascii() else [run[-1] for run in _CJK_RUN.findall(text)]
    return " ".join((*words(spoken(text)), *last))


def spoken(text: str) -> str:
    """Write languages that are named by signs as words, so that C++ is not C#."""
    if "#" not in text and "++" not in text and ".n" not in text.lower():
        return text
    return _SIGNED.sub(lambda found: _SPOKEN[found[0].lower()], text)


def query_terms(text: str) -> list[str]:
    """Return the distinct words of a question that are worth looking up, at most 32."""
    return content_words(spoken(text))[:MOST_TERMS]


def is_prefix(term: str) -> bool:
    """Whether a term is a single character of a script without spaces, which begins a pair in the index."""
    return len(term) == 1 and term >= _FIRST_CJK


def holding(session: Session, text: str, terms: Sequence[str]) -> tuple[str, ...]:
    """Return the terms that a text holds, told without the index, as for one that is not in it yet."""
    present = set(session.stem(text))
    return tuple(term for term in terms if _holds(session, present, term))


def _holds(session: Session, present: set[str], term: str) -> bool:
    if is_prefix(term):
        return any(stem.startswith(term) for stem in present)
    stems = set(session.stem(term))
    return bool(stems) and stems <= present


def match_expression(terms: Sequence[str]) -> str:
    """Join quoted terms by OR, so that no word of a question can be an operator."""
    return " OR ".join(phrase(term, prefix=is_prefix(term)) for term in terms)
