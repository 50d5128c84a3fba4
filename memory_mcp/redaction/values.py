"""This module reads what is assigned to a name, and judges whether it is a secret or code that refers to one."""

import re

import msgspec
from msgspec import Struct

from memory_mcp.redaction.shapes import compiled

_JUDGED = 200  # characters of a value that are judged
_LEAST_PASSWORD = 6
_LEAST_TOKEN = 8
_OPENING = r"(?:[rbfuRBFUL@]{0,2})(\\{0,3}[\"'`])"
_CODE = (  # references, templates, calls, types
    r"[<{%*][^\s]|\[\w+\]\Z|\$[{(\w]|%\w+%|[#!]?\{\{|(?:os|process|env|self|this|settings|config|args|opts|options|params|props"
    r"|secrets|vars?|data|local|ctx|context|request|req|app|cls|ENV|Deno|import)[.\[(]"
)
_STANDS_FOR_NOTHING = (
    r"(?i:your[_ -]|your\w{0,20}\Z|my[_-]?(?:password|secret|token|api[_-]?key)\Z|change[_-]?(?:me|it|this)"
    r"|replace[_ -]|insert[_ -]|enter[_ -]|placeholder|redacted|masked|hidden|x{4,}|\.{3}|\u2026"
    r"|(?:none|null|nil|undefined|true|false|string|str|text|bool|boolean|object|number|integer|required|optional"
    r"|password|passwd|passphrase|passcode|secret|token|unknown|empty|prompt|default|default_value|input|visible"
    r"|function|class|return)\Z)"
)
_SENTENCE = (
    r"(?i:\b(?:password|passwords|passwort|passphrase|token|your|you|enter|please|must|required|cannot|can't|should|invalid"
    r"|the|this|that|is|are|was|has|have|for|from|with|not|optional|confirm|forgot|change|reset|provide|use|used|set|show|hide"
    r"|old|new|current|again|repeat|incorrect|wrong)\b)"
)
_MIXED_WORD = r"\b(?=\w*[a-z])(?=\w*[A-Z])(?=\w*\d)\w{10,}"  # which no message has
_REFERENCE = r"[A-Za-z_$]\w*(?:(?:\??\.|->|::)[A-Za-z_$]\w*)+(?:[?|&+*/!=-]|\Z)|\w+[!=]==?"
_TYPE_NAME = r"(?:[A-Z][a-z]+)*\d{0,5}(?:[A-Z][a-z]+)+[$\d]{0,3}\Z"
_NO_LETTERS_OF_TOKENS = r"[^\[\](){}*\\]*[\[\](){}*\\]"
_PATH = r"(?:https?:|wss?:|file:|\.{0,2}/|~/|[A-Za-z]:\\)|[\w@.-]{1,60}(?:/[\w@.-]{0,60}){1,20}\.\w{1,5}\Z"
_WORDS_AND_NUMBER = r"[A-Za-z_]+(?:[-_.:][A-Za-z]+)*[-_.:]?\d{0,2}\Z"
_HASHED = r"(?:sha(?:1|224|256|384|512)|md5)[-:=]"


class Value(Struct, frozen=True):
    """The first characters of an assigned value, without quotes; `goes_on` matches the rest."""

    start: int
    end: int
    text: str
    goes_on: str
    is_quoted: bool = False
    is_line: bool = False

    @property
    def is_mixed(self) -> bool:
        """Whether it has letters and digits; an ordinary word has no digits."""
        return compiled(r"\d").search(self.text) is not None and compiled(r"[A-Za-z]").search(self.text) is not None

    def whole(self, text: str) -> "Value":
        """Return the value up to its end."""
        rest = compiled(f"{self.goes_on}*+").match(text, self.end)
        end = rest.end() if rest else self.end
        if not self.is_quoted:  # leave the full stop of a sentence
            end -= len(text[self.start : end]) - len(text[self.start : end].rstrip(".,:;!?"))
        return msgspec.structs.replace(self, end=end)


def read_value(text: str, start: int, *, is_line: bool) -> Value | None:
    """Return the value that begins here; None for nothing, or for a call or an index."""
    opened = compiled(_OPENING).match(text, start)
    if opened is not None:
        quote = opened[1]
        begin = opened.end()
        inside = _inside(quote)
        body = compiled(f"{inside}{{0,{_JUDGED}}}+").match(text, begin)
        end = body.end() if body else begin
        if text.startswith(quote, end) or end == len(text) or end - begin >= _JUDGED:
            return Value(begin, end, text[begin:end], inside, is_quoted=True)
        start = begin
    stops = r"[^\s'\"`<>|;&\\)]" if is_line else r"[^\s'\"`&;,(){}\[\]<>|\\]"
    found = compiled(f"{stops}{{1,{_JUDGED}}}").match(text, start)
    if found is None:
        return None
    end = found.end()
    if not is_line and opened is None and text[end : end + 1] in {"(", "["}:
        return None
    return Value(start, end, found[0], stops, is_line=is_line)


def _inside(quote: str) -> str:
    """Return the pattern of a character between quotes, on one line; escaped quotes hold no further escape."""
    return rf"[^{quote[-1]}\\\n]" if len(quote) > 1 else rf"(?:[^{quote}\\\n]|\\[^\n])"


def is_password(value: Value, *, is_variable: bool, is_label: bool = False) -> bool:
    """Whether a value is a password; `is_variable` if only a value can stand here.

    Under a label, as in a table of messages, a word or a sentence is not one.
    """
    text = value.text
    if len(text) < _LEAST_PASSWORD or _stands_for_something_else(text):
        return False
    if not value.is_quoted:
        return is_variable or ((value.is_mixed or text.isdigit()) and not _is_reference(text))
    if compiled(r"\s").search(text):
        return _is_phrase(text, is_label=is_label)
    return value.is_mixed or (not (is_label and text[0].isupper() and text.isalpha()) and text.isascii())


def is_token(value: Value) -> bool:
    """Whether a value under the name of a token or a key is one."""
    text = value.text
    if len(text) < _LEAST_TOKEN or not value.is_mixed or compiled(r"\s").search(text):
        return False
    if _stands_for_something_else(text) or compiled(_HASHED).match(text):
        return False
    if compiled(_PATH).match(text) or compiled(_NO_LETTERS_OF_TOKENS).match(text):
        return False
    if value.is_quoted or value.is_line or compiled(_TYPE_NAME).match(text) is None:
        return value.is_quoted or value.is_line or not (_is_reference(text) or compiled(_WORDS_AND_NUMBER).match(text))
    return False


def is_random(value: Value) -> bool:
    """Whether a value looks machine-made."""
    run = compiled(r"[A-Za-z0-9+/]{16,}").search(value.text)
    return run is not None and compiled(r"\d").search(run[0]) is not None and is_token(value)


def _stands_for_something_else(text: str) -> bool:
    return compiled(_CODE).match(text) is not None or compiled(_STANDS_FOR_NOTHING).match(text) is not None


def _is_reference(text: str) -> bool:
    return compiled(_REFERENCE).match(text) is not None


def _is_phrase(text: str, *, is_label: bool) -> bool:
    """Whether words are a pass phrase, not a message about one."""
    if text != text.strip():
        return False
    if compiled(_SENTENCE).search(text) and (is_label or not compiled(_MIXED_WORD).search(text)):
        return False
    if not is_label:
        return True
    return (
        text.isascii()
        and (re.search(r"\d", text) is not None or text[0].islower())
        and not text.endswith((".", "?", ":"))
    )
