"""This module tells whether a user's answer confirms what an agent has just said, and which part of it."""

import re

from memory_mcp.expressions import expression

_LONGEST = 160  # characters of an answer: whoever says more says something of their own
_MOST_SENTENCES = 3
# The whole answer agrees, or its first clause does and what follows asks for no change.
_YES = expression(
    r"(?:yes|yep|yeah|yup|ok(?:ay)?|sure|agreed?|i agree|exactly|correct|right"
    r"|that['’]s (?:right|correct|it)|confirmed?|perfect|great"
    r"|sounds good|looks good|lgtm|go (?:ahead|for it)|do (?:it|that|so)|please do"
    r"|let['’]s do (?:it|that)"
    r"|fine(?: by me)?|ja|genau|stimmt|richtig|einverstanden|passt)\b",
    re.IGNORECASE,
)
_RESERVED = expression(
    r"\b(?:but|however|except|instead|rather|although|unless|not|no|don['’]t|never|wait|only if|aber|nicht|nein|doch)\b"
    r"|\?",
    re.IGNORECASE,
)
_SENTENCE = expression(r"(?<=[.!?…])\s+(?=[\w\"'`(])")


def confirms(answer: str) -> bool:
    """Whether an answer agrees without a reservation."""
    said = " ".join(answer.split())
    return len(said) <= _LONGEST and _YES.match(said) is not None and _RESERVED.search(said) is None


def confirmed_part(text: str) -> str:
    """Return what a confirmation of a text is taken to mean: its last paragraph, at most three sentences of it."""
    paragraphs = [each.strip() for each in text.strip().split("\n\n") if each.strip()]
    if not paragraphs:
        return ""
    return " ".join(_SENTENCE.split(paragraphs[-1])[-_MOST_SENTENCES:])
