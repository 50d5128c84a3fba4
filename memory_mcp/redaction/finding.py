"""This module finds every secret in a text and in its unwrapped views."""

from collections.abc import Iterable, Iterator

from memory_mcp.expressions import expression
from memory_mcp.redaction.cookies import cookie_spans
from memory_mcp.redaction.disguises import views
from memory_mcp.redaction.names import named_spans
from memory_mcp.redaction.shapes import Shape, Span, fold
from memory_mcp.redaction.surroundings import SURROUNDINGS
from memory_mcp.redaction.tokens import TOKENS

SHAPES: tuple[Shape, ...] = (*TOKENS, *SURROUNDINGS)
_LEAST_RUN = 20  # least length of a token that is recognised by its vendor's prefix
_AROUND = 80  # characters before and behind a run that are searched for the prefix
_TELLING_LETTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"  # a token has one of them, a long word has none
_LETTERS = _TELLING_LETTERS + b"abcdefghijklmnopqrstuvwxyz-"
_HYPHENED = expression(rb"(?:sk|gl[a-z]{2,6}|xai|pplx|xox[a-z]|tskey|key|pul|pypi)-")  # prefixes that look like words
_RUNS = bytes(ord("a") if byte in _LETTERS else ord(" ") for byte in range(256))
_TELLING = bytes(ord("a") if byte in _TELLING_LETTERS else ord(" ") for byte in range(256))


def _by_mark(shapes: Iterable[Shape]) -> dict[bytes, list[Shape]]:
    grouped: dict[bytes, list[Shape]] = {}
    for shape in shapes:
        for mark in shape.marks:
            grouped.setdefault(mark.encode(), []).append(shape)
    return grouped


_IN_DENSE = _by_mark(shape for shape in TOKENS if not shape.is_short)
_OTHERS: dict[bytes, list[tuple[bytes, str, list[Shape]]]] = {}  # by gate, which most texts lack
for _mark, _shapes in _by_mark(shape for shape in SHAPES if shape.is_short or shape not in TOKENS).items():
    _OTHERS.setdefault(_shapes[0].gate.encode(), []).append((_mark.lower(), _mark.decode(), _shapes))


def secrets(text: str) -> list[Span]:
    """Return where secrets stand, in order and without overlaps."""
    ranked = list(_spans(text))
    for view in views(text):
        ranked += [Span(*view.origin(span.start, span.end), span.name) for span in _spans(view.text)]
    return _united(ranked) if ranked else []


def _spans(text: str) -> Iterator[Span]:
    flat = text.encode("latin-1", "replace")  # one byte for each character; marks are searched here
    yield from _tokens(text, _dense(flat))
    flat, folded = flat.lower(), fold(text)
    for gate, gated in _OTHERS.items():
        if gate in flat:
            for lowered, mark, shapes in gated:
                if lowered in flat:
                    for shape in shapes:
                        yield from shape.spans(folded if shape.folded else text, mark)
    yield from cookie_spans(text, folded)
    yield from named_spans(text, folded)


def _tokens(text: str, dense: bytes) -> Iterator[Span]:
    """Yield the tokens with a known prefix; a shape is searched in the whole text only if the dense part may match."""
    if not dense:
        return
    part = dense.decode("latin-1")
    for mark, shapes in _IN_DENSE.items():
        if mark in dense:
            for shape in shapes:
                if shape.may_match(part, mark.decode()):
                    yield from shape.spans(text, mark.decode())


def _dense(flat: bytes) -> bytes:
    """Return the parts of a text that can hold tokens: searching all of it for 150 prefixes takes too long."""
    runs, telling = flat.translate(_RUNS), flat.translate(_TELLING)
    run, parts, begin, end = b"a" * _LEAST_RUN, [], 0, 0
    start = runs.find(run)
    while start >= 0:
        last = runs.find(b" ", start + _LEAST_RUN)
        last = len(flat) if last < 0 else last
        if telling.find(b"a", start, last) >= 0 or _HYPHENED.match(flat, start):
            if start - _AROUND > end:
                parts.append(flat[begin:end])
                begin = start - _AROUND
            end = last + _AROUND
        start = runs.find(run, last)
    return b"\n".join((*parts, flat[begin:end]))


def _united(ranked: list[Span]) -> list[Span]:
    """Join overlapping spans under the name that was found first: a token's vendor says more than its field."""
    rank = {span: place for place, span in reversed(list(enumerate(ranked)))}
    united: list[Span] = []
    for span in sorted(rank, key=lambda each: (each.start, rank[each])):
        last = united[-1] if united else None
        if last is not None and span.start < last.end:
            first = min(last, span, key=lambda each: rank[each])
            one = Span(last.start, max(last.end, span.end), first.name)
            rank.setdefault(one, rank[first])
            united[-1] = one
        else:
            united.append(span)
    return united
