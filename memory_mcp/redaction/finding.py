"""This module finds every secret in a text, as it stands and as it reads once it is unwrapped."""

from collections.abc import Iterator

from memory_mcp.redaction.cookies import cookie_spans
from memory_mcp.redaction.disguises import views
from memory_mcp.redaction.names import named_spans
from memory_mcp.redaction.shapes import Shape, Span, fold
from memory_mcp.redaction.surroundings import SURROUNDINGS
from memory_mcp.redaction.tokens import TOKENS

SHAPES: tuple[Shape, ...] = (*TOKENS, *SURROUNDINGS)


def secrets(text: str) -> list[Span]:
    """Return where secrets stand, in their order and apart from each other."""
    ranked = list(_spans(text))
    for view in views(text):
        ranked += [Span(*view.origin(span.start, span.end), span.name) for span in _spans(view.text)]
    return _united(ranked) if ranked else []


def _spans(text: str) -> Iterator[Span]:
    folded = fold(text)
    for shape in SHAPES:
        yield from shape.spans(text, folded)
    yield from cookie_spans(text, folded)
    yield from named_spans(text, folded)


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
