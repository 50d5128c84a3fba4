"""This module says what happened in a run, as far as its record shows: failures, cures, missing modules, files."""

import re
from collections import Counter
from collections.abc import Sequence

from msgspec import Struct

from memory_cli.replay.changes import files_in, files_kept
from memory_cli.replay.transcripts import text_of, words
from memory_mcp.actions.recoveries import Recovery, recoveries
from memory_mcp.actions.signatures import telling_line
from memory_mcp.actions.steps import Action, action_of
from memory_mcp.models.episodes import Episode, Step, StepError, StepTimeout

NEAR_CURE = 0.3  # token F1 from which a cure counts as the one that was found
CURE_CHARACTERS = 200
_MISSING = re.compile(r"No module named ['\"]?(\w+)(?![\w.])")
_LOOKING = frozenset(("read", "search"))
_TALK = frozenset(("user", "assistant"))
_GOING_THERE = re.compile(r"^\s*cd \S+ *&& *")
_NEW_TEXT = ("new_string", "new_str", "content", "file_text", "patch", "input")


class Cure(Struct, frozen=True):
    """An error that was overcome: where it was met first and ended, its line, and what ended it."""

    met: int
    ended: int
    error: str
    text: str


class Happened(Struct, frozen=True):
    """What a run shows: its actions, the places of failing and of all steps that could have been warned of, cures.

    `files` are those that it changed and kept, `in_task` those that its task names; `mentioned` counts the steps that
    name a file.
    """

    actions: tuple[Action, ...]
    checked: tuple[int, ...]
    failed: frozenset[int]
    cures: tuple[Cure, ...]
    missing: tuple[tuple[int, str], ...]
    files: tuple[str, ...]
    in_task: tuple[str, ...]
    mentioned: dict[str, int]


def happened_in(episode: Episode) -> Happened:
    """Read a run."""
    steps = episode.steps
    actions = tuple(action_of(step) for step in steps)
    checked = [
        at
        for at, (step, action) in enumerate(zip(steps, actions, strict=True))
        if step.result is not None and action.kind not in _LOOKING and step.tool not in _TALK
    ]
    missing: dict[str, int] = {}
    for at, step in enumerate(steps):
        for name in _MISSING.findall(text_of(step)) if step.failed else ():
            missing.setdefault(name, at)
    return Happened(
        actions=actions,
        checked=tuple(checked),
        failed=frozenset(at for at in checked if steps[at].failed),
        cures=tuple(_cure(steps, each) for each in recoveries(steps, actions) if each.passed is not None and each.fix),
        missing=tuple((at, name) for name, at in missing.items()),
        files=files_kept(episode.task, steps),
        in_task=files_in(episode.task),
        mentioned=Counter(file for step in steps for file in files_in(text_of(step)) if "/" in file),
    )


def _cure(steps: Sequence[Step], recovery: Recovery) -> Cure:
    assert recovery.passed is not None  # noqa: S101 - asked for such alone
    text = " ; ".join(done_by(steps[at]) for at in recovery.fix)
    return Cure(recovery.failures[0], recovery.passed, error_of(steps[recovery.failures[0]]), text[:CURE_CHARACTERS])


def done_by(step: Step) -> str:
    """Return what a step did in its own words: the command, or the new text of an edit."""
    new = next((value for name in _NEW_TEXT if isinstance(value := step.parameters.get(name), str) and value), "")
    return new or _GOING_THERE.sub("", step.action)


def error_of(step: Step) -> str:
    """Return the line that names a step's error."""
    return telling_line(step.result.message) if isinstance(step.result, StepError | StepTimeout) else ""


def f1(said: str, true: str) -> float:
    """Return the token F1 of what was said, cut to 200 characters, against what was true."""
    one, other = Counter(words(said[:CURE_CHARACTERS])), Counter(words(true[:CURE_CHARACTERS]))
    shared = sum((one & other).values())
    return 2 * shared / (one.total() + other.total()) if shared else 0.0
