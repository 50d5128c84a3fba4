"""This module reads which files a script opens for writing, and says when it cannot tell."""

import re
from itertools import pairwise

from msgspec import Struct

from memory_mcp.actions.shell_lines import SimpleCommand
from memory_mcp.expressions import expression

_MODE = r"['\"](?:[wax]b?\+?|r\+b?|w[bt]\+?)['\"]"
_TEXT = r"(?:[rfb]{0,2}['\"]([^'\"\n]{1,200})['\"]|([A-Za-z_][\w.]*(?:\[\d\])?))"
_OPENED = expression(rf"\bopen\(\s*{_TEXT}\s*,\s*(?:mode\s*=\s*)?{_MODE}")
_BY_PATH = expression(rf"\bPath\(\s*{_TEXT}\s*\)\.(?:write_text|write_bytes|open\(\s*{_MODE})")
_BY_NAME = expression(rf"\b([A-Za-z_]\w*)\.(?:write_text\(|write_bytes\(|open\(\s*{_MODE})")
_IN_PLACE = expression(rf"\bfileinput\.(?:input|FileInput)\(\s*{_TEXT}[^\n]{{0,80}}inplace\s*=\s*(?:True|1)")
_MOVED = expression(
    rf"\b(?:shutil\.(?:copy|copy2|copyfile|move)|os\.(?:rename|replace))\([^,\n]{{1,200}},\s*{_TEXT}\s*\)"
)
_NODE = expression(rf"\b(?:writeFileSync|writeFile|appendFileSync)\(\s*{_TEXT}")
_RUBY = expression(rf"\bFile\.write\(\s*{_TEXT}")
_BOUND = r"^[ \t]{{0,40}}{name}\s*=\s*(?:(?:pathlib\.)?Path\(\s*)?r?['\"]([^'\"\n]{{1,200}})['\"]"
_LOOPED = r"\bfor\s+{name}\s+in\s+[\[(]([^\])]{{1,2000}})[\])]"
_ARGUMENT = expression(r"(?:sys\.)?argv\[(\d)\]")
_QUOTED = expression(r"['\"]([^'\"\n]{1,200})['\"]")
_ELSEWHERE = ("sys.stdout", "sys.stderr", "StringIO", "BytesIO", "tempfile")
_WRITING = (_OPENED, _BY_PATH, _IN_PLACE, _MOVED, _NODE, _RUBY)


class Writes(Struct, frozen=True):
    """The files that a script writes; `unclear` says that it writes others too, whose names it computes."""

    files: tuple[str, ...] = ()
    unclear: bool = False


def writes_of(script: str, arguments: tuple[str, ...] = ()) -> Writes:
    """Return what a script writes by a literal name, by a variable that holds one, or by one of its arguments."""
    files: dict[str, None] = {}
    unclear = False
    named = [found for pattern in _WRITING for found in pattern.findall(script)]
    named += [("", name) for name in _BY_NAME.findall(script)]
    for text, name in named:
        places = [text] if text else _values(name, script, arguments)
        files |= dict.fromkeys(place for place in places if _is_plain(place))
        is_computed = not places or not all(map(_is_plain, places))
        unclear = unclear or (is_computed and not any(stream in script for stream in _ELSEWHERE))
    return Writes(tuple(files), unclear)


def _values(name: str, script: str, arguments: tuple[str, ...]) -> list[str]:
    """Return the literals that a variable may hold."""
    if found := _ARGUMENT.fullmatch(name):
        at = int(found[1]) - 1
        return [arguments[at]] if 0 <= at < len(arguments) else []
    name = name.partition(".")[0]
    places = expression(_BOUND.format(name=name), re.MULTILINE).findall(script)
    for row in expression(_LOOPED.format(name=name)).findall(script):
        places += _QUOTED.findall(row)
    bound = expression(rf"^[ \t]{{0,40}}{name}\s*=\s*((?:sys\.)?argv\[\d\])", re.MULTILINE).findall(script)
    return [*places, *(place for each in bound for place in _values(each, script, arguments))]


def _is_plain(place: str) -> bool:
    return "{" not in place and "$" not in place and "*" not in place


def script_of(command: SimpleCommand, kept: dict[str, str]) -> tuple[str, tuple[str, ...]]:
    """Return the text that an interpreter runs, and the arguments of that; `kept` are the scripts written before."""
    words = command.words[1:]
    if command.stdin is not None:
        return command.stdin, tuple(word for word in words if not word.startswith("-"))
    for at, (flag, value) in enumerate(pairwise(words)):
        if flag in {"-c", "-e"}:
            return value, words[at + 2 :]
    for at, word in enumerate(words):
        if (name := word.rsplit("/", 1)[-1]) in kept:
            return kept[name], words[at + 1 :]
    return "", ()
