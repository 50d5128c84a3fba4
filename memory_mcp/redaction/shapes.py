"""This module defines the shape of a secret, and finds its places in a text in linear time."""

import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

import msgspec
from msgspec import Struct

_WORD_BEFORE = r"(?<![A-Za-z0-9_]{})"


class Span(NamedTuple):
    """Where a secret stands in a text, and the name of its shape."""

    start: int
    end: int
    name: str


class Shape(Struct, frozen=True):
    """What a secret looks like: it begins with one of the marks, and `rest` follows.

    If `rest` has a group, only the group is the secret. `before` must stand in front of the mark, within `reach`
    characters; it belongs to the secret unless there is a group. A folded shape has its marks and its pattern in lower
    case and is searched in the text in lower case. A short shape may have fewer than 20 letters and digits in a row.
    The gate is a word in lower case that the text must contain besides a mark: several shapes share a gate, so that one
    search rules out all of them.

    A mark is a literal, so that `re` jumps from one to the next. Every repetition that is followed by something is
    bounded, so the time is proportional to the length of the text, whatever it holds.
    """

    name: str
    marks: tuple[str, ...]
    rest: str
    before: str = ""
    reach: int = 0
    starts_word: bool = True
    folded: bool = False
    is_short: bool = False
    gate: str = ""

    def behind(self, before: str, reach: int) -> "Shape":
        """Return this shape with a pattern that must stand in front of it."""
        return msgspec.structs.replace(self, before=rf"{before}\Z", reach=reach)

    def given(self, gate: str) -> "Shape":
        """Return this shape with a gate."""
        return msgspec.structs.replace(self, gate=gate)

    def may_match(self, text: str, mark: str) -> bool:
        """Whether this part of a text holds the mark and what must follow it."""
        return _pattern(mark, self.rest, self.starts_word).search(text) is not None

    def spans(self, text: str, mark: str) -> Iterator[Span]:
        """Yield the secrets of this shape that begin with a mark; a folded shape needs a folded text."""
        for match in _pattern(mark, self.rest, self.starts_word).finditer(text):
            start, end = match.span(match.lastindex or 0)
            if self.before:
                front = compiled(self.before).search(text, max(0, match.start() - self.reach), match.start())
                if front is None:
                    continue
                if not match.lastindex:
                    start = front.start()
            yield Span(start, end, self.name)


@cache
def compiled(pattern: str) -> re.Pattern[str]:
    """Compile a pattern when it is first needed: all of them take 10 ms, a hook needs two or three."""
    return re.compile(pattern, re.ASCII)


@cache
def _pattern(mark: str, rest: str, starts_word: bool) -> re.Pattern[str]:  # noqa: FBT001 - a key of the cache
    literal = re.escape(mark)
    begins = _WORD_BEFORE.format(literal) if starts_word else ""
    return compiled(f"{literal}{begins}{rest}")


def shape(name: str, marks: str, rest: str) -> Shape:
    """Return a shape whose marks begin a word."""
    return Shape(name, tuple(marks.split()), rest)


def inside(name: str, marks: str, rest: str, before: str = "", reach: int = 0) -> Shape:
    """Return a shape whose marks may stand inside a word."""
    return Shape(name, tuple(marks.split()), rest, rf"{before}\Z" if before else "", reach, starts_word=False)


def short(name: str, marks: str, rest: str, before: str = "", reach: int = 0) -> Shape:
    """Return a shape as `inside` does, for secrets without a long row of letters and digits."""
    return msgspec.structs.replace(inside(name, marks, rest, before, reach), is_short=True)


def folded(name: str, marks: tuple[str, ...], rest: str, *, starts_word: bool = True) -> Shape:
    """Return a shape that ignores case; its marks may contain blanks."""
    return Shape(name, marks, rest, starts_word=starts_word, folded=True)


def fold(text: str) -> str:
    """Return the text in lower case with each character at its place; `İ` would become two."""
    return text.replace("\u0130", "i").lower()
