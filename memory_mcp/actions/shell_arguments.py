"""This module shapes the words of a simple command: options that only change what is shown go, code is condensed."""

import zlib
from collections.abc import Sequence

from memory_mcp.actions.shell_lines import program_name
from memory_mcp.actions.shell_paths import lasting_path
from memory_mcp.actions.shell_words import names
from memory_mcp.expressions import expression

_SHOWN = 80  # characters of a text that is kept as it is
_HEX = expression(r"\b(?:0x[0-9a-fA-F]+|(?=\d*[a-f])(?=[a-f]*\d)[0-9a-f]{7,40})\b")
_UUID = expression(r"\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b")
_NUMBER = expression(r"#?\d+")
_JOBS = expression(r"-j\d+|--jobs=\d+|--parallel=\d+")
_LITERAL = expression(r"'[^']*'|\b\d+(?:\.\d+)?\b")
_INTERPRETER = expression(r"(?:python|pypy)[\d.]*$")

# where the name of a tool follows what starts it
_STARTERS: dict[str, tuple[str, ...]] = {
    "uv": ("run",), "poetry": ("run",), "pipenv": ("run",), "pdm": ("run",), "hatch": ("run",), "rye": ("run",),
    "bundle": ("exec",), "npx": (), "bunx": (), "uvx": (), "pnpx": (), "coverage": ("run", "-m"),
}  # fmt: skip
_EVERYWHERE = frozenset(("--verbose", "--quiet", "--no-color", "--color", "--colors", "--no-pager", "--no-progress"))
_SHOWING: dict[str, frozenset[str]] = {
    "pytest": names(
        "--no-header --no-summary --showlocals --exitfirst --full-trace --disable-warnings --disable-pytest-warnings"
        " --setup-show"
    ),
    "unittest": frozenset(("-v", "-q", "-f", "-b", "--failfast", "--buffer")),
    "pip": frozenset(("-q", "-qq", "-v", "-vv", "-vvv", "--no-cache-dir", "--disable-pip-version-check", "--no-input")),
    "npm": frozenset(("-s", "--silent", "--no-audit", "--no-fund")),
    "cargo": frozenset(("-v", "-vv", "-q")),
    "go": frozenset(("-v", "-count=1")),
    "make": frozenset(("-s", "--silent", "--no-print-directory", "-B")),
    "gradle": frozenset(("-q", "-i", "--info", "--stacktrace", "--console=plain", "--no-daemon")),
    "gradlew": frozenset(("-q", "-i", "--info", "--stacktrace", "--console=plain", "--no-daemon")),
    "mvn": frozenset(("-q", "-B", "-e", "-ntp", "--no-transfer-progress", "--batch-mode")),
    "python": frozenset(("-u", "-B")),
    "node": frozenset(),
}
_SHOWING_VALUE: dict[str, frozenset[str]] = {
    "pytest": frozenset(("--tb", "--maxfail", "--durations", "--capture", "--show-capture", "--verbosity")),
    "pip": frozenset(("--progress-bar",)),
}
_PYTEST_LETTERS = frozenset("xvsql")
_MESSAGE_OPTIONS = frozenset(("-m", "--message", "-am", "--title", "--body", "-t", "-b", "--notes"))
_MESSAGED = frozenset(("git", "gh", "hg", "jj"))
_SQL = names("psql mysql mariadb sqlite3 duckdb clickhouse-client sqlcmd")
_NUMBERED = names("gh kill sleep glab")


def condensed(text: str, longest: int = _SHOWN) -> str:
    """Return a text on one line; of a long one its beginning, and a checksum so that another stays another."""
    line = " ".join(text.split())
    return line if len(line) <= longest else f"{line[: longest - 20]}…{zlib.crc32(line.encode('utf-8', 'replace')):08x}"


def shaped_words(words: Sequence[str], root: str = "") -> list[str]:
    """Return the words of a command without what differs between runs that fail for the same reason."""
    starting = tool_at(words)
    tool = _family(words[starting])
    shaped = [lasting_path(_program(word), root) if at == 0 else word for at, word in enumerate(words[: starting + 1])]
    shaped = [word for word in shaped if word not in _SHOWING["python"]]
    rest = _without_showing(words[starting + 1 :], tool)
    before = ""
    for word in rest:
        shaped.append(_argument(word, before, tool, root))
        before = word
    return shaped


