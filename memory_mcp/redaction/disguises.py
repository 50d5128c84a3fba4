"""This module unwraps a text: escapes of JSON, URLs and HTML, colour codes, invisible characters."""

import re
from bisect import bisect_right
from collections.abc import Iterator

from msgspec import Struct

from memory_mcp.expressions import expression

_INVISIBLE = "\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff"
_CONTROLS = r"\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f-\x9f"
_BEHIND_ESCAPE = (  # what a terminal reads as a command: colours, titles, links, character sets
    r"(?:\[[0-?]{0,40}[@-~]|\][^\x07\x1b\\]{0,400}(?:\x07|\x1b\\|\\{1,3}(?:u00|x)07)|[()][0-9A-B])"
)
_HEX = r"(?:[2-7][0-9a-fA-F]|0[9aAdD])"  # hexadecimal codes of printable characters and line ends
# All alternatives share one set of first characters, so that `re` skips everything else quickly.
_WRAPPING = expression(
    rf"[\\%&\x1b\x9b{_CONTROLS}{_INVISIBLE}](?:"
    rf"(?<=\\)(?:\\{{0,6}}(?P<letter>[\"'/`nrt])|\\{{0,6}}(?:u00|x)(?P<hex>{_HEX})"
    rf"|(?P<gone>\\{{0,2}}(?:(?:u00|x)1[bB]|033|e(?=\[)){_BEHIND_ESCAPE}|\r?\n[ \t]{{0,20}}"
    r"|\\{0,2}u(?:00[aA][dD]|200[b-fB-F]|202[a-eA-E]|206[0-46-9]|[fF][eE][fF][fF]))"
    r"|\\{0,6}u(?P<letter_of_words>[0-9a-fA-F]{4})(?=[A-Za-z_]))"
    rf"|(?<=%)(?:25){{0,3}}(?P<percent>{_HEX})"
    r"|(?<=%)(?P<part_of_a_letter>[89a-fA-F][0-9a-fA-F])(?=[A-Za-z_])"
    rf"|(?<=&)(?:(?P<entity>quot|apos|amp|lt|gt)|#(?P<number>\d{{2,3}})|#[xX](?P<code>{_HEX}));"
    rf"|(?<=\x1b)(?P<command>{_BEHIND_ESCAPE}?)|(?<=\x9b)(?P<control>[0-?]{{1,40}}[@-~])"
    rf"|(?<=[{_CONTROLS}{_INVISIBLE}])(?P<invisible>))"
)
_MARKS = expression(rf"[\\%&\x1b{_CONTROLS}]")  # the set of an ASCII text, which most often has none of it
_CALLED = {"quot": '"', "apos": "'", "amp": "&", "lt": "<", "gt": ">", "n": "\n", "r": "\n", "t": " "}
_TOKEN = expression(r"[\w.~+/=%-]{0,4000}", re.ASCII)
_LONGEST_TOKEN = 4000
_BEFORE = 200  # characters before an escape that are read with it: room for a secret's name
_BEHIND = 300
_FAR = 600
_WIDE = expression(r"[\uff01-\uff5e]+")
_NARROW = {place: place - 0xFEE0 for place in range(0xFF01, 0xFF5F)}
_VANISHING = frozenset(("gone", "command", "control", "invisible"))


class View(Struct, frozen=True):
    """A text without its wrapping, with the place of each character in the original text.

    The characters of the view from `places[i]` on are those of the original from `origins[i]` on.
    """

    text: str
    places: list[int]
    origins: list[int]
    stands: bytearray  # whether a character of the view ends at a place

    def origin(self, start: int, end: int) -> tuple[int, int]:
        """Return where a part of the view begins and ends in the original text."""
        first = bisect_right(self.places, start) - 1
        last = bisect_right(self.places, end - 1) - 1
        ends = self.origins[last] + end - self.places[last]
        after = last + 1
        if after < len(self.places) and self.places[after] == end and self.stands[after]:
            ends = self.origins[after]
        return self.origins[first] + start - self.places[first], ends


def views(text: str) -> Iterator[View]:
    """Yield the views of a text; none if nothing in it is wrapped.

    A vanishing escape may stand inside a token or between two words, so one view joins its sides, another parts them.
    """
    if text.isascii() and not _MARKS.search(text):  # `_WRAPPING` takes a hook 2 ms to compile
        return
    narrow = text if text.isascii() else _WIDE.sub(lambda run: run[0].translate(_NARROW), text)
    if narrow != text:  # each letter keeps its place
        yield View(narrow, [0], [0], bytearray(1))
        text = narrow
    found = list(_WRAPPING.finditer(text))
    if found:
        yield _unwrapped(text, found, "")
    if vanishing := [match for match in found if match.lastgroup in _VANISHING]:
        yield _unwrapped(text, vanishing, " ")


def _unwrapped(text: str, found: list[re.Match[str]], gap: str) -> View:
    pieces: list[str] = []
    places, origins, stands = [0], [0], bytearray(1)
    length = last = 0
    for match in found:
        start, end = match.span()
        if start - last > _FAR and (cut := _parted(text, last, start)):
            pieces += (text[last : cut[0]], "\n")
            length += cut[0] - last + 1
            places.append(length)
            origins.append(cut[1])
            stands.append(0)
            last = cut[1]
        kind = match.lastgroup or ""
        character = gap if kind in _VANISHING else _character(kind, match[kind])
        pieces += (text[last:start], character)
        length += start - last + len(character)
        places.append(length)
        origins.append(end)
        stands.append(len(character))
        last = end
    end = _end_of_token(text, last)
    pieces += (text[last:end], "\n" if end < len(text) else "")
    return View("".join(pieces), places, origins, stands)


def _parted(text: str, last: int, start: int) -> tuple[int, int] | None:
    """Return the span far from both places and outside any token, which the view can leave out."""
    end = _end_of_token(text, last)
    front = _TOKEN.match(text[max(0, start - _BEFORE - _LONGEST_TOKEN) : max(0, start - _BEFORE)][::-1])
    begin = start - _BEFORE - (front.end() if front else 0)
    return (end, begin) if end < begin else None


def _end_of_token(text: str, place: int) -> int:
    token = _TOKEN.match(text, place + _BEHIND)
    return token.end() if token else len(text)


def _character(kind: str, told: str) -> str:
    match kind:
        case "letter" | "entity":
            return _CALLED.get(told, told)
        case "number":
            return chr(int(told)) if chr(int(told)).isprintable() else " "
        case "letter_of_words" | "part_of_a_letter":
            return "\ufffd"  # some letter of a word; a token may begin behind it
        case _:
            return chr(int(told, 16))
