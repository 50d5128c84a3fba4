"""This module follows a session step by step: what was run, what failed last, and what was changed since."""

import re
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from memory_mcp.actions.shapes import telling_commands
from memory_mcp.actions.shell_paths import is_temporary
from memory_mcp.actions.steps import Action, command_of
from memory_mcp.actions.subjects import (
    blamed,
    edits_by_code,
    environmental,
    installs,
    plain_name,
    scripts_written,
    subjects,
)
from memory_mcp.expressions import expression
from memory_mcp.models.episodes import Step

FRESH, PREPARED = "", "after an install"  # states of what has not run yet in a session
_CHANGING = frozenset(("edit", "install", "finish"))
_LOOKING = frozenset(("read", "search"))
_CATCHES = expression(r"^[ \t]*except\b", re.MULTILINE)
_SCRIPT_KEYS = ("content", "file_text", "contents")


class Attempt(Struct, frozen=True):
    """A run of one subject: the shape of the command, a tool that it starts, or a module that its code imports.

    `state` says how the subject stood before: fresh, or the error of its last run and whether something was installed
    since. Of a shape it is empty: all its runs are alike.
    """

    at: int
    subject: str
    state: str
    failed: bool


class Tries(Struct):
    """The runs of one shape in a session; `changes` is the session's count of changes at the last of them."""

    runs: int = 0
    failures: int = 0
    streak: int = 0
    changes: int = 0
    installs: int = 0
    last_failure: int = -1
    is_stale: bool = False

    @property
    def passed_last(self) -> bool:
        """Whether the last run passed."""
        return self.runs > 0 and self.streak == 0


class _Standing(Struct):
    signature: str
    installs: int
    changes: int
    at: int


class Walk:
    """What the steps of one session have shown so far."""

    def __init__(self) -> None:
        self._scripts: dict[str, str] = {}
        self._tries: dict[str, Tries] = {}
        self._standing: dict[str, _Standing] = {}
        self._changes = 0
        self._installed: list[str] = []

    def take(self, at: int, step: Step, action: Action) -> list[Attempt]:
        """Take in a step that has ended, and return what it was an attempt at."""
        if step.result is None:
            return []
        command = command_of(step) or ""
        attempts: list[Attempt] = []
        if acts(action):
            if not self.runs_own_script(command):
                attempts.append(Attempt(at, action.shape, "", step.failed))
            attempts += self._attempt(at, step, command)
            self._try(at, step, action)
        self._change(step, action, command)
        return attempts

    def tries(self, action: Action) -> Tries:
        """Return how the shape of an action has gone in this session."""
        return self._tries.get(action.shape, Tries())

    def is_unchanged_since(self, tries: Tries) -> bool:
        """Whether nothing was edited since the last run of a shape; one missing module is often followed by another."""
        return tries.changes == self._changes and not tries.is_stale

    def installed_since(self, tries: Tries) -> str:
        """Return the last command that installed something since the last run of a shape, empty where none did."""
        return self._installed[-1] if len(self._installed) > tries.installs else ""

    def stands_broken(self, command: str) -> int | None:
        """Return the step whose error of the environment a command would meet again: nothing was done about it.

        Code that catches errors prints them and ends well.
        """
        if any(_CATCHES.search(code) for code in (command, *self._called(command))):
            return None
        for subject in subjects(command, self._scripts):
            known = self._standing.get(subject)
            if known and known.signature and (known.installs, known.changes) == (len(self._installed), self._changes):
                return known.at
        return None

    def _called(self, command: str) -> list[str]:
        return [code for name, code in self._scripts.items() if name in command]

    def states(self, command: str) -> list[tuple[str, str]]:
        """Return what a command depends on, each with its states; what passed last or was not helped is left out."""
        found: list[tuple[str, str]] = []
        for subject in subjects(command, self._scripts):
            known = self._standing.get(subject)
            if known is None:
                found += [(subject, FRESH), (subject, PREPARED)]
            elif known.signature and known.installs != len(self._installed):
                found.append((subject, self._state(known)))
        return found

    def has_installed(self, name: str) -> bool:
        """Whether the session has installed something by its name."""
        return any(name in plain_name(each) for each in self._installed)

    def runs_own_script(self, command: str) -> bool:
        """Whether a command runs a file that this very session wrote: elsewhere that name means something else."""
        return any(name in command for name in self._scripts) or bool(scripts_written(command))

    def _state(self, known: _Standing | None) -> str:
        if known is None:
            return PREPARED if len(self._installed) else FRESH
        return f"{known.signature} +" if known.installs != len(self._installed) else known.signature

    def _attempt(self, at: int, step: Step, command: str) -> list[Attempt]:
        about = subjects(command, self._scripts)
        error = environmental(step) if step.failed else None
        to_blame = blamed(about, getattr(step.result, "message", "")) if error else ()
        attempts = []
        for subject in about:
            if error and subject not in to_blame:
                continue  # whether it would have worked is not shown
            attempts.append(Attempt(at, subject, self._state(self._standing.get(subject)), bool(error)))
            self._standing[subject] = _Standing(error or "", len(self._installed), self._changes, at)
        return attempts

    def _try(self, at: int, step: Step, action: Action) -> None:
        tries = self._tries.setdefault(action.shape, Tries())
        tries.runs += 1
        tries.failures += step.failed
        tries.streak = tries.streak + 1 if step.failed else 0
        tries.last_failure = at if step.failed else tries.last_failure
        tries.changes, tries.installs, tries.is_stale = self._changes, len(self._installed), False

    def _change(self, step: Step, action: Action, command: str) -> None:
        if step.failed and len(telling_commands(command)) <= 1:
            return  # it failed as a whole, and changed nothing
        if installs(command):
            self._installed.append(" ".join(command.split()))
        written = scripts_written(command) | _written_by_tool(step.parameters, action)
        self._scripts |= {name: text for name, text in written.items() if is_scratch(name)}
        for name in written:
            for shape, tries in self._tries.items():
                tries.is_stale |= name in shape
        by_itself = bool(written) and all(map(is_scratch, written))
        is_edit = action.kind in _CHANGING and not by_itself and not installs(command)
        if is_edit or edits_by_code(command, self._scripts):
            self._changes += 1


def acts(action: Action) -> bool:
    """Whether an action does something that can fail; a read or a search that finds nothing is no failure."""
    return action.kind not in _LOOKING


def is_scratch(name: str) -> bool:
    """Whether a file lies where agents put what they throw away: beside everything, or outside the work tree."""
    return "/" not in name or is_temporary(name)


def _written_by_tool(parameters: Mapping[str, Any], action: Action) -> dict[str, str]:
    if action.kind != "edit" or len(action.files) != 1:
        return {}
    text = next((parameters[key] for key in _SCRIPT_KEYS if isinstance(parameters.get(key), str)), None)
    return {} if text is None else {action.files[0]: text}
