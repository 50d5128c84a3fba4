"""This module tells edits that only work around what the environment removed from those that do the task's work."""

import re
from collections.abc import Iterable, Iterator
from itertools import islice

from memory_mcp.actions.shell_lines import SimpleCommand
from memory_mcp.expressions import expression
from memory_mcp.facts.deeds import Deed
from memory_mcp.facts.paths import relative
from memory_mcp.models.surveys import Workaround

_REMOVED = expression(
    r"^(?:E\s+)?((?:AttributeError|ImportError|NameError|TypeError): [^\n]{0,80}"
    r"(?:was removed|were removed|has no attribute|cannot import name|no longer)[^\n]{0,120}"
    r"|(?:ValueError|KeyError): [^\n]{0,160}Did you mean \w+\?)",
    re.MULTILINE,
)
_FRAME = expression(r'^ {0,8}File "([^"\n]{1,300})", line \d+', re.MULTILINE)
_TRACEBACK = 3_000
_IN_FILE = expression(r" \(\S+\)$")
_NAME = expression(r"[A-Za-z_][\w.]*")
_REPLACED = expression(
    r"\.replace\(\s*(?:'([^'\n]{1,300})'|\"([^\"\n]{1,300})\")\s*,\s*(?:'([^'\n]{0,300})'|\"([^\"\n]{0,300})\")"
)
_EXPRESSION = expression(r"s([/|#,@!])((?:\\.|(?!\1).)*)\1((?:\\.|(?!\1).)*)\1")
_ESCAPED = expression(r"\\([^\w])")
_MOST = 12
_LONGEST = 2_000
_UNDOING = {"git", "cp", "mv", "rm"}

Names = tuple[frozenset[str], frozenset[str]]  # the names that a replacement takes away, and those that it brings


class Rewrites:
    """The replacements that one episode made in each file, and the errors that say what is no longer there."""

    def __init__(self, root: str = "") -> None:
        self._root = root
        self._made: dict[str, list[Names | None]] = {}
        self._errors: dict[str, str] = {}  # each with the file of the project that it was raised in, if that was shown

    def look(self, deed: Deed, changed: Iterable[str]) -> None:
        """Take one step in, with the files that it changed."""
        made = list(_replacements(deed))
        undoes = bool(deed.commands) and all(command.program in _UNDOING for command in deed.commands)
        for file in changed:
            if not undoes:
                self._made.setdefault(file, []).extend(made or [None])
        for found in _REMOVED.finditer(deed.output):
            error = _IN_FILE.sub("", found[1].strip())
            self._errors[error] = self._errors.get(error, "") or self._raised_in(deed.output[: found.start()])

    def _raised_in(self, before: str) -> str:
        """Return the file of the innermost frame before an error, empty for one outside of the project."""
        places = _FRAME.findall(before[-_TRACEBACK:])
        return relative(places[-1], self._root) if places else ""

    def gone(self) -> dict[str, str]:
        """Return the errors that say what is no longer there, with the file of the project that raised each."""
        return dict(list(self._errors.items())[:_MOST])

    def workarounds(self, task: str, own: frozenset[str] = frozenset()) -> tuple[Workaround, ...]:
        """Return the errors that edits ended which took away what they say is gone, and the files with such edits only.

        What the task speaks of, or what the project's `own` packages define, is its work and no workaround.
        """
        found = []
        for error in self._errors:
            named = {name.strip(".").lower() for name in _NAME.findall(error)}
            parts = named | {name.rsplit(".", 1)[-1] for name in named}
            files: dict[str, None] = {}
            told: dict[tuple[str, str], None] = {}
            for file, made in self._made.items():
                fitting = [each for each in made if each is not None and _fits(each, parts)]
                for gone, come in fitting:
                    if gone and come and not any(_speaks(task, name) or name.split(".")[0] in own for name in gone):
                        told[", ".join(sorted(gone)), ", ".join(sorted(come))] = None
                if fitting and len(fitting) == len(made):
                    files[file] = None
            if told:
                old, new = next(iter(told))
                found.append(Workaround(error, old, new, tuple(files)))
        return tuple(found[:_MOST])


def _speaks(task: str, name: str) -> bool:
    return re.search(rf"(?<![\w.]){re.escape(name)}(?!\w)", task, re.IGNORECASE) is not None


def _fits(names: Names, parts: set[str]) -> bool:
    """Whether all that a replacement takes away and brings is named by an error."""
    changed = [name.lower() for name in (*names[0], *names[1])]
    return bool(changed) and all(name in parts or name.rsplit(".", 1)[-1] in parts for name in changed)


def _replacements(deed: Deed) -> Iterator[Names]:
    for old, new in deed.replaced:
        yield _names(old, new)
    for command in deed.commands:
        for old, new in _texts(command):
            yield _names(old, new)


def _texts(command: SimpleCommand) -> Iterator[tuple[str, str]]:
    if command.program in {"sed", "perl"}:
        for word in command.words[1:]:
            for found in islice(_EXPRESSION.finditer(word[:_LONGEST]), _MOST):
                yield _ESCAPED.sub(r"\1", found[2]), _ESCAPED.sub(r"\1", found[3])
    elif command.program.startswith("python"):
        for one, other, new, newer in _REPLACED.findall(command.stdin or "\n".join(command.words[1:])):
            yield one or other, new or newer


def _names(old: str, new: str) -> Names:
    before, after = set(_NAME.findall(old)), set(_NAME.findall(new))
    return frozenset(before - after), frozenset(after - before)
