"""This module finds what an episode's environment lacked or got wrong, and the installs that mended it."""

import re
from collections.abc import Iterable, Sequence

from msgspec import Struct

from memory_mcp.actions.shell_lines import SimpleCommand
from memory_mcp.expressions import expression
from memory_mcp.facts.deeds import Deed
from memory_mcp.models.surveys import Missing, Refused, Trouble

_NO_MODULE = expression(
    r"No module named '?([A-Za-z_][\w.]*)'?|Cannot find (?:module|package) '([\w@./-]+)'"
    r"|no required module provides package ([\w./-]+)"
    r"|requires the ([a-z][\w-]{2,40}) (?:library|package|module)\b"
)
_NO_PROGRAM = expression(
    r"^(?:[\w./-]*(?:bash|sh|zsh): )?(?:line \d+: |\d+: )?([\w.+-]+): (?:command )?not found$", re.MULTILINE
)
_TROUBLE = expression(
    r"^(?:E\s+)?((?:ImportError: cannot import name|AttributeError: module '\w[\w.]*' has no attribute"
    r"|pkg_resources\.\w+:|DistributionNotFound|ImportError: \S+ requires|VersionConflict)[^\n]{0,160})",
    re.MULTILINE,
)
_PACKAGE = expression(r"(?:site-packages/|from '|module ')([A-Za-z]\w+)")
_IN_FILE = expression(r" \([^)]*\)$")
_BROUGHT = expression(r"Successfully installed ([^\n]+)")
_INSTALL_FAILED = expression(
    r"^[ \t]*(?:ERROR|error|npm ERR!|E):? .*(?:No matching distribution|Could not find a version|failed|not found"
    r"|subprocess|Failed building|metadata-generation|exit code 1)|Read timed out|^error: command ",
    re.MULTILINE,
)
_BENIGN = expression(r"dependency resolver does not currently take into account|requires \S+, but you have")
_VERBS = {
    "pip": "install", "conda": "install create env", "mamba": "install", "uv": "add sync pip", "poetry": "install add",
    "pdm": "install add", "pipenv": "install", "apt": "install", "apt-get": "install", "apk": "add", "brew": "install",
    "npm": "install ci i add", "yarn": "install add", "pnpm": "install add i", "bun": "install add",
    "bundle": "install", "gem": "install", "composer": "install require", "go": "get install", "cargo": "add install",
    "hatch": "env",
}  # fmt: skip
_INSTALLERS = {program: frozenset(verbs.split()) for program, verbs in _VERBS.items()}
TIMED_OUT = "it timed out"
_LIMIT = expression(r"timed out after (\d{1,5}) ?s")
_HEAD = 600
_QUIET = {"-q", "-qq", "--quiet", "-v", "--verbose", "-y", "--no-cache-dir", "--disable-pip-version-check", "--yes"}
_WHOLE = {"-e", ".", "-r", "--editable", "--requirement", "develop", "sync", "ci"}
_LOOKERS = {
    "grep",
    "rg",
    "cat",
    "sed",
    "head",
    "tail",
    "less",
    "find",
    "ls",
    "git",
    "echo",
    "awk",
    "wc",
    "diff",
    "rm",
    "cp",
    "mv",
}
_EDITORS = {"sed", "patch", "cp", "mv"}
_LONGEST_COMMAND = 160
_TELLING = 3  # letters from which a package's name says which modules it holds: vtk holds vtkmodules


class _Open(Struct):
    """Something missing that is looked after until it is there; `runs` are the commands that missed it."""

    name: str
    kind: str
    failed: list[str]
    runs: set[str]
    candidate: str = ""
    cure: str = ""


