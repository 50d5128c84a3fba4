"""This module follows the files that an episode changes, and says which of them are still changed at its end."""

import re
from collections.abc import Iterator, Sequence

from memory_mcp.actions.shell_lines import SimpleCommand
from memory_mcp.expressions import expression
from memory_mcp.facts.agent_editors import AgentEditors, is_agent_editor
from memory_mcp.facts.deeds import Deed
from memory_mcp.facts.git_words import different, handed_in
from memory_mcp.facts.patches import Patches, is_patching, paths_of
from memory_mcp.facts.paths import is_code, relative
from memory_mcp.facts.script_writes import script_of, writes_of

_INTERPRETERS = ("python", "node", "ruby", "perl", "pypy", "deno", "bun")
_FORMATTERS = {"black", "isort", "autopep8", "yapf", "gofmt", "prettier", "rustfmt"}
_FILE_COMMANDS = {"cp", "mv", "install", "rm", "unlink", "tee", "touch"}
_RAISED = "Traceback (most recent call last)"
_CANNOT_READ = expression(
    r"^(?:sed|perl|tee|cp|mv): .*(?:No such file|can't read|cannot|Can't open|unknown)", re.MULTILINE
)
_SCRATCH = expression(
    r"\.(?:py|pyx|js|ts|go|rs|java|rb|c|h|cpp|php|cfg|toml|txt|rst|md)\.(?!in$|j2$|tmpl$|erb$|map$|template$)[\w-]{1,24}$"
    r"|\.(?:bak|orig|rej|backup|tmp|swp|patch|diff|log)\w{0,4}$|~$"
)
_IN_PLACE = expression(r"-[0-9lnpwas]*i(?:\.\w+)?$")
_LATE = 12  # steps before the end within which what is handed in is named
_LONGEST = 200


