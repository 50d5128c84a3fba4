"""This module finds the values in the headers that carry cookies."""

from collections.abc import Iterator

from memory_mcp.redaction.shapes import Span, compiled

_HEADER = r"cookie[\"']?\s{0,3}[:=]\s{0,3}[\"'`]?(?=[\w.-]{1,80}=)"
_PAIR = r"[\s\"']{0,3}([\w.%-]{1,80})=\"?([^;\s\"'`,<>\\{$]{0,4000})"
_ATTRIBUTES = frozenset(("path", "domain", "expires", "max-age", "samesite", "priority", "version", "comment"))
_SESSION = r"(?i:sess|sid\Z|auth|token|jwt|csrf|xsrf|remember|login|secret|identity)"
_LEAST_SESSION = 6
_LEAST = 16
_MOST = 60


def cookie_spans(text: str, folded: str) -> Iterator[Span]:
    """Yield the values of session cookies, and all long cookie values that have a digit."""
    if "cookie" not in folded:
        return
    read = 0
    for match in compiled(_HEADER).finditer(folded):
        place = max(read, match.end())
        if match.end() < read:
            continue
        for _ in range(_MOST):
            pair = compiled(_PAIR).match(text, place)
            if pair is None:
                break
            name, value = pair.groups()
            if name.lower() not in _ATTRIBUTES and _is_secret(name, value):
                yield Span(*pair.span(2), "session-cookie")
            attributes = compiled(
                r"\"?(?:;\s{0,3}(?:HttpOnly|Secure|Partitioned)(?![\w=]))*;?",
            ).match(text, pair.end())
            read = place = attributes.end() if attributes else pair.end()
            if text[place - 1] != ";":
                break


def _is_secret(name: str, value: str) -> bool:
    has_digit = compiled(r"\d").search(value) is not None
    if compiled(_SESSION).search(name):
        return len(value) >= _LEAST_SESSION and (has_digit or len(value) >= _LEAST)
    return len(value) >= _LEAST and has_digit and compiled(r"[A-Za-z]").search(value) is not None
