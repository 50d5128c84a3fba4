"""This module edits JSON with comments in place: what it does not change stays as it is, byte for byte."""

import json
import re
from collections.abc import Sequence
from typing import Any, Literal

from msgspec import Struct

from memory_mcp.errors import InvalidInputError

Path = Sequence[str | int]
_SPACE = re.compile(r"(?:[\s\ufeff]+|//[^\n]*|/\*[\s\S]*?\*/)*")
_REMARK = re.compile(r"[ \t]*(?://[^\r\n]*|/\*[^\r\n]*?\*/[ \t]*(?=\r?\n))")
_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]|\\.)*"')
_WORD = re.compile(r"-?[\w.+-]+")
_DEEPEST = 200


class Node(Struct, frozen=True):
    """A value and where it stands; `parts` of an object or array are (key or index, where the part begins, value)."""

    kind: Literal["object", "array", "scalar"]
    start: int
    end: int
    value: Any
    parts: tuple[tuple[str | int, int, "Node"], ...] = ()

    def find(self, path: Path) -> "Node | None":
        """Return the value at a path; of a key that stands twice the last one counts, as readers of JSON take it."""
        if not path:
            return self
        found = [node for name, _, node in self.parts if name == path[0]]
        return found[-1].find(path[1:]) if found else None


def parse(text: str) -> Node:
    """Read a document; comments and commas after the last part are allowed.

    Raises:
        InvalidInputError: it is no JSON.

    """
    reader = _Reader(text)
    root = reader.value(reader.skip(0), 0)
    if reader.skip(root.end) != len(text):
        raise reader.error(root.end, "more follows after the end")
    return root


def inserted(text: str, path: Path, value: Any) -> str:
    """Set the member at a path, making the objects that lead there; a last part `-1` appends to an array.

    Raises:
        InvalidInputError: the text is no JSON, or something on the way is neither object nor array.

    """
    if not text.strip("\ufeff \t\r\n"):
        text = "{}\n"
    root = parse(text)
    found = root.find(path)
    if found is not None:
        depth = _indent_of(text, found.start)
        return text[: found.start] + _rendered(value, text, depth) + text[found.end :]
    for known in range(len(path) - 1, -1, -1):
        parent = root.find(path[:known])
        if parent is None:
            continue
        name, rest = path[known], path[known + 1 :]
        if parent.kind != ("array" if name == -1 else "object"):
            wanted = "a list" if name == -1 else f"'{name}'"
            raise InvalidInputError(f"'{'.'.join(map(str, path[:known])) or 'the document'}' is no place for {wanted}")
        for each in reversed(rest):
            value = [value] if each == -1 else {each: value}
        return _added(text, parent, name, value)
    raise InvalidInputError("the document is no object")


def removed(text: str, path: Path) -> str:
    """Remove what stands at a path, and the objects and arrays that are empty without it; absent, nothing changes.

    Raises:
        InvalidInputError: the text is no JSON.

    """
    root = parse(text)
    if root.find(path) is None:
        return text
    last = len(path)
    while last > 1 and len((root.find(path[: last - 1]) or root).parts) == 1:
        last -= 1
    parent = root.find(path[: last - 1])
    assert parent is not None  # noqa: S101 - its child was found
    place = next(at for at, part in enumerate(parent.parts) if part[0] == path[last - 1])
    return _without(text, parent, place)


def _added(text: str, parent: Node, name: str | int, value: Any) -> str:
    newline = _newline_of(text)
    if parent.parts:
        _, begins, node = parent.parts[-1]
        between = text[text.rfind("\n", 0, begins) + 1 : begins]
        on_lines = not between.strip() and "\n" in text[parent.start : begins]
        depth = between if on_lines else _indent_of(text, parent.start)
        lead = f"{newline}{depth}" if on_lines else " "
        new = _part(name, value, text, depth)
        comma = _comma_after(text, node.end)
        after = node.end if comma is None else comma
        said = _REMARK.match(text, after)  # a remark on the same line belongs to what stands before it
        until = said.end() if said and on_lines else after
        last = "" if comma is None else ","
        return f"{text[: node.end]},{text[after:until]}{lead}{new}{last}{text[until:]}"
    outer = _indent_of(text, parent.start)
    depth = outer + _unit_of(text)
    inside = text[parent.start + 1 : parent.end - 1].rstrip()
    new = _part(name, value, text, depth)
    opening, closing = text[parent.start], text[parent.end - 1]
    return f"{text[: parent.start]}{opening}{inside}{newline}{depth}{new}{newline}{outer}{closing}{text[parent.end :]}"