class Changes:
    """The files changed so far, those that were handed in, and what may bring earlier states back."""

    def __init__(self, root: str) -> None:
        self.root = root
        self.now: dict[str, None] = {}
        self.ever: dict[str, None] = {}
        self.written: dict[str, None] = {}  # as a whole, so that they need not have been there before
        self.latest: set[str] = set()
        self.is_unclear = False  # whether a script wrote files whose names it computed
        self._scripts: dict[str, str] = {}
        self._patches = Patches()
        self._editors = AgentEditors()
        self._copies: dict[str, tuple[str, bool]] = {}  # copy: its origin, and whether that was changed by then
        self._stashed: dict[str, None] = {}
        self._staged = False
        self._named: set[str] = set()  # words of earlier commands
        self._steps = 0
        self._handed: dict[str, None] = {}
        self._handed_at = 0

    def apply(self, deed: Deed) -> None:
        """Follow one step; `latest` are the files that it changed."""
        self.latest.clear()
        self._steps += 1
        self._editors.look(deed.output)
        for file in deed.edited:
            self._keep_script(file, deed.content)
            self._change(relative(file, self.root) or ("" if file.startswith("/") else file))
        for at, command in enumerate(deed.commands):
            self._apply(command, deed, is_last=at == len(deed.commands) - 1)
            self._named.update(command.words)
        shown = different(deed)
        if shown is not None and not self._staged:
            self._settle(shown)

    def kept(self) -> list[str]:
        """Return the files that are changed at the end: those that were handed in by name, else all."""
        if self._handed and self._steps - self._handed_at < _LATE:
            return [file for file in self._handed if file in self.ever]
        return list(self.now)

    def _settle(self, shown: frozenset[str]) -> None:
        """Believe git about the files that it tracks."""
        self.now = {file: None for file in self.now if file in shown or file in self.written}
        for file in sorted(shown):
            if _is_kept(file):
                self.now[file] = None
                self.ever[file] = None
        self.is_unclear = False

    def _apply(self, command: SimpleCommand, deed: Deed, *, is_last: bool) -> None:
        for target in command.written:
            self._redirect(command, target, deed)
        self._hand_in(command, deed)
        if is_patching(command):
            self._patch(command, deed)
        elif is_agent_editor(command):
            file, is_made = self._editors.edited(command, deed.output, next(iter(deed.named), ""))
            self._note(relative(file, self.root) if file else "", is_made=is_made)
        elif command.program == "git":
            self._git(command.words, deed)
        elif command.program in _FILE_COMMANDS:
            self._move(command, deed)
        elif command.program.startswith(_INTERPRETERS) and not _edits_in_place(command.words):
            self._run(command, deed, is_last=is_last)
        elif not _CANNOT_READ.search(deed.output):
            for target in _targets(command):
                self._change(self._place(target, deed))

    def _redirect(self, command: SimpleCommand, target: str, deed: Deed) -> None:
        """Follow what goes into a file; what is added to one that was named before only changes it."""
        self._keep_script(target, command.stdin or "")
        if command.program == "git" and "diff" in command.words:
            named = [self._place(word, deed) for word in paths_of(command.words[command.words.index("diff") + 1 :])]
            self._patches.save(target, named or self.now)
        is_added = any(each.target == target and each.operator.endswith(">>") for each in command.redirections)
        place = self._place(target, deed)
        self._note(place, is_made=not is_added or place in self.written or target not in self._named)

    def _move(self, command: SimpleCommand, deed: Deed) -> None:
        if command.program in {"cp", "mv", "install"}:
            self._copy(command.words, deed, moved=command.program == "mv")
            return
        for word in command.words[1:]:
            if command.program in {"rm", "unlink"}:
                self.now.pop(self._place(word, deed), None)
            else:
                self._keep_script(word, command.stdin or "")
                self._write(self._place(word, deed))

    def _note(self, file: str, *, is_made: bool) -> None:
        if is_made:
            self._write(file)
        else:
            self._change(file)

    def _hand_in(self, command: SimpleCommand, deed: Deed) -> None:
        files = [self._place(path, deed) for path in handed_in(command)]
        if files and all(file in self.ever for file in files):
            keeps = "add" in command.words and self._steps - self._handed_at < _LATE
            self._handed = {**(self._handed if keeps else {}), **dict.fromkeys(files)}
            self._handed_at = self._steps

    def _run(self, command: SimpleCommand, deed: Deed, *, is_last: bool) -> None:
        """Follow what a script writes; one that ended in an error is not believed to have come so far."""
        if is_last and _RAISED in deed.output and deed.failed:
            return
        script, arguments = script_of(command, self._scripts)
        writes = writes_of(script, arguments)
        self.is_unclear = self.is_unclear or writes.unclear
        for file in writes.files:
            place = self._place(file, deed)
            self._note(place, is_made=".read" not in script and place not in self.ever)

    def _patch(self, command: SimpleCommand, deed: Deed) -> None:
        files, is_back = self._patches.applied(command, deed.output, failed=deed.failed)
        for file in files:
            place = self._place(_without_prefix(file, command), deed)
            if is_back:
                self.now.pop(place, None)
            else:
                self._change(place)

    def _write(self, file: str) -> None:
        if file:
            self.written[file] = None
            self._change(file)

    def _git(self, words: Sequence[str], deed: Deed) -> None:
        verb = next((word for word in words[1:] if not word.startswith("-")), "")
        files = [self._place(word, deed) for word in words[2:] if not word.startswith("-")]
        if verb in {"checkout", "restore"} and "--staged" not in words:
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
        elif verb in {"add", "commit"}:
            self._staged = True

    def _copy(self, words: Sequence[str], deed: Deed, *, moved: bool) -> None:
        plain = [word for word in words[1:] if not word.startswith("-")]
        if len(plain) != 2:  # noqa: PLR2004 - from and to
            return
        source, target = (self._place(word, deed) for word in plain)
        if not source and is_code(target):
            self._write(target)
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

    def _keep_script(self, target: str, text: str) -> None:
        if text:
            self._scripts[target.rsplit("/", 1)[-1]] = text
            self._patches.keep(target, text)

    def _place(self, word: str, deed: Deed) -> str:
        return relative(word, self.root, deed.directory)

    def _change(self, file: str) -> None:
        if _is_kept(file):
            self.now[file] = None
            self.ever[file] = None
            self.latest.add(file)
            if file not in self._handed and file not in self.written:
                self._handed = {}


def _is_kept(file: str) -> bool:
    """Whether a name is that of a file of the project rather than a text, a copy of one or a log."""
    return bool(file) and len(file) <= _LONGEST and "*" not in file and "$" not in file and not _SCRATCH.search(file)


def _without_prefix(file: str, command: SimpleCommand) -> str:
    """Take off a path in a patch the first folder, where the command says that it is none."""
    is_prefixed = file.startswith(("a/", "b/")) and (command.program == "git" or "-p1" in command.words)
    return file[2:] if is_prefixed else file


def _edits_in_place(words: Sequence[str]) -> bool:
    return words[0].rpartition("/")[2].startswith(("perl", "ruby")) and any(map(_IN_PLACE.match, words[1:]))


def _targets(command: SimpleCommand) -> Iterator[str]:
    """Yield the files that an editing command changes."""
    program, words = command.program, command.words
    plain = [word for word in words[1:] if not word.startswith("-")]
    if program == "sed" and any(
        word.startswith(("-i", "--in-place")) or word in {"-ni", "-ri", "-Ei"} for word in words
    ):
        has_script = any(word in {"-e", "-f"} for word in words)
        yield from (word for word in (plain if has_script else plain[1:]) if is_code(word) or "." in word)
    elif program in _FORMATTERS:
        yield from (word for word in plain if "." in word)
    elif program in {"perl", "ruby"} and _edits_in_place(words):
        yield from plain[1:]
    elif program in {"ed", "ex"}:
        yield from plain[:1]
