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


# "pip install wrapt" and "pip install pytest" have an F1 of 0.67 and nothing in common
_EVERYDAY_WORDS = """
pip pip3 install python python3 m q y u e i r c upgrade quiet npm yarn pnpm apt get sudo conda cd testbed tail head 2 1
null dev import from as print cat eof echo sed def for in if else return the a and or to of with open f s
"""
_EVERYDAY = frozenset(_EVERYDAY_WORDS.split())


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
    kept = files_kept(episode.task, steps)
    named = (file for step in steps for file in files_in(text_of(step)))
    return Happened(
        actions=actions,
        checked=tuple(checked),
        failed=frozenset(at for at in checked if steps[at].failed),
        cures=tuple(_cure(steps, each) for each in recoveries(steps, actions) if each.passed is not None and each.fix),
        missing=tuple((at, name) for name, at in missing.items()),
        files=kept,
        in_task=files_in(episode.task),
        mentioned=Counter(file for file in named if "/" in file or file in kept),  # scratch files lie at the top
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


def telling(text: str) -> Counter[str]:
    """Count the words of a text that could tell one cure from another: what every install says is left out."""
    return Counter(word for word in words(text[:CURE_CHARACTERS]) if word not in _EVERYDAY)


def f1(said: Counter[str], true: Counter[str]) -> float:
    """Return the F1 of the words of what was said against those of what was true."""
    shared = sum((said & true).values())
    return 2 * shared / (said.total() + true.total()) if shared else 0.0


def all_words(text: str) -> Counter[str]:
    """Count the words of a text, cut to as many characters as a cure may have."""
    return Counter(words(text[:CURE_CHARACTERS]))