class Environment:
    """What the environment of one episode lacked so far, and what was installed."""

    def __init__(self) -> None:
        self.ran_code = False
        self.installs: dict[str, None] = {}
        self._open: dict[str, _Open] = {}
        self._troubles: dict[str, Trouble] = {}
        self._runs_of: dict[str, set[str]] = {}
        self._packages_of: dict[str, set[str]] = {}
        self._last_install = ""
        self._refused: dict[str, str] = {}
        self.slow: dict[str, None] = {}  # installs that timed out, whatever a later try did
        self.limit_s = 0

    def look(self, deed: Deed, *, edited: bool = False) -> None:
        """Take one step in; `edited` says that it changed a file of the project."""
        if "site-packages" in deed.text and any(
            command.written or command.program in _EDITORS for command in deed.commands
        ):
            edited = True
        if edited:
            self._last_install = ""  # the change may be what ends an error: no install can be believed any more
        installs = [command for command in deed.commands if is_install(command)]
        runs = any(_runs_code(command) for command in deed.commands)
        lacking = dict(_lacking(deed.output)) if runs or installs else _programs_lacking(deed.output)
        if runs and not installs:
            self._settle(lacking, deed)
        for command in installs:
            self._install(command, deed, lacking)
        for name, kind in lacking.items():
            self._miss(name, kind, _runs(deed))
        self.ran_code = self.ran_code or (runs and not lacking)

    def missing(self) -> tuple[Missing, ...]:
        """Return what was missing, in the order in which it was missed."""
        return tuple(
            Missing(
                each.name,
                "module" if each.kind == "module" else "program",
                each.cure,
                tuple(dict.fromkeys(each.failed)),
            )
            for each in self._open.values()
        )

    def troubles(self) -> tuple[Trouble, ...]:
        """Return the errors that installs caused or ended."""
        return tuple(self._troubles.values())

    def refused(self) -> tuple[Refused, ...]:
        """Return the installs that failed and did not succeed later."""
        return tuple(Refused(line, why) for line, why in self._refused.items() if line not in self.installs)

    def _miss(self, name: str, kind: str, runs: set[str]) -> None:
        if "." in name and name.split(".", maxsplit=1)[0] in self._open:
            return  # a part of a package that was brought in since
        held = self._open.setdefault(name, _Open(name, kind, [], set()))
        held.runs |= runs
        if held.candidate or held.cure:
            held.failed.append(held.candidate or held.cure)
            held.candidate = held.cure = ""

    def _settle(self, lacking: dict[str, str], deed: Deed) -> None:
        """Believe the installs after which the same command no longer misses a module, or no longer fails as before."""
        now = _runs(deed)
        for held in self._open.values():
            if held.candidate and held.name not in lacking and held.runs & now:
                held.cure, held.candidate = held.candidate, ""
        here = {_IN_FILE.sub("", line.strip()): None for line in _TROUBLE.findall(deed.output)}
        if not lacking and not deed.failed:
            self._end_troubles([line for line in self._troubles if line not in here and self._runs_of[line] & now])
        for line in here:
            self._runs_of.setdefault(line, set()).update(now)
            self._packages_of.setdefault(line, set()).update(_PACKAGE.findall(f"{line}\n{deed.output}"))
            held_trouble = self._troubles.get(line)
            if held_trouble is None:
                self._troubles[line] = Trouble(line, self._last_install)
            elif held_trouble.cure:
                self._troubles[line] = Trouble(line, held_trouble.after)

    def _end_troubles(self, gone: Sequence[str]) -> None:
        cures = {held.cure for held in self._open.values()}
        for line in gone:
            trouble = self._troubles[line]
            if not trouble.cure and self._last_install not in {trouble.after, *cures} and self._concerns(line):
                self._troubles[line] = Trouble(trouble.error, trouble.after, self._last_install)

    def _concerns(self, line: str) -> bool:
        """Whether the last install was of a package that an error or its traceback names."""
        return any(_names(self._last_install, package) for package in self._packages_of[line])

    def _install(self, command: SimpleCommand, deed: Deed, lacking: dict[str, str]) -> None:
        line = install_line(command)
        if not line:
            return
        self.ran_code = True
        if deed.timed_out or (_INSTALL_FAILED.search(deed.output) and not _BROUGHT.search(deed.output)):
            found = _INSTALL_FAILED.search(deed.output)
            if deed.timed_out:
                self.slow[line] = None
                self.limit_s = max([self.limit_s, *map(int, _LIMIT.findall(deed.output[:_HEAD]))])
            self._refused[line] = TIMED_OUT if deed.timed_out or found is None else _line_at(deed.output, found.start())
            for held in self._open.values():
                if _names(line, held.name):
                    held.failed.append(line)
            return
        if "Requirement already satisfied" in deed.output and not _BROUGHT.search(deed.output):
            return
        self.installs[line] = None
        self._last_install = line
        brought = {_plain(word) for words in _BROUGHT.findall(deed.output) for word in words.split()}
        for held in self._open.values():
            if not held.cure and held.name not in lacking and _may_bring(line, held, brought):
                held.candidate = line
                if _names(line, held.name) or any(_plain(held.name) in each for each in brought):
                    held.cure, held.candidate = line, ""


