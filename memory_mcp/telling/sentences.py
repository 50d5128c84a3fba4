"""This module cuts prose into paragraphs of whole sentences, without code, link lists and trailers."""

import re
from collections.abc import Iterator

from memory_mcp.expressions import expression

_LONGEST_TEXT = 40_000  # characters of one text that are looked at; a longer one is no prose
_LONGEST_ABBREVIATION = 8
_FENCE = ("```", "~~~")
_ITEM = expression(r"\s*(?:[-*•+]|\d{1,2}[.)])\s+(?=\S)")
_HEADING = expression(r"\s*(?:#{1,6}\s|={3,}\s*$|-{3,}\s*$|\*{3,}\s*$|\.\.\.\s*$|>)")
_TRAILER = expression(
    r"\s*(?:[*-]\s*)?(?:(?:signed-off-by|co-authored-by|reviewed-by|acked-by|tested-by|reported-by|change-id"
    r"|claude-session|cc|see-also|squashed from|address(?:es)?|pr|issue|link|updates|dependabot"
    r"|follow[ -]up (?:on|to)|amends(?=\s*:?\s*[0-9a-f]{7,40}\b))\s*:"
    r"|🤖|(?:refs?|closes?|closed|fix(?:es|ed)?|resolves?|see(?: also)?|follow[ -]up to|part of|github)\b[:\s]*"
    r"(?:issues?\s+)?(?:[\w.-]+/[\w.-]+)?(?:#\d+|https?://|gh-\d+)"
    r"|(?:this reverts commit|cherry picked from|\(cherry picked from)\b.*|https?://\S+\s*$)",
    re.IGNORECASE,
)
_DEPENDENCY = expression(
    r"\s*-?\s*(?:\[(?:release notes|changelog|commits)\]|dependency-(?:name|type|version|group)|update-type|bumps? \[)",
    re.IGNORECASE,
)
_LINKED = expression(r"\[[^\]]*→[^\]]*\]\(http")
# A sentence ends where the next one begins like one, also with a name of code in small letters.
_END = expression(
    r"(?<=[.!?])[\"'”’)\]*`]*\s+(?=[\"'“‘(\[*`—-]*(?:[A-Z0-9=]|[a-z]\w*(?:_\w|\(|\.\w)))|(?<=[.!?]) (?=[—–-] )"
)
_ABBREVIATED = expression(
    r"(?:\b(?:e\.g|i\.e|etc|vs|cf|resp|approx|incl|fig|no|st|mr|ms|dr)|\b[A-Z])\.$", re.IGNORECASE
)
_LETTERS = expression(r"[^\W\d_]{2}")


def paragraphs(text: str) -> list[list[str]]:
    """Return the sentences of each paragraph or list item; hard line breaks are undone, nothing is cut."""
    return [found for block in _blocks(text[:_LONGEST_TEXT]) if (found := split(block))]


def split(line: str) -> list[str]:
    """Return the sentences of one paragraph."""
    pieces: list[str] = []
    start = 0
    for end in _END.finditer(line):
        if _ABBREVIATED.search(line, max(start, end.start() - _LONGEST_ABBREVIATION), end.start()):
            continue
        piece = line[start : end.start()]
        closing = line[end.start() : end.end()].rstrip()
        pieces.append(piece + closing)
        start = end.end()
    pieces.append(line[start:])
    return [piece.strip() for piece in pieces if _LETTERS.search(piece)]


def _blocks(text: str) -> Iterator[str]:
    held: list[str] = []
    for line in _prose_lines(text):
        if held and (not line.strip() or _ITEM.match(line)):
            yield " ".join(held)
            held = []
        if line.strip():
            item = _ITEM.match(line)
            held.append((line[item.end() :] if item else line).strip())
    if held:
        yield " ".join(held)


def without_code(text: str) -> str:
    """Return a text without its fenced code."""
    kept: list[str] = []
    fenced = False
    for line in text.splitlines():
        if line.lstrip().startswith(_FENCE):
            fenced = not fenced
        elif not fenced:
            kept.append(line)
    return "\n".join(kept)


def _prose_lines(text: str) -> Iterator[str]:
    """Yield lines of prose; what is no prose becomes an empty line, which ends a paragraph."""
    fenced = False
    for line in text.splitlines():
        if line.lstrip().startswith(_FENCE):
            fenced = not fenced
            yield ""
        elif fenced or _is_no_prose(line):
            yield ""
        else:
            yield line


def _is_no_prose(line: str) -> bool:
    if _ITEM.match(line):
        return bool(_TRAILER.match(line) or _DEPENDENCY.match(line) or _LINKED.search(line))
    return bool(
        line.startswith(("    ", "\t")) or _HEADING.match(line) or _TRAILER.match(line) or _DEPENDENCY.match(line)
    )
