"""This module collects the files that an episode saw: those that are there, those that are not, what they define."""

import re
from collections.abc import Iterator, Sequence

from memory_mcp.expressions import expression
from memory_mcp.facts.deeds import Deed
from memory_mcp.facts.paths import is_code, paths_in, relative

_DIFF_LINE = expression(r"^(?:diff --git |\+\+\+ |--- |index ).*$", re.MULTILINE)
_DEFINED = expression(
    r"^(?:(?P<file>[\w./@+-]+\.\w{1,4})[:-])?(?:[ \t]{0,12}\d+[:-])?[ \t]{0,12}"
    r"(?:(?:export|pub|public|private|static|async"
    r"|default|abstract|final)\s+)*(?:def|class|func|fn|function|interface|struct|trait|enum)\s+(?:\([^)\n]*\)\s*)?"
    r"(?P<name>[A-Za-z_]\w{3,60})",
    re.MULTILINE,
)
_IMPORTED = expression(r"\bfrom (?P<module>[a-z_]\w*(?:\.\w+)+) import \(?(?P<names>[^\n()#;]{3,200})")
_NAME = expression(r"[A-Za-z_]\w{3,60}")
_ABSENT = expression(
    r"(?:No such file or directory|can't open file|file or directory not found|cannot access|cannot stat|cannot open)"
    r"[^\n]{0,20}?[:\s]+'?([\w./+-]+\.\w{1,5})"
    r"|(?:^|[\s'\"])([\w./+-]+\.\w{1,5})['\"]?: No such file or directory",
    re.MULTILINE,
)
_READERS = {"cat", "sed", "head", "tail", "less", "nl", "grep", "rg", "ag", "awk", "ls", "find", "fd", "git", "wc"}
_OPENERS = {"cat", "sed", "head", "tail", "less", "nl", "wc"}  # what these name is a file, not what is searched for
_MOST_SEEN = 400
_MOST_SYMBOLS = 200
_MOST_ABSENT = 20


class Sightings:
    """What was seen of the project's files so far; what the episode itself made does not count."""

    def __init__(self, root: str) -> None:
        self.root = root
        self._seen: dict[str, None] = {}
        self._absent: dict[str, None] = {}
        self._imported: dict[str, str] = {}
        self._symbols: dict[str, set[str]] = {}

    def look(self, deed: Deed, made: dict[str, None]) -> None:
        """Take one step in; `made` are the files that the episode wrote before."""
        absent = {self._place(one or other, deed) for one, other in _ABSENT.findall(deed.output)}
        self._absent |= dict.fromkeys(path for path in sorted(absent) if path and path not in made)
        output = _DIFF_LINE.sub("", deed.output)
        named = list(_named(deed))
        listed = _listed(deed)
        for path in (*named, *paths_in(output)):
            is_bare = "/" not in path and path not in named
            if is_bare and listed is None:
                continue  # the name of a file somewhere
            place = self._place(f"{listed}/{path}" if is_bare and listed else path, deed)
            if place and is_code(place) and place not in made and place not in absent:
                self._seen[place] = None
        self._define(deed, output, [self._place(path, deed) for path in named])

    def has(self, path: str) -> bool:
        """Whether a file was seen."""
        return path in self._seen

    def seen(self) -> tuple[str, ...]:
        """Return the sources that were seen and not missed."""
        return tuple(path for path in self._seen if path not in self._absent)[:_MOST_SEEN]

    def absent(self) -> tuple[str, ...]:
        """Return the files that were looked for and never seen."""
        return tuple(path for path in self._absent if path not in self._seen)[:_MOST_ABSENT]

    def symbols(self) -> dict[str, str]:
        """Return the names that one file defines."""
        known = {
            name: file for name, file in self._imported.items() if name not in self._symbols and not name.islower()
        }
        known |= {name: next(iter(files)) for name, files in self._symbols.items() if len(files) == 1}
        return dict(list(known.items())[:_MOST_SYMBOLS])

    def _define(self, deed: Deed, output: str, named: Sequence[str]) -> None:
        sources = [path for path in dict.fromkeys(named) if path in self._seen]
        for found in _IMPORTED.finditer(output):
            place = found["module"].replace(".", "/") + ".py"
            file = next((path for path in (place, f"src/{place}", f"lib/{place}") if path in self._seen), "")
            for name in _NAME.findall(found["names"]) if file else ():
                self._imported.setdefault(name, file)
        for found in _DEFINED.finditer(output):
            file = self._place(found["file"], deed) if found["file"] else sources[0] if len(sources) == 1 else ""
            if file in self._seen:
                self._symbols.setdefault(found["name"], set()).add(file)

    def _place(self, path: str, deed: Deed) -> str:
        return relative(path, self.root, deed.directory)


def _listed(deed: Deed) -> str | None:
    """Return the directory whose files a step lists by their bare names, empty for the current one, else None."""
    for command in deed.commands:
        if command.program == "ls":
            places = [word for word in command.words[1:] if not word.startswith("-")]
            if len(places) <= 1 and "-R" not in command.words:
                return places[0].rstrip("/") if places and not paths_in(places[0]) else "" if not places else None
    return None


def _named(deed: Deed) -> Iterator[str]:
    """Yield the files that the reading commands of a step name."""
    for command in deed.commands:
        if command.program in _READERS:
            for word in command.words[1:]:
                yield from (path for path in paths_in(word) if "/" in path or command.program in _OPENERS)
    yield from deed.edited
