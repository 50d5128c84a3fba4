"""This module weighs the words of a text's subject, and tells how much of it two texts share."""

from collections.abc import Iterable, Mapping
from functools import lru_cache

from memory_mcp.expressions import expression
from memory_mcp.telling.naming import names_in

_WORD = expression(r"[a-z_]\w+")
_STOP = frozenset((
    "a", "an", "the", "and", "or", "of", "to", "in", "on", "at", "for", "with", "by", "is", "are", "be", "was",
    "were", "it", "its", "as", "that", "this", "these", "those", "from", "into", "then", "when", "if", "which", "so",
    "they", "them", "has", "have", "had", "will", "would", "can", "could", "also", "any", "all", "each", "one",
    "does", "do", "did", "been", "being", "but", "than", "there", "their", "such", "other", "we", "you", "our",
    "your", "i", "he", "she", "what", "who", "how", "why", "where", "out", "up", "over", "under", "about", "again",
    "still", "just", "more", "most", "some", "same", "own", "very", "too", "here", "both", "while", "during", "per",
    "via", "now", "not", "no", "never", "longer", "only", "must", "should", "shall", "may", "might", "need", "needs",
    "instead", "rather", "cannot", "don", "doesn", "didn", "isn", "aren", "won", "anywhere", "yet", "else",
))  # fmt: skip
# Words that most records of a project hold say little about the subject.
_COMMON = frozenset((
    "use", "uses", "used", "using", "add", "adds", "added", "adding", "fix", "fixes", "fixed", "make", "makes",
    "made", "get", "gets", "set", "sets", "new", "old", "value", "values", "name", "names", "call", "calls", "called",
    "method", "methods", "function", "functions", "class", "option", "options", "command", "commands", "line",
    "lines", "code", "change", "changes", "changed", "test", "tests", "file", "files", "type", "types", "default",
    "defaults", "error", "errors", "raise", "raises", "return", "returns", "work", "works", "support", "supports",
    "object", "objects", "data", "way", "case", "cases", "first", "last", "pass", "passed", "run", "runs", "user",
    "users", "version", "docs", "documentation", "issue", "pull", "merge", "request", "refs", "table", "tables",
    "column", "columns", "row", "rows", "record", "records", "list", "lists", "key", "keys", "string", "strings",
    "text", "texts", "argument", "arguments", "parameter", "parameters", "result", "results", "message", "messages",
))  # fmt: skip
_LEAST_WEIGHT = 3.0  # of words that two sentences share
_NAMED, _ORDINARY, _TOO_COMMON = 2.0, 1.0, 0.4


@lru_cache(maxsize=16_384)
def weights(text: str) -> dict[str, float]:
    """Return the words of a text's subject, in their stems, with how much each tells."""
    names = {part.lower() for name in names_in(text) for part in (name, name.rpartition(".")[2])}
    found: dict[str, float] = {}
    for word in _WORD.findall(text.lower()):
        if word in _STOP:
            continue
        if word in names or "_" in word:
            found[word] = _NAMED
        else:
            found[_stem(word)] = _TOO_COMMON if word in _COMMON else _ORDINARY
    return found


def overlap(one: Mapping[str, float], other: Mapping[str, float]) -> float:
    """Return the share of the words of the lighter text that the other holds too."""
    shared = sum(weight for word, weight in one.items() if word in other)
    if shared < _LEAST_WEIGHT:
        return 0.0
    return shared / min(sum(one.values()), sum(other.values()))


def merged(texts: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """Return the words of several texts."""
    return {word: weight for each in texts for word, weight in each.items()}


def _stem(word: str) -> str:
    for ending in ("ing", "ed", "es", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 4:  # noqa: PLR2004 - a stem that still tells
            return word[: -len(ending)]
    return word
