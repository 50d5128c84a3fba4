"""This module prepares text and questions for the keyword index."""

from memory_mcp.embeddings.words import content_words, words

MOST_TERMS = 32


def keyword_text(text: str) -> str:
    """Return the text as words for the index, identifiers whole and in parts."""
    return " ".join(words(text))


def query_terms(text: str) -> list[str]:
    """Return the distinct words of a question that are worth looking up, at most 32."""
    return content_words(text)[:MOST_TERMS]


def match_expression(terms: list[str]) -> str:
    """Join quoted terms by OR, so that no word of a question can be an operator."""
    return " OR ".join('"' + term.replace('"', '""') + '"' for term in terms)
