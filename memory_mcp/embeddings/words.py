"""This module cuts text into words: identifiers whole and in parts, Chinese, Japanese and Korean in pairs."""

from functools import lru_cache

from memory_mcp.expressions import expression

_COMPOUND = expression(r"\w+(?:[./\\:#@+-]+\w+)*")
_IDENTIFIER = expression(r"\w+")
_HUMP = expression(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")
_WIDE_HUMP = expression(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[^\W\d_A-Z]+|[A-Z]+|\d+")  # letters with marks are like small ones
_CJK = expression(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff]+")
_LONGEST_WHOLE = 80

_STOP_WORDS = """
a about after all also am an and any are as at be because been before being but by can could did do does doing
done for from had has have he her here him his how i if in into is it its just me more most my no nor not of
on once only or other our out over own same she should so some such than that the their them then there these
they this those through to too under until up very was we were what when where which while who whom why will
with would you your please
"""
STOP_WORDS = frozenset(_STOP_WORDS.split())


def words(text: str) -> list[str]:
    """Return lower-case words in reading order; `parse_HTTPHeader` gives itself joined, then parse, http, header."""
    found: list[str] = []
    for compound in _COMPOUND.finditer(text):
        identifiers = _IDENTIFIER.findall(compound[0])
        if len(identifiers) > 1 and len(compound[0]) <= _LONGEST_WHOLE:
            found.append("".join(identifiers).replace("_", "").lower())
        for identifier in identifiers:
            found += _identifier_words(identifier)
    return found


def content_words(text: str) -> list[str]:
    """Return the words that carry meaning, each once; all words if every one is a stop word."""
    unique = list(dict.fromkeys(words(text)))
    return [word for word in unique if word not in STOP_WORDS] or unique


@lru_cache(maxsize=8_192)  # identifiers come again and again; cutting one costs ten times a look here
def _identifier_words(identifier: str) -> tuple[str, ...]:
    is_ascii = identifier.isascii()
    if not is_ascii and _CJK.search(identifier):
        return tuple(_pairs(identifier))
    parts = (_HUMP if is_ascii else _WIDE_HUMP).findall(identifier)
    whole = identifier.replace("_", "").lower()
    if len(parts) < 2 or len(identifier) > _LONGEST_WHOLE:  # noqa: PLR2004 - one part is the whole
        return tuple(part.lower() for part in parts) or ((whole,) if whole else ())
    return (whole, *(part.lower() for part in parts))


def _pairs(text: str) -> list[str]:
    """Cut runs without spaces into overlapping pairs of characters, and the rest as usual."""
    found: list[str] = []
    rest = 0
    for run in _CJK.finditer(text):
        found += words(text[rest : run.start()])
        found += [run[0]] if len(run[0]) == 1 else [run[0][at : at + 2] for at in range(len(run[0]) - 1)]
        rest = run.end()
    return found + words(text[rest:])
