"""This module finds the files, functions and identifiers that a text speaks of."""

import re

from memory_mcp.expressions import expression

_SUFFIXES = (
    "py|pyi|js|jsx|ts|tsx|mjs|cjs|rs|go|java|kt|c|h|cc|cpp|hpp|cs|rb|php|sh|bash|sql|toml|yaml|yml|json|md|rst|txt|cfg"
    "|ini|html|css|scss|vue|svelte|swift|scala|lua|pl|r|ex|exs|erl|hs|ml|proto|lock|xml|gradle|tf|env"
)
_FILE = expression(rf"(?<![\w/.:@-])(?:[\w.@-]+/)*[\w@-][\w.@-]*\.(?:{_SUFFIXES})(?![\w/-])", re.IGNORECASE)
_CALL = expression(r"(?<![\w.])((?:[A-Za-z_]\w*\.)*[A-Za-z_]\w*)\(")
_IDENTIFIER = expression(
    r"(?<![\w/-])(?<!\w\.)(?:[A-Za-z_]\w*\.)*(?:[a-z]\w*_\w+|_+[a-z]\w+|[A-Z][A-Z0-9]*_[A-Z0-9_]+|[A-Z]?[a-z0-9]+[A-Z]\w*"
    r"|[a-z_]\w*\.[a-z_]\w+)(?![\w/-]|\.\w)"
)
_QUOTED = expression(r"`{1,2}([^`\s]{2,60})`{1,2}")
_WORD = expression(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*(?:\(\))?")
_FLAG = expression(r"(?<![\w-])--[a-z][\w-]+")
_NO_NAMES = frozenset(
    {"e.g", "i.e", "GitHub", "JavaScript", "TypeScript", "PyPI", "macOS", "iOS", "README", "SQLite", "OpenAI", "PyPy"}
)
_MOST, _SHORTEST = 40, 3


def files_in(text: str) -> tuple[str, ...]:
    """Return the paths that a text mentions, in its order."""
    return tuple(dict.fromkeys(match[0].removeprefix("./") for match in _FILE.finditer(text)))[:_MOST]


def functions_in(text: str) -> tuple[str, ...]:
    """Return the names that a text calls or shows as called, without what they belong to."""
    called = (match[1] for match in _CALL.finditer(text) if len(match[1]) >= _SHORTEST)
    return tuple(dict.fromkeys(name.rpartition(".")[2] for name in called))[:_MOST]


def names_in(text: str) -> tuple[str, ...]:
    """Return the identifiers that a text speaks of: snake_case, CamelCase, CONSTANTS, calls, flags, `quoted` words."""
    found: dict[str, None] = {}
    for match in _CALL.finditer(text):
        found[match[1]] = None
    for match in _IDENTIFIER.finditer(text):
        if not _FILE.fullmatch(match[0]):
            found[match[0]] = None
    for match in _QUOTED.finditer(text):
        if _WORD.fullmatch(match[1]):
            found[match[1].removesuffix("()")] = None
    for match in _FLAG.finditer(text):
        found[match[0]] = None
    return tuple(name for name in found if name not in _NO_NAMES and len(name) >= _SHORTEST)[:_MOST]
