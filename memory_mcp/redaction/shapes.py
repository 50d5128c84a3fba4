"""This module says what a shape of a secret is, and how its places in a text are found in linear time."""

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

    Where `rest` has a group, that alone is the secret. `before` is what has to stand in front of a mark, within
    `reach` characters; it belongs to the secret unless there is a group. A folded shape has its marks and its pattern
    in lower case and is looked for in the text in lower case. A short one may be there without 20 letters and digits
    in a row. The gate is what a text has to hold, in lower case, beside a mark: several shapes share one, so that a
    single look rules out all of them.

    A mark is a literal, so that `re` jumps from one to the next, and every repetition that something has to follow is
    bounded: the time for a text is proportional to its length, whatever stands in it.
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
        """Return this shape for where something stands in front of it."""
        return msgspec.structs.replace(self, before=rf"{before}\Z", reach=reach)

    def given(self, gate: str) -> "Shape":
        """Return this shape for texts that hold its gate."""
        return msgspec.structs.replace(self, gate=gate)

    def may_match(self, text: str, mark: str) -> bool:
        """Whether a mark stands in this part of a text with what has to follow."""
        return _pattern(mark, self.rest, self.starts_word).search(text) is not None

    def spans(self, text: str, mark: str) -> Iterator[Span]:
        """Yield where secrets of this shape stand that begin with a mark; a folded shape wants a folded text."""
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
    """Return a shape like those inside words that may hold no long row of letters and digits."""
    return msgspec.structs.replace(inside(name, marks, rest, before, reach), is_short=True)


def folded(name: str, marks: tuple[str, ...], rest: str, *, starts_word: bool = True) -> Shape:
    """Return a shape that is written in upper or lower case; its marks may hold blanks."""
    return Shape(name, marks, rest, starts_word=starts_word, folded=True)


def fold(text: str) -> str:
    """Return the text in lower case, each character at its place: that of `İ` would be two."""
    return text.replace("\u0130", "i").lower()
