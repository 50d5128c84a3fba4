r"""This module escapes characters that drive a terminal, reverse text or hide it, for example as `\x1b`.

Everything that is printed, logged or handed to an agent goes through it.
"""

import re
from collections.abc import Callable
from typing import Any

from memory_mcp.expressions import expression

_LINES = "\n\t"
_CONTROLS = "".join(map(chr, range(0x20)))
_SPACES = frozenset("\u00a0\u1680\u202f\u205f\u3000").union(map(chr, range(0x2000, 0x200B)))
_ARABIC_SIGNS = frozenset("\u06dd\u070f\u0890\u0891\u08e2").union(map(chr, range(0x600, 0x606)))
_JOINERS = frozenset("\u200c\u200d")
_BLANKS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u3164\uffa0")  # letters that show nothing
_SELECTORS = frozenset(map(chr, (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))))
_SUSPECTS = _JOINERS | _SELECTORS
# joiners and variation selectors where they mean something: in Arabic and Indic words, in emoji, after ideographs;
# group 1 holds those that stand anywhere else, where only a program sees them
_SCRIPTS = r"[\u0600-\u1cff\ua800-\uabff]"
_EMOJI = (
    r"\u00a9\u00ae\u203c\u2049\u2122\u2139\u2190-\u21ff\u2300-\u27bf\u2900-\u297f\u2b00-\u2bff\u3030\u303d\u3297\u3299"
)
_EMOJI += r"\U0001f000-\U0001faff"
_MEANT = expression(
    rf"(?<={_SCRIPTS})[\u200c\u200d](?={_SCRIPTS})"
    rf"|(?<=[{_EMOJI}\ufe0f])\u200d(?=[{_EMOJI}])"
    rf"|(?<=[{_EMOJI}])[\ufe0e\ufe0f]"
    r"|(?<=[#*0-9])\ufe0f(?=\u20e3)"
    r"|(?<=[\u3001-\u303f\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff])[\ufe00-\ufe02\U000e0100-\U000e01ef]"
    r"|([\u200c\u200d\ufe00-\ufe0f\U000e0100-\U000e01ef])"
)
_MOST_KNOWN = 4_096  # characters whose sign a table keeps


def visible(text: str) -> str:
    """Return a text of several lines with its hidden characters as escapes; newlines and tabs stay."""
    return text if text.isascii() and text.isprintable() else _LINES_TABLE.show(text)


def visible_line(text: str) -> str:
    """Return a text as one line, its newlines and tabs as escapes too."""
    return text if text.isascii() and text.isprintable() else _LINE_TABLE.show(text)


def is_utf8(text: str) -> bool:
    """Whether a text can be stored and printed; bytes that were not UTF-8 are lone surrogates in it."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def visible_json(text: str) -> str:
    r"""Return equivalent JSON with hidden characters as `\uXXXX`."""
    return _JSON_TABLE.show(text)


def ascii_json(text: str) -> str:
    r"""Return equivalent JSON in ASCII, for a stream that cannot carry more."""
    return text if text.isascii() else "".join(sign if sign.isascii() else _json_escape(sign) for sign in text)


def visible_values(value: Any) -> Any:
    """Return a value of JSON with every text and name in it visible; control characters stay, which JSON escapes."""
    if isinstance(value, str):
        return value if value.isascii() and "\x7f" not in value else _VALUES_TABLE.show(value)
    if isinstance(value, dict):
        return {visible_values(name): visible_values(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [visible_values(inner) for inner in value]
    return value


def _escape(sign: str) -> str:
    return sign.encode("unicode_escape").decode()


def _json_escape(sign: str) -> str:
    units = sign.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[start : start + 4]}" for start in range(0, len(units), 4))


class _Table(dict[int, str]):
    """The shown form of each character, filled at its first use by `str.translate`."""

    def __init__(self, escape: Callable[[str], str], kept: str) -> None:
        super().__init__()
        self._escape = escape
        self._kept = kept

    def show(self, text: str) -> str:
        if not _SUSPECTS.isdisjoint(text):
            text = _MEANT.sub(self._joined, text)
        return text.translate(self)

    def __missing__(self, code: int) -> str:
        sign = chr(code)
        shows = (
            sign in self._kept
            or (sign.isprintable() and sign not in _BLANKS)
            or sign in _SPACES
            or sign in _ARABIC_SIGNS
            or sign in _JOINERS
        )
        shown = sign if shows else self._escape(sign)
        if len(self) < _MOST_KNOWN:
            self[code] = shown
        return shown

    def _joined(self, match: re.Match[str]) -> str:
        return self._escape(match[1]) if match[1] else match[0]


_LINES_TABLE = _Table(_escape, _LINES)
_LINE_TABLE = _Table(_escape, "")
_JSON_TABLE = _Table(_json_escape, _LINES)
_VALUES_TABLE = _Table(_escape, _CONTROLS)