def is_install(command: SimpleCommand) -> bool:
    """Whether a command brings software in."""
    words = _without_python(command.words)
    if not words:
        return False
    program = words[0].rsplit("/", 1)[-1]
    program = "pip" if re.fullmatch(r"pip[\d.]*", program) else program
    verbs = _INSTALLERS.get(program)
    if verbs is not None:
        return any(word in verbs for word in words[1:3])
    return program == "setup.py" and any(word in {"install", "develop", "build_ext"} for word in words)


def install_line(command: SimpleCommand) -> str:
    """Return an install as one would repeat it: without what only quietens it, empty for one that is too long."""
    words = _without_python(command.words)
    kept = [_quoted(word) for word in words if word not in _QUIET]
    if words[0] == "setup.py":
        kept = ["python", *kept]
    line = " ".join(kept)
    line = re.sub(r"^pip[\d.]*(?= )", "pip", line)
    return line if len(line) <= _LONGEST_COMMAND else ""


def _without_python(words: Sequence[str]) -> tuple[str, ...]:
    """Take `python -m` or `python` in front of setup.py off."""
    if words and re.fullmatch(r"(?:.*/)?python[\d.]*", words[0]):
        if words[1:2] == ("-m",) and len(words) > 2:  # noqa: PLR2004 - python -m pip
            return tuple(words[2:])
        if words[1:2] == ("setup.py",):
            return tuple(words[1:])
    return tuple(words)


def _quoted(word: str) -> str:
    return f'"{word}"' if re.search(r"[<>=!\s\[\]*&|;]", word) and not word.startswith("-") else word


def _runs_code(command: SimpleCommand) -> bool:
    return bool(command.words) and command.program not in _LOOKERS and not is_install(command)


def _lacking(output: str) -> Iterable[tuple[str, str]]:
    for found in _NO_MODULE.findall(output):
        name = next(filter(None, found))
        yield name.rstrip("."), "module"
    yield from _programs_lacking(output).items()


def _programs_lacking(output: str) -> dict[str, str]:
    return {name: "program" for name in _NO_PROGRAM.findall(output) if name not in {"ERROR", "error", "not", "file"}}


def _runs(deed: Deed) -> set[str]:
    """Return what a step ran: programs, with their module or first argument."""
    return {
        " ".join(command.words[: 3 if command.words[1:2] == ("-m",) else 1])
        for command in deed.commands
        if _runs_code(command)
    }


def _may_bring(line: str, held: _Open, brought: set[str]) -> bool:
    """Whether an install may bring what is missing: it names it, reports it, or installs the project as a whole."""
    if _names(line, held.name) or _plain(held.name) in brought:
        return True
    return held.kind == "module" and bool(_WHOLE & set(line.split()))


def _names(line: str, name: str) -> bool:
    plain = _plain(name)
    words = [
        _plain(re.split(r"[<>=\[!~]", word.strip('"'))[0]) for word in line.split()[2:] if not word.startswith("-")
    ]
    return any(plain in word or (len(word) >= _TELLING and plain.startswith(word)) for word in words if word)


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _line_at(output: str, place: int) -> str:
    return output[place:].lstrip().split("\n", 1)[0].strip()[:200]
