"""This module counts, for one run, what each arm said and whether it was right."""

import re
from collections import defaultdict
from collections.abc import Mapping

from msgspec import Struct

from memory_cli.replay.asking import Prompt
from memory_cli.replay.changes import is_same
from memory_cli.replay.happenings import NEAR_CURE, Cure, Happened, all_words, f1, telling
from memory_cli.replay.transcripts import words

FILES = "right file among the first five"
UNNAMED = "the same where the task names no right file"
RIGHT = "warnings that were right"
FOREWARNED = "failures forewarned"
REPEATED = "failures of an action that had failed before, forewarned"
SPOKEN = "steps spoken at"
CURED = "errors met whose cure was known"
CURED_STRICTLY = "the same without the words of every install"
MISSING = "recurring missing modules named beforehand"
SPARED = "steps spent on errors whose cure was told at the prompt"
TOKENS = "tokens told per run"
MEASURES = (FILES, UNNAMED, RIGHT, FOREWARNED, REPEATED, SPOKEN, CURED, CURED_STRICTLY, MISSING, SPARED, TOKENS)
MOST_NAMED = 5
_TOLD = 0.5  # share of a cure's telling words from which a line of the prompt says what later ended an error

# `pytest` in a test command does not say that pytest is missing
_LACKING = re.compile(r"\b(?:install\w*|missing|lacks?|no module)\b", re.IGNORECASE)


class Count(Struct, frozen=True):
    """What one arm reached in one run: `part` of `whole`."""

    measure: str
    arm: str
    part: float
    whole: float


class Tally:
    """Adds up the counts of one run."""

    def __init__(self) -> None:
        self._parts: dict[tuple[str, str], list[float]] = defaultdict(lambda: [0.0, 0.0])

    def add(self, measure: str, arm: str, part: float, whole: float = 1.0) -> None:
        """Add to a measure of an arm."""
        held = self._parts[measure, arm]
        held[0] += part
        held[1] += whole

    def counts(self) -> tuple[Count, ...]:
        """Return what was added."""
        return tuple(Count(measure, arm, part, whole) for (measure, arm), (part, whole) in self._parts.items())


def count_files(tally: Tally, named: Mapping[str, tuple[str, ...]], happened: Happened) -> None:
    """Count the arms that name a file of the run among their first five; a run that changed none says nothing."""
    for arm, files in named.items() if happened.files else ():
        right = any(is_same(file, true) for file in files[:MOST_NAMED] for true in happened.files)
        tally.add(FILES, arm, right)
        if not any(is_same(file, true) for file in happened.in_task for true in happened.files):
            tally.add(UNNAMED, arm, right)


def count_prompt(tally: Tally, prompts: Mapping[str, Prompt], happened: Happened, recurring: frozenset[str]) -> None:
    """Count missing modules named, steps that what was told could have spared, and what it cost."""
    for arm, prompt in prompts.items():
        lacking = [set(words(line)) for line in prompt.lines if _LACKING.search(line)]
        for _, name in happened.missing:
            if name in recurring:
                tally.add(MISSING, arm, any(name.lower() in said for said in lacking))
        for cure in happened.cures:
            spent = cure.ended - cure.met
            tally.add(SPARED, arm, spent if is_told(cure, prompt) else 0, spent)
        tally.add(TOKENS, arm, prompt.tokens)


def is_told(cure: Cure, prompt: Prompt) -> bool:
    """Whether a line of a prompt holds most of the words that tell what later ended an error."""
    wanted = telling(cure.text)
    lines = [line for line in prompt.lines if _LACKING.search(line)] if "install" in cure.text else prompt.lines
    return any((wanted & telling(line)).total() >= _TOLD * wanted.total() for line in lines) if wanted else False


def count_warning(tally: Tally, arm: str, *, spoke: bool, failed: bool, had_failed: bool) -> None:
    """Count one step, before which an arm spoke or not."""
    tally.add(SPOKEN, arm, spoke)
    if spoke:
        tally.add(RIGHT, arm, failed)
    if failed:
        tally.add(FOREWARNED, arm, spoke)
    if failed and had_failed:
        tally.add(REPEATED, arm, spoke)


def count_cure(tally: Tally, arm: str, said: str, cure: Cure) -> None:
    """Count an error that was overcome, by whether what was said is near to what ended it."""
    tally.add(CURED, arm, f1(all_words(said), all_words(cure.text)) >= NEAR_CURE)
    if wanted := telling(cure.text):
        tally.add(CURED_STRICTLY, arm, f1(telling(said), wanted) >= NEAR_CURE)
