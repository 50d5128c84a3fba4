"""This module finds secrets by the names before them: `DB_PASSWORD=…`, `"token": "…"`, `--api-key …`."""

import re
from collections.abc import Iterator
from functools import cache

from msgspec import Struct

from memory_mcp.redaction.shapes import Span, compiled
from memory_mcp.redaction.values import Value, is_password, is_random, is_token, read_value

_AFTER_NAME = (
    r"(?:(?P<close>\\{0,3}[\"'`]?\]?)(?:[ \t]{0,8}(?::=|=>|={1,3}|:)"
    r"|[\s,]{1,40}[\"']?value[\"']?\s{0,3}[:=])"  # {"name": "DB_PASSWORD", "value": "…"}
    r"|(?:[ \t]{0,3}:[ \t]{0,3}|[ \t]{1,3})[\w.\[\]*]{1,30}(?: \| \w{1,30})?[ \t]{0,3}:?="
    r"|[ ]is:?(?=[ ])|(?P<tag>>)|(?P<blank>[\"']?,?(?=[ ])))"
    r"(?:\s{0,20}(?=\\{0,3}[\"'`])|[ \t]{0,8}(?:[|>][+-]?[ \t]{0,3}\r?\n[ \t]{1,20})?)"
)
_DIGIT_SOON = r"(?=[^\s\d]{0,200}+\d)"
_VALUE_SOON = rf"(?:(?=\\{{0,3}}[\"'`]|[a-z]{{1,2}}[\"'])|{_DIGIT_SOON}|(?P<word>(?=[^\s$<{{(\[\"'&;,]{{6}})))"
_VARIANT = r"(?:[_-]?(?:\d{1,2}|prod|production|dev|test|staging|root|admin|confirm(?:ation)?|old|new))?"
_KEY_BEFORE = (
    r"(?:api|access|secret|private|auth|encrypt(?:ion)?|sign(?:ing)?|master|webhook|hmac|jwt|crypto|cipher|aes"
    r"|subscription)[_ -]?\Z"
)
_LESSER_KEY_BEFORE = (
    r"(?:app|account|service|server|client|admin|root|deploy(?:ment)?|storage|session|shared|ssh)[_ -]?\Z"
)
_LONGEST_NAME = 60
_DECLARED = r"(?:\bENV|\bsetx|\bsetenv|\bset -\w{1,3})[ \t]{1,4}\w{0,60}\Z"  # what a blank may follow, and then a value
_LONGEST_DECLARED = 80


class _Stem(Struct, frozen=True):
    """The end of a name, in lower case, that announces a secret."""

    mark: str
    rest: str
    is_password: bool = False


_STEMS = (
    _Stem("pass", rf"(?P<whole>(?:word|wd|phrase|code){_VARIANT})?", is_password=True),
    _Stem("pwd", _VARIANT, is_password=True),
    _Stem("secret", rf"(?:[_-]?(?:access[_-]?)?key(?:[_-]?base)?)?{_VARIANT}"),
    _Stem("token", _VARIANT),
    _Stem("key", rf"(?:[_-]?(?:data|base64|b64|pem))?{_VARIANT}"),
    _Stem("credential", "s?"),
    _Stem("_pat", ""),
)
NAME_MARKS = tuple(stem.mark for stem in _STEMS)
_FIELD = (
    r"(?:pass(?:word|wd|phrase|code)?|pwd|secret(?:[_-]?(?:access[_-]?)?key(?:[_-]?base)?)?|token|credentials?"
    r"|authorization)\Z"
)


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
    return found[0] != "pass" or _begins_word(name[-_LONGEST_NAME:], found.start())


@cache
def _assignment(stem: _Stem) -> re.Pattern[str]:
    return compiled(stem.mark + stem.rest + _AFTER_NAME + (_VALUE_SOON if stem.is_password else _DIGIT_SOON))


def _under(stem: _Stem, text: str, folded: str) -> Iterator[Span]:
    read = 0
    for match in _assignment(stem).finditer(folded):
        start, at = match.span()
        if start < read:
            continue
        is_option = text[start - 1 : start] == "-" and compiled(r"--[\w-]*\Z").search(text, max(0, start - 30), start)
        is_line = not is_option and _begins_line(text, start, at)
        if not is_option and match["blank"] is not None and not _is_declared(text, start):
            continue
        if match.lastgroup == "word" and text[start].islower() and not (is_option or is_line):
            continue
        if not _is_named(stem, text, match):
            continue
        is_variable = _is_variable(stem, text, start, at)
        value = read_value(text, at, is_line=is_variable and text[at - 1] == "=")
        if value is None or (match["tag"] is not None and not text.startswith("</", value.end)):
            continue
        is_line = is_line and text[value.end : value.end + 1] in {"", "\n", "\r"}
        is_known = is_variable or is_line or (bool(is_option) and text[at - 1] == "=")
        if _is_secret(stem, match, value, is_known=is_known, text=text):
            value = value.whole(text)
            read = value.end
            name = "command-password" if is_option else "password" if stem.is_password else "secret"
            yield Span(value.start, value.end, name)


def _begins_line(text: str, start: int, at: int) -> bool:
    """Whether nothing stands in front of `name=` on its line, as in a file of properties."""
    if text[at - 1] != "=":
        return False
    begin = text.rfind("\n", max(0, start - _LONGEST_NAME), start) + 1
    return (begin > 0 or start < _LONGEST_NAME) and compiled(r"[\w.-]*").fullmatch(text, begin, start) is not None


def _is_declared(text: str, start: int) -> bool:
    """Whether a variable is given a value without a `=`, as in a Dockerfile or another shell."""
    return compiled(_DECLARED).search(text, max(0, start - _LONGEST_DECLARED), start) is not None


def _is_variable(stem: _Stem, text: str, start: int, at: int) -> bool:
    """Whether the name is in capitals like an environment variable, which only a value can follow."""
    if not text[start : start + len(stem.mark)].isupper():
        return False
    front = compiled(r"\w{0,60}\Z").search(text, max(0, start - _LONGEST_NAME), start)
    return (front is None or front[0] == front[0].upper()) and text[at - 1] in "= \t:"


def _begins_word(text: str, start: int) -> bool:
    before = text[start - 1] if start else " "
    return not before.isalpha() or (before.islower() and text[start] == "P")


def _is_named(stem: _Stem, text: str, match: re.Match[str]) -> bool:
    """Whether the whole name is that of a secret: `compass` and `bypass` end in `pass` too."""
    start = match.start()
    if stem.mark == "_pat":
        return text[start : match.end()].startswith("_PAT")
    if stem.mark == "pass" and match["whole"] is None:
        return _begins_word(text, start)
    return True


def _is_secret(stem: _Stem, match: re.Match[str], value: Value, *, is_known: bool, text: str) -> bool:
    start = match.start()
    if stem.mark == "key":
        front = text[max(0, start - 20) : start].lower()
        if compiled(_KEY_BEFORE).search(front) is None:
            return compiled(_LESSER_KEY_BEFORE).search(front) is not None and is_random(value)
    if not stem.is_password:
        return is_token(value)
    if stem.mark == "pwd" and compiled(r"(?:[/~.]|[A-Za-z]:[\\/])").match(value.text):
        return False  # the working directory
    is_bare = stem.mark == "pass" and match["whole"] is None and (not start or text[start - 1] not in "_-")
    if is_bare and not value.is_mixed:
        return False
    return is_password(value, is_variable=is_known, is_label=":" in match[0])