def _without(text: str, parent: Node, place: int) -> str:
    _, begins, node = parent.parts[place]
    if len(parent.parts) == 1:
        inside = text[parent.start + 1 : begins] + text[(_comma_after(text, node.end) or node.end) : parent.end - 1]
        kept = f"{inside.rstrip()}{_newline_of(text)}{_indent_of(text, parent.start)}" if inside.strip() else ""
        return f"{text[: parent.start + 1]}{kept}{text[parent.end - 1 :]}"
    if place == len(parent.parts) - 1:
        before = parent.parts[place - 1][2].end
        between = text[_comma_after(text, before) : begins].rstrip()
        own = _comma_after(text, node.end)  # a comma after the last part stays one
        return f"{text[:before]}{'' if own is None else ','}{between}{text[node.end if own is None else own :]}"
    following = parent.parts[place + 1][1]
    return text[:begins] + text[following:]


def _part(name: str | int, value: Any, text: str, depth: str) -> str:
    shown = _rendered(value, text, depth)
    return shown if name == -1 else f"{json.dumps(name, ensure_ascii=False)}: {shown}"


def _rendered(value: Any, text: str, depth: str) -> str:
    shown = json.dumps(value, indent=_unit_of(text), ensure_ascii=False)
    return shown.replace("\n", f"{_newline_of(text)}{depth}")


def _newline_of(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _comma_after(text: str, end: int) -> int | None:
    """Return the place after the comma that follows a part, None without one."""
    found = _SPACE.match(text, end)
    place = found.end() if found else end
    return place + 1 if text[place : place + 1] == "," else None


def _indent_of(text: str, place: int) -> str:
    line = text[text.rfind("\n", 0, place) + 1 : place]
    return line[: len(line) - len(line.lstrip())]


def _unit_of(text: str) -> str:
    """Return the indentation of one level, as the document has it; two blanks where it has none."""
    found = re.search(r"[{\[][^\n]*\n([ \t]+)\S", text)
    return found[1] if found else "  "


class _Reader:
    """Reads values and remembers where they stand."""

    def __init__(self, text: str) -> None:
        self._text = text

    def skip(self, place: int) -> int:
        found = _SPACE.match(self._text, place)
        return found.end() if found else place

    def value(self, place: int, depth: int) -> Node:
        if depth > _DEEPEST:
            raise self.error(place, "it is nested too deeply")
        match self._text[place : place + 1]:
            case "{":
                return self._container(place, "object", "}", depth)
            case "[":
                return self._container(place, "array", "]", depth)
            case '"':
                found = _STRING.match(self._text, place)
            case _:
                found = _WORD.match(self._text, place)
        if found is None:
            raise self.error(place, "a value is missing")
        try:
            return Node("scalar", place, found.end(), json.loads(found[0]))
        except ValueError as error:
            raise self.error(place, f"'{found[0][:40]}' is no value") from error

    def _container(self, start: int, kind: Literal["object", "array"], closing: str, depth: int) -> Node:
        parts: list[tuple[str | int, int, Node]] = []
        place = self.skip(start + 1)
        while self._text[place : place + 1] != closing:
            begins = place
            name: str | int = len(parts)
            if kind == "object":
                key = self.value(place, depth + 1)
                if not isinstance(key.value, str):
                    raise self.error(place, "a key is no text")
                name, place = key.value, self.skip(key.end)
                if self._text[place : place + 1] != ":":
                    raise self.error(place, "a colon is missing")
                place = self.skip(place + 1)
            node = self.value(place, depth + 1)
            parts.append((name, begins, node))
            place = self.skip(node.end)
            if self._text[place : place + 1] == ",":
                place = self.skip(place + 1)
            elif self._text[place : place + 1] != closing:
                raise self.error(place, f"a comma or {closing} is missing")
        value: Any = (
            {name: node.value for name, _, node in parts} if kind == "object" else [n.value for _, _, n in parts]
        )
        return Node(kind, start, place + 1, value, tuple(parts))

    def error(self, place: int, what: str) -> InvalidInputError:
        line = self._text.count("\n", 0, place) + 1
        return InvalidInputError(f"no JSON at line {line}: {what}")