def is_interpreter(program: str) -> bool:
    """Whether a program is a Python."""
    return _INTERPRETER.match(program) is not None


def tool_name(words: Sequence[str]) -> str:
    """Return the tool that a command runs, seen through `python -m`, `uv run` and their like."""
    return _family(words[tool_at(words)])


def tool_at(words: Sequence[str]) -> int:
    """Return where the tool stands in a command that may start it by another one."""
    at = 0
    for _ in range(4):
        name = program_name(words[at])
        if _INTERPRETER.match(name):
            following = at + 1
            while following < len(words) and words[following] in _SHOWING["python"]:
                following += 1
            if words[following : following + 1] != ("-m",) and list(words[following : following + 1]) != ["-m"]:
                return at
            following += 1
        elif name in _STARTERS and tuple(words[at + 1 : at + 1 + len(_STARTERS[name])]) == _STARTERS[name]:
            following = at + 1 + len(_STARTERS[name])
        else:
            return at
        if following >= len(words) or words[following].startswith("-"):
            return at
        at = following
    return at


def _program(word: str) -> str:
    """Return a program as it is called; the directories where every system has its own say nothing."""
    plain = lasting_path(word)
    directory, _, name = plain.rpartition("/")
    stem = program_name(name or plain)
    ordinary = directory in {"/bin", "/usr/bin", "/usr/local/bin"} and not _INTERPRETER.match(stem)
    return stem if ordinary or not directory else f"{directory}/{stem}"


def _family(word: str) -> str:
    name = program_name(word)
    if name == "py.test":
        return "pytest"
    if name.startswith("pip") and not name[3:].strip("0123456789."):
        return "pip"
    return "python" if _INTERPRETER.match(name) else name


def _without_showing(words: Sequence[str], tool: str) -> list[str]:
    showing = _SHOWING.get(tool, frozenset()) | _EVERYWHERE
    with_value = _SHOWING_VALUE.get(tool, frozenset())
    kept: list[str] = []
    is_value = False
    for word in words:
        if is_value:
            is_value = False
        elif word in with_value:
            is_value = True
        elif not (word in showing or word.partition("=")[0] in with_value or word.startswith("--color=")) and not (
            tool == "pytest" and _only_shows(word)
        ):
            kept.append(word)
    if tool == "pytest":
        return [word for at, word in enumerate(kept) if not _is_switched_off(kept, at)]
    return kept


def _only_shows(word: str) -> bool:
    """Whether an option of pytest says only how much is shown and when to stop: `-xvs`, `-rA`."""
    if not word.startswith("-") or word.startswith("--") or len(word) < 2:  # noqa: PLR2004 - a dash and a letter
        return False
    return set(word[1:]) <= _PYTEST_LETTERS or (word[1] == "r" and word[2:].isalpha())


def _is_switched_off(words: Sequence[str], at: int) -> bool:
    """Whether a word belongs to `-p no:plugin`, which only keeps a plugin out."""
    following = words[at + 1] if at + 1 < len(words) else ""
    return (words[at] == "-p" and following.startswith("no:")) or (
        at > 0 and words[at - 1] == "-p" and words[at].startswith("no:")
    )


def _argument(word: str, before: str, tool: str, root: str) -> str:
    if tool in _MESSAGED and before in _MESSAGE_OPTIONS:
        return "<text>"
    if tool in _SQL and (" " in word or "\n" in word):
        return condensed(_LITERAL.sub("<value>", word))
    if tool in _NUMBERED and _NUMBER.fullmatch(word):
        return "<n>"
    if _JOBS.fullmatch(word):
        return "-j"
    word = lasting_path(word, root)
    if any(char in word for char in " \n\t"):
        return f"<{condensed(word)}>"
    return _HEX.sub("<id>", _UUID.sub("<id>", word)) if len(word) > 6 else word  # noqa: PLR2004 - the shortest id
