"""This module finds secrets by the names that they are given to: `DB_PASSWORD=…`, `"token": "…"`, `--api-key …`."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Literal

from msgspec import Struct

from memory_mcp.redaction.shapes import Span, compiled
from memory_mcp.redaction.values import Value, is_password, is_random, is_token, read_value

_AFTER_NAME = (
    r"(?:(?P<close>\\{0,3}[\"'`]?\]?)(?:[ \t]{0,8}(?::=|=>|={1,3}|:)"
    r"|[\s,]{1,40}[\"']?value[\"']?\s{0,3}[:=])"  # {"name": "DB_PASSWORD", "value": "…"}
    r"|[ \t]{0,3}:?[ \t]{0,3}[\w.\[\]| ]{1,30}:?=|[ ]is:?(?=[ ])|(?P<tag>>)|(?P<blank>[\"']?,?(?=[ ])))"
    r"(?:[ \t]{0,8}(?:[|>][+-]?[ \t]{0,3}\r?\n[ \t]{1,20})?|\s{0,20}(?=[\"']))"
)
_VARIANT = r"(?:[_-]?(?:\d{1,2}|prod|production|dev|test|staging|root|admin|confirm(?:ation)?|old|new))?"
_KEY_BEFORE = (
    r"(?:api|access|secret|private|auth|encrypt(?:ion)?|sign(?:ing)?|master|webhook|hmac|jwt|crypto|cipher|aes"
    r"|subscription)[_ -]?\Z"
)
_LESSER_KEY_BEFORE = r"(?:app|account|service|server|client|admin|root|deploy(?:ment)?|storage|session|shared|ssh)[_ -]?\Z"
_LONGEST_NAME = 60

Kind = Literal["password", "secret"]


class _Stem(Struct, frozen=True):
    """The end of a name, in lower case, that says that a secret follows."""

    mark: str
    rest: str
    kind: Kind


_STEMS = (
    _Stem("pass", rf"(?P<whole>(?:word|wd|phrase|code){_VARIANT})?", "password"),
    _Stem("pwd", _VARIANT, "password"),
    _Stem("secret", rf"(?:[_-]?(?:access[_-]?)?key(?:[_-]?base)?)?{_VARIANT}", "secret"),
    _Stem("token", _VARIANT, "secret"),
    _Stem("key", rf"(?:[_-]?(?:data|base64|b64|pem))?{_VARIANT}", "secret"),
    _Stem("credential", "s?", "secret"),
    _Stem("_pat", "", "secret"),
)
NAME_MARKS = tuple(stem.mark for stem in _STEMS)
_FIELD = r"(?:pass(?:word|wd|phrase|code)?|pwd|secret(?:[_-]?(?:access[_-]?)?key(?:[_-]?base)?)?|token|credential|authorization)s?\Z"


def named_spans(text: str, folded: str) -> Iterator[Span]:
    """Yield the values that stand under the name of a secret; `folded` is the text in lower case."""
    for stem in _STEMS:
        if stem.mark in folded:
            yield from _under(stem, text, folded)


def names_secret(name: str) -> bool:
    """Whether a field of this name holds a secret, whatever it looks like."""
    end = name[-_LONGEST_NAME:].lower()
    found = compiled(_FIELD).search(end)
    if found is None:
        return end.endswith("key") and compiled(_KEY_BEFORE).search(end[:-3]) is not None
    return found[0] != "pass" or found.start() == 0 or _begins_word(name[-_LONGEST_NAME:], found.start())


@cache
def _assignment(stem: _Stem) -> re.Pattern[str]:
    return compiled(stem.mark + stem.rest + _AFTER_NAME)


def _under(stem: _Stem, text: str, folded: str) -> Iterator[Span]:
    read = 0
    for match in _assignment(stem).finditer(folded):
        if match.start() < read:
            continue
        name = _name(text, match)
        is_option = name.startswith("-")
        if match["blank"] is not None and not is_option:
            continue
        value = read_value(text, match.end(), is_line=_is_variable(name, text, match))
        if value is None or (match["tag"] is not None and not text.startswith("</", value.end)):
            continue
        if _is_secret(stem, text, match, name, value):
            read = value.end
            yield Span(value.start, value.end, "command-password" if is_option else stem.kind)


def _name(text: str, match: re.Match[str]) -> str:
    """Return the whole name that ends in a stem, with the dashes of an option."""
    front = text[max(0, match.start() - _LONGEST_NAME) : match.start()]
    begun = compiled(r"[\w.-]*\Z").search(front)
    return (begun[0] if begun else "") + text[match.start() : match.end()].split("=")[0].split(":")[0].strip(" \"'`]\\")


def _is_variable(name: str, text: str, match: re.Match[str]) -> bool:
    """Whether this sets a variable of the environment: `NAME=value`, of which nothing is code."""
    return name.isupper() and text[match.end() - 1] == "="


def _begins_word(text: str, start: int) -> bool:
    before = text[start - 1] if start else " "
    return not before.isalpha() or (before.islower() and text[start].isupper())


def _is_secret(stem: _Stem, text: str, match: re.Match[str], name: str, value: Value) -> bool:
    if stem.mark == "key":
        front = text[max(0, match.start() - 20) : match.start()].lower()
        if compiled(_KEY_BEFORE).search(front) is None:
            return compiled(_LESSER_KEY_BEFORE).search(front) is not None and is_random(value)
    if stem.kind == "secret":
        return is_token(value)
    if stem.mark == "pwd" and compiled(r"(?:[/~.]|[A-Za-z]:[\\/])").match(value.text):
        return False  # the working directory
    if stem.mark == "pass" and match["whole"] is None:
        if not _begins_word(text, match.start()):
            return False  # compass, bypass
        if name.lower() == "pass":
            return value.is_mixed and is_password(value, is_variable=False)
    is_variable = name.isupper() or (name.startswith("--") and text[match.end() - 1] == "=")
    return is_password(value, is_variable=is_variable, is_label=":" in match[0])
