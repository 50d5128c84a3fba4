"""This module notices text that speaks to an agent rather than about the work; only ever a reason to keep silent."""

import re

from memory_mcp.expressions import expression

_TO_AGENTS = expression(
    r"\b(?:ignore|disregard|forget|override|bypass)\b[^.\n]{0,40}\b(?:instructions?|rules?|prompts?|guidelines|safeguards"
    r"|polic(?:y|ies)|restrictions|everything (?:above|before))\b"
    r"|(?-i:\bSYSTEM)\s*:|\b(?:system|developer|assistant) (?:prompt|message|override|note)\s*:"
    r"|<\|[a-z_]+\|>|\[/?(?:INST|SYSTEM)\]|</?\s*(?:system|instructions?|system-reminder|assistant)\b"
    r"|\b(?:new|updated|real) (?:system )?(?:instructions|prompt)\b"
    r"|\byou are (?:now|no longer|in (?:developer|admin|god))\b"
    r"|\b(?:without (?:asking|telling|informing)|do(?: not|n['’]t) (?:ask|tell|inform|mention)(?: it| this)?(?: to)?)"
    r" (?:the )?(?:user|human|anyone)\b"
    r"|\b(?:AI|coding|code) (?:agents?|assistants?)\b[^.\n]{0,30}\b(?:must|should|shall|please|have to|need to)\b"
    r"|\b(?:curl|wget)\b[^|\n]{0,200}\|\s*(?:sudo\s+)?(?:ba|z|da|k)?sh\b"
    r"|\bbase64\b[^|\n]{0,80}\|\s*(?:ba|z|da)?sh\b",
    re.IGNORECASE,
)


def speaks_to_agents(text: str) -> str:
    """Return the words by which a text gives an agent orders, or nothing."""
    found = _TO_AGENTS.search(text)
    return " ".join(found[0].split()) if found else ""
