"""This module collects the test commands of an episode: which ran anything, and which did not and why."""

import re
from collections.abc import Sequence

from msgspec import Struct

from memory_mcp.actions.runners import OWN_SCRIPT
from memory_mcp.actions.shell_lines import SimpleCommand
from memory_mcp.actions.verdicts import is_check, read_verdict
from memory_mcp.expressions import expression
from memory_mcp.facts.deeds import Deed
from memory_mcp.facts.paths import is_code, is_outside, is_test, relative, sources_among
from memory_mcp.models.surveys import CheckRun

_WITH_VALUE = {
    "-k",
    "-m",
    "-p",
    "-c",
    "-n",
    "-o",
    "-W",
    "--tb",
    "--rootdir",
    "--maxfail",
    "-t",
    "--settings",
    "--timeout",
}
_FAILED_TEST = expression(r"^(?:FAILED|ERROR) ([\w./-]+\.\w+::[\w:.]+)", re.MULTILINE)
_ERROR = expression(r"^E {2,}((?!Assertion)[A-Z]\w*(?:Error|Exception|Warning): [^\n]{8,})$", re.MULTILINE)
_LONGEST_ERROR = 160
_SECONDS = expression(r"\bin (\d+(?:\.\d+)?)s\b")
_PROGRAMS_WITH_VERB = {
    "npm",
    "yarn",
    "pnpm",
    "bun",
    "go",
    "cargo",
    "make",
    "mvn",
    "gradle",
    "gradlew",
    "dotnet",
    "deno",
    "rake",
    "just",
}
_SELECTING = {"-t", "-run", "--grep", "--filter", "-g"}
_MOST_TARGETS = 6
_MOST_RUNS = 30


class _Runs(Struct):
    form: str
    directory: str
    targets: dict[str, None]
    changed: dict[str, None]
    ran: int = 0
    green: int = 0
    of: int = 0
    reason: str = ""
    seconds: float = 0.0


class CheckRuns:
    """The test commands of one episode so far."""

    def __init__(self, root: str) -> None:
        self.root = root
        self._runs: dict[tuple[str, str], _Runs] = {}
        self._failing: dict[str, None] = {}
        self._red: dict[str, None] = {}
        self._red_errors: dict[tuple[str, str], None] = {}
        self._passed: dict[str, None] = {}

    def look(self, deed: Deed, changed: Sequence[str]) -> bool:
        """Take one step in; `changed` are the files that differ from how they were. Say whether tests ran."""
        if is_check(deed.text) not in {"test", "build"}:
            return False
        commands = [command for command in deed.commands if form_of(command)]
        if not commands:
            return False
        verdict = read_verdict(deed.text, deed.output, None)
        if verdict.state == "unknown" or verdict.runner == OWN_SCRIPT:
            return False
        ran = verdict.state in {"green", "red"}
        sources = sources_among(changed)
        for command in commands[-1:]:
            held = self._held(command, deed)
            held.of += 1
            held.ran += ran
            held.green += verdict.state == "green"
            held.reason = held.reason if ran else verdict.line[:160]
            if ran:
                held.targets |= dict.fromkeys(self._targets(command, deed))
                held.changed |= dict.fromkeys(sources)
                held.seconds = max([held.seconds, *map(float, _SECONDS.findall(deed.output))])
        if verdict.state == "green" and not is_selected(commands[-1]):
            self._passed |= dict.fromkeys(self._targets(commands[-1], deed))
        if verdict.state == "red":
            failed = dict.fromkeys(_FAILED_TEST.findall(deed.output))
            self._red |= failed
            file = next(iter(failed), "").split("::")[0]
            errors = [line.strip()[:_LONGEST_ERROR] for line in _ERROR.findall(deed.output)]
            self._red_errors |= dict.fromkeys((error, file) for error in errors)
            if not sources:
                self._failing |= failed
        return ran

    def runs(self) -> tuple[CheckRun, ...]:
        """Return what was run, by form and directory."""
        return tuple(
            CheckRun(
                form=each.form,
                targets=tuple(each.targets)[:_MOST_TARGETS],
                directory=each.directory,
                ran=each.ran,
                green=each.green,
                of=each.of,
                reason=each.reason,
                changed=tuple(each.changed)[:_MOST_TARGETS],
                seconds=round(each.seconds, 1),
            )
            for each in list(self._runs.values())[:_MOST_RUNS]
        )

    def failing(self) -> tuple[str, ...]:
        """Return the tests that failed while no source was changed."""
        return tuple(self._failing)[:_MOST_RUNS]

    def red(self) -> tuple[str, ...]:
        """Return the tests that failed at any time."""
        return tuple(self._red)[:_MOST_RUNS]

    def red_errors(self) -> tuple[tuple[str, str], ...]:
        """Return the errors, failed assertions apart, in which tests ended, with the first file that they failed in."""
        return tuple(self._red_errors)[:_MOST_RUNS]

    def passed(self) -> tuple[str, ...]:
        """Return the test files, and directories of them, that passed as a whole."""
        return tuple(self._passed)[:_MOST_RUNS]

    def _held(self, command: SimpleCommand, deed: Deed) -> _Runs:
        inside = relative(f"{deed.directory}/x", self.root).removesuffix("x").rstrip("/") if deed.directory else ""
        form = form_of(command)
        return self._runs.setdefault((form, inside), _Runs(form, inside, {}, {}))

    def _targets(self, command: SimpleCommand, deed: Deed) -> list[str]:
        found = []
        for word in targets_of(command):
            place = relative(word.split("::")[0], self.root, deed.directory)
            if place and not is_outside(place) and is_test(place):
                found.append(place)
        return found


def is_selected(command: SimpleCommand) -> bool:
    """Whether a test command runs some tests of a file only."""
    return any("::" in word or word in _SELECTING or word.startswith("-k") for word in command.words[1:])


def form_of(command: SimpleCommand) -> str:
    """Return the runner of a test command: its words before options and targets; empty for another command."""
    words = list(command.words)
    if not words or not is_check(" ".join(words[:4])):
        return ""
    if re.fullmatch(r"(?:.*/)?python[\d.]*", words[0]):
        if words[1:2] == ["-m"] and len(words) > 2:  # noqa: PLR2004 - python -m pytest
            return f"python -m {words[2]}"
        return " ".join(["python", *words[1:2]]) + (" test" if "test" in words[2:3] else "")
    if command.program in _PROGRAMS_WITH_VERB:
        rest = [word for word in words[1:] if not word.startswith("-")]
        return " ".join([command.program, *rest[: 2 if rest[:1] == ["run"] else 1]])
    return words[0] if words[0].startswith("./") else command.program


def targets_of(command: SimpleCommand) -> list[str]:
    """Return the files and directories that a test command was given."""
    words = list(command.words[1:])
    if words[:1] == ["-m"]:
        words = words[2:]
    found = []
    for before, word in zip(["", *words], words, strict=False):
        if not word.startswith("-") and before not in _WITH_VALUE and ("/" in word or is_code(word.split("::")[0])):
            found.append(word)
    return found
