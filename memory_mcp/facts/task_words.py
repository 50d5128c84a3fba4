"""This module weighs the words of a task: its title and first paragraph speak louder than logs and versions."""

from collections import Counter
from typing import Final

from msgspec import Struct

from memory_mcp.expressions import expression

WORD: Final = expression(r"[A-Za-z_]\w*|\d+")
_PART = expression(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
STOP = frozenset(
    [
        "the",
        "a",
        "an",
        "of",
        "to",
        "in",
        "is",
        "it",
        "and",
        "or",
        "for",
        "on",
        "this",
        "that",
        "with",
        "be",
        "as",
        "by",
        "not",
        "are",
        "was",
        "from",
        "if",
        "i",
        "we",
        "you",
        "at",
        "but",
        "have",
        "has",
        "can",
        "should",
        "would",
        "which",
        "when",
        "use",
        "using",
        "used",
        "will",
        "do",
        "does",
        "no",
        "so",
        "my",
        "one",
        "like",
        "import",
        "self",
        "def",
        "class",
        "return",
        "none",
        "true",
        "false",
        "print",
        "py",
        "python",
        "version",
        "file",
        "line",
        "test",
        "tests",
        "code",
        "error",
        "issue",
        "data",
        "get",
        "set",
        "value",
        "name",
        "list",
        "init",
        "new",
        "all",
        "any",
        "some",
        "make",
        "work",
        "works",
        "working",
        "add",
        "also",
        "only",
        "see",
    ]
)  # words that say nothing about a file
_FENCE = expression(r"^\s*(?:```|~~~)")
_LOGGED = expression(
    r"^(?:\s*File \"|\s{4,}\S|>>> |\.\.\. |[-\w.]+ ?(?:==|:) ?v?\d+\.\d|\d{4}-\d\d-\d\d|\w+\s{2,}\S|\|"
    r"|\w*(?:Error|Warning): |\S*(?:site-packages|dist-packages)\S*)"
)
_OPENING = 700  # characters of title and first paragraph


class TaskWords(Struct, frozen=True):
    """The words of a task: all of them with their number, those of its prose, and the text of its opening."""

    all: Counter[str]
    prose: frozenset[str]
    prose_text: str
    opening: str
    opening_words: frozenset[str]
    title_words: frozenset[str]


def task_words(task: str) -> TaskWords:
    """Weigh the words of a task, those that say nothing left out."""
    opening, prose = _opening(task), _prose(task)
    return TaskWords(
        Counter(word for word in words_of(task) if word not in STOP),
        frozenset(words_of(prose)) - STOP,
        prose,
        opening,
        frozenset(words_of(opening)) - STOP,
        frozenset(words_of(opening.split("\n", 1)[0])) - STOP,
    )


def words_of(text: str) -> list[str]:
    """Return the words of a text, lower-cased, those of compound names beside the whole."""
    found = []
    for word in WORD.findall(text):
        found.append(word.lower())
        parts = _PART.findall(word)
        if len(parts) > 1:
            found += [part.lower() for part in parts]
    return found


def _prose(task: str) -> str:
    """Return a task without its code, logs, tracebacks and lists of versions."""
    kept = []
    is_code = False
    for line in task.splitlines():
        if _FENCE.match(line):
            is_code = not is_code
        elif not is_code and not _LOGGED.match(line[:300]):
            kept.append(line)
    return "\n".join(kept)


def _opening(task: str) -> str:
    """Return the title and the first paragraph of prose."""
    title, _, rest = task.strip().partition("\n")
    paragraph = next((each for each in _prose(rest).split("\n\n") if len(each.split()) > 3), "")  # noqa: PLR2004
    return f"{title}\n{paragraph}"[:_OPENING]
