"""This module follows the files that an episode changes, and says which of them are still changed at its end."""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from memory_mcp.actions.shell_lines import SimpleCommand
from memory_mcp.expressions import expression
from memory_mcp.facts.deeds import Deed
from memory_mcp.facts.paths import is_code, relative

_OPENED = expression(
    r"open\(\s*(?:f|r)?['\"]([^'\"\n]{1,200})['\"]\s*,\s*['\"][wa]|Path\(\s*['\"]([^'\"\n]{1,200})['\"]\s*\)\.write_text"
)
_OPENED_BY_NAME = expression(r"open\(\s*(\w+)\s*,\s*['\"][wa]|Path\(\s*(\w+)\s*\)\.write_text|\b(\w+)\.write_text\(")
_BOUND = r"\b{name}\s*=\s*(?:Path\(\s*)?f?['\"]([^'\"\n]{{1,200}})['\"]"
_PATCHED = expression(r"^(?:\+\+\+ b/|\*\*\* (?:Update|Add) File: |\+\+\+ )(\S+)", re.MULTILINE)
_SCRIPTS = {"python", "python3", "node", "ruby", "perl"}


class Changes:
    """The files changed so far; `original` holds copies that were made before a change."""

    def __init__(self, root: str) -> None:
        self.root = root
        self.now: dict[str, None] = {}
        self.ever: dict[str, None] = {}
        self.written: dict[str, None] = {}  # as a whole, so that they need not have been there before
        self.latest: set[str] = set()
        self._scripts: dict[str, str] = {}
        self._copies: dict[str, tuple[str, bool]] = {}  # copy: its origin, and whether that was changed by then
        self._stashed: dict[str, None] = {}

    def apply(self, deed: Deed) -> None:
        """Follow one step; `latest` are the files that it changed."""
        self.latest.clear()
        for file in deed.edited:
            self._change(relative(file, self.root) or ("" if file.startswith("/") else file))
        for command in deed.commands:
            self._apply(command, deed)

    def _apply(self, command: SimpleCommand, deed: Deed) -> None:
        program, words = command.program, command.words
        for target in command.written:
            self._keep_script(target, command)
            self._write(self._place(target, deed))
        if program == "git" and "apply" not in words:
            self._git(words, deed)
        elif program in {"cp", "mv", "install"}:
            self._copy(words, deed, moved=program == "mv")
        elif program in {"rm", "unlink"}:
            for word in words[1:]:
                self.now.pop(self._place(word, deed), None)
        elif program in {"tee", "touch"}:
            for word in words[1:]:
                self._write(self._place(word, deed))
        else:
            for target in _targets(command, self._scripts):
                self._change(self._place(target, deed))

    def _write(self, file: str) -> None:
        if file:
            self.written[file] = None
            self._change(file)

    def _git(self, words: Sequence[str], deed: Deed) -> None:
        verb = next((word for word in words[1:] if not word.startswith("-")), "")
        files = [self._place(word, deed) for word in words[2:] if not word.startswith("-")]
        if verb in {"checkout", "restore"}:
            if "." in words:
                self.now.clear()
            for file in files:
                self.now.pop(file, None)
        elif verb == "stash":
            after = words[words.index("stash") + 1 :]
            if after[:1] in (("pop",), ("apply",)):
                self.now |= self._stashed
            elif after[:1] in ((), ("push",), ("save",), ("-u",), ("-q",)):
                self._stashed, self.now = dict(self.now), {}
        elif verb == "reset" and "--hard" in words:
            self.now.clear()

    def _copy(self, words: Sequence[str], deed: Deed, *, moved: bool) -> None:
        plain = [word for word in words[1:] if not word.startswith("-")]
        if len(plain) != 2:  # noqa: PLR2004 - from and to
            return
        source, target = (self._place(word, deed) for word in plain)
        if not source or not target:
            return
        origin, was_changed = self._copies.get(source, ("", True))
        if origin == target and not was_changed:
            self.now.pop(target, None)  # the copy from before the change is put back
        elif is_code(target):
            self._write(target)
        self._copies[target] = (source, source in self.now)
        if moved:
            self.now.pop(source, None)

    def _keep_script(self, target: str, command: SimpleCommand) -> None:
        if command.stdin is not None:
            self._scripts[target.rsplit("/", 1)[-1]] = command.stdin

    def _place(self, word: str, deed: Deed) -> str:
        return relative(word, self.root, deed.directory)

    def _change(self, file: str) -> None:
        if file and len(file) <= 200 and "*" not in file and "$" not in file:  # noqa: PLR2004 - a path, no text
            self.now[file] = None
            self.ever[file] = None
            self.latest.add(file)


def _targets(command: SimpleCommand, scripts: dict[str, str]) -> Iterator[str]:
    """Yield the files that a command writes by itself: editors, patches, and what a script opens for writing."""
    program, words = command.program, command.words
    plain = [word for word in words[1:] if not word.startswith("-")]
    if program == "sed" and any(
        word.startswith(("-i", "--in-place")) or word in {"-ni", "-ri", "-Ei"} for word in words
    ):
        has_script = any(word in {"-e", "-f"} for word in words)
        yield from plain if has_script else plain[1:]
    elif program in {"black", "isort", "autopep8", "yapf"}:
        yield from (word for word in plain if "." in word)
    elif program == "perl" and any(word.startswith(("-pi", "-i")) for word in words):
        yield from plain[1:]
    elif program in {"patch", "apply_patch"} or (program == "git" and "apply" in words):
        text = command.stdin or "\n".join(scripts.get(word.rsplit("/", 1)[-1], "") for word in _inputs(command))
        yield from (path for path in _PATCHED.findall(text) if path != "/dev/null")
    elif program.startswith(tuple(_SCRIPTS)):
        yield from _written_by(_script_of(command, scripts))


def _inputs(command: SimpleCommand) -> list[str]:
    fed = [each.target for each in command.redirections if each.operator == "<"]
    return [*fed, *(word for word in command.words[1:] if not word.startswith("-"))]


def _script_of(command: SimpleCommand, scripts: dict[str, str]) -> str:
    if command.stdin is not None:
        return command.stdin
    for flag, value in pairwise(command.words[1:]):
        if flag in {"-c", "-e"}:
            return value
    return next((scripts[name] for word in command.words[1:] if (name := word.rsplit("/", 1)[-1]) in scripts), "")


def _written_by(script: str) -> Iterator[str]:
    """Yield the files that a script opens for writing, by their name or by a variable that holds it."""
    for one, other in _OPENED.findall(script):
        yield one or other
    for names in _OPENED_BY_NAME.findall(script):
        name = next(filter(None, names))
        yield from expression(_BOUND.format(name=name)).findall(script)
