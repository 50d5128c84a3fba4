"""This module finds every secret in a text, as it stands and as it reads once it is unwrapped."""

from collections.abc import Iterator

from memory_mcp.redaction.cookies import cookie_spans
from memory_mcp.redaction.disguises import views
from memory_mcp.redaction.names import named_spans
from memory_mcp.redaction.shapes import Shape, Span, fold
from memory_mcp.redaction.surroundings import SURROUNDINGS
from memory_mcp.redaction.tokens import TOKENS

SHAPES: tuple[Shape, ...] = (*TOKENS, *SURROUNDINGS)
_SHORT = 4_000  # characters, up to which every mark is looked for
_LEAST_RUN = 15  # letters and digits in a row, of a token that its maker's prefix tells
_AROUND = 80  # characters before and behind those, in which the prefix stands
_RUNS = bytes(
    0x61 if chr(byte).isascii() and (chr(byte).isalnum() or chr(byte) in "_-") else 0x20 for byte in range(256)
)
_GATES = ("auth", "pass", "sess", "sql", "cret", "://", "sig=")  # each in several marks: looked for once
_TOKEN_MARKS = tuple((mark, shape) for shape in TOKENS if not shape.is_short for mark in shape.marks)
_OTHER_MARKS = tuple(
    (next((gate for gate in _GATES if gate in mark.lower()), ""), mark, shape)
    for shape in (*(shape for shape in TOKENS if shape.is_short), *SURROUNDINGS)
    for mark in shape.marks
)


def secrets(text: str) -> list[Span]:
    """Return where secrets stand, in their order and apart from each other."""
    ranked = list(_spans(text))
    for view in views(text):
        ranked += [Span(*view.origin(span.start, span.end), span.name) for span in _spans(view.text)]
    return _united(ranked) if ranked else []


def _spans(text: str) -> Iterator[Span]:
    folded = fold(text)
    dense = _dense(text)
    for mark, shape in _TOKEN_MARKS:
        if mark in dense:
            yield from shape.spans(text, mark)
    closed = {gate for gate in _GATES if gate not in folded}
    for gate, mark, shape in _OTHER_MARKS:
        if gate in closed:
            continue
        searched = folded if shape.folded else text
        if mark in searched:
            yield from shape.spans(searched, mark)
    yield from cookie_spans(text, folded)
    yield from named_spans(text, folded)


def _dense(text: str) -> str:
    """Return the parts of a text in which tokens can stand: looking for 150 prefixes in the whole takes too long."""
    if len(text) <= _SHORT:
        return text
    runs = text.encode("latin-1", "replace").translate(_RUNS)
    run, parts, end = b"a" * _LEAST_RUN, [], 0
    start = runs.find(run)
    while start >= 0:
        last = runs.find(b" ", start)
        last = len(text) if last < 0 else last
        parts.append(text[max(end, start - _AROUND) : last + _AROUND])
        end = last + _AROUND
        start = runs.find(run, last)
    return "\n".join(parts)


def _united(ranked: list[Span]) -> list[Span]:
    """Unite what overlaps, under the name that was found first: the maker of a token says more than its field."""
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
