"""This module counts evidence over independent tasks: repeats and near-duplicates of one task count once."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from memory_mcp.models.facts import Fact, Topic
from memory_mcp.models.surveys import Surveyed

Key = TypeVar("Key")

# Dice coefficient of the words of two tasks from which one repeats the other (benchmarks/merging.py)
NEAR = 0.85
_MOST_COMPARED = 400  # different tasks that are compared with each other; beyond, only equal ones are one
_WORD = re.compile(r"\w+")
_MOST_EPISODES = 8
_LEAST_RUNS = 2
_TITLE = 80


class Group(Struct, frozen=True):
    """The surveys of one task, the oldest first."""

    members: tuple[Surveyed, ...]

    @property
    def first_seen(self) -> int:
        """When the task was first worked on."""
        return self.members[0].seen_at

    @property
    def last_seen(self) -> int:
        """When the task was last worked on."""
        return self.members[-1].seen_at


class Support(Struct, frozen=True):
    """How many independent tasks show something, of how many in which it could have shown, since when and how long."""

    tasks: int
    of: int
    runs: int
    first_seen: int
    last_seen: int
    episodes: tuple[str, ...]


def grouped(surveys: Sequence[Surveyed]) -> list[Group]:
    """Put the surveys of one task together."""
    by_text: dict[str, list[Surveyed]] = defaultdict(list)
    for each in sorted(_without_workarounds(surveys), key=lambda each: (each.seen_at, each.episode_id)):
        by_text[" ".join(each.task.lower().split())[:2_000]].append(each)
    texts = list(by_text)
    if len(texts) > _MOST_COMPARED:
        return [Group(tuple(members)) for members in by_text.values()]
    words = [frozenset(_WORD.findall(text)) for text in texts]
    joined: list[tuple[frozenset[str], list[Surveyed]]] = []
    for text, own in zip(texts, words, strict=True):
        twin = next((members for other, members in joined if _alike(own, other)), None)
        if twin is None:
            joined.append((own, list(by_text[text])))
        else:
            twin.extend(by_text[text])
    return [Group(tuple(sorted(members, key=lambda each: each.seen_at))) for _, members in joined]


def repeated_workarounds(surveys: Iterable[Surveyed]) -> dict[str, int]:
    """Return the errors that several runs worked around by an edit, with the number of runs."""
    runs = Counter(error for each in surveys for error in {made.error for made in each.survey.workarounds})
    return {error: count for error, count in runs.items() if count >= _LEAST_RUNS}


def _without_workarounds(surveys: Sequence[Surveyed]) -> list[Surveyed]:
    """Take from what was changed the files that were only changed for the environment's sake, in several runs."""
    repeated = repeated_workarounds(surveys)
    return [_cleaned(each, repeated) for each in surveys] if repeated else list(surveys)


def _cleaned(each: Surveyed, repeated: Collection[str]) -> Surveyed:
    idle = {file for made in each.survey.workarounds if made.error in repeated for file in made.files}
    if not idle:
        return each
    changed = tuple(file for file in each.survey.changed if file not in idle)
    return replace(each, survey=replace(each.survey, changed=changed))


def support(groups: Iterable[Group], shows: Callable[[Surveyed], bool], could: Callable[[Surveyed], bool]) -> Support:
    """Count the tasks that show something among those in which its condition held."""
    possible = [(group, [each for each in group.members if could(each)]) for group in groups]
    possible = [(group, members) for group, members in possible if members]
    showing = [each for _, members in possible for each in members if shows(each)]
    tasks = sum(any(shows(each) for each in members) for _, members in possible)
    moments = [each.seen_at for each in showing] or [0]
    newest = sorted(showing, key=lambda each: -each.seen_at)[:_MOST_EPISODES]
    return Support(
        tasks, len(possible), len(showing), min(moments), max(moments), tuple(each.episode_id for each in newest)
    )


def fact(topic: Topic, subject: str, text: str, counted: Support, do: str = "") -> Fact:
    """Make a fact of what was counted."""
    return Fact(
        topic, subject, text, do, counted.tasks, counted.of, counted.first_seen, counted.last_seen, counted.episodes
    )


def said(counted: Support) -> str:
    """Say a count: `2 of 5 tasks, 6 runs`."""
    runs = f", {counted.runs} runs" if counted.runs > counted.tasks else ""
    return f"{counted.tasks} of {tasks(counted.of)}{runs}"


def tasks(number: int) -> str:
    """Say a number of tasks."""
    return f"{number} task{'' if number == 1 else 's'}"


def title(task: str) -> str:
    """Return the first line of a task, shortened."""
    line = next((line.strip() for line in task.splitlines() if line.strip()), "")
    return line if len(line) <= _TITLE else f"{line[: _TITLE - 1]}…"


def commonest(groups: Iterable[Group], values: Callable[[Surveyed], Iterable[Key]]) -> Counter[Key]:
    """Count in how many tasks a value stands."""
    counts: Counter[Key] = Counter()
    for group in groups:
        counts.update(list(dict.fromkeys(value for each in group.members for value in values(each))))
    return counts


def is_same_task(one: str, other: str) -> bool:
    """Whether two tasks are one, or nearly so in their words."""
    first, second = (" ".join(text.lower().split())[:2_000] for text in (one, other))
    return first == second or _alike(frozenset(_WORD.findall(first)), frozenset(_WORD.findall(second)))


def _alike(one: frozenset[str], other: frozenset[str]) -> bool:
    if min(len(one), len(other)) < NEAR / (2 - NEAR) * max(len(one), len(other)) or not one or not other:
        return False
    return 2 * len(one & other) / (len(one) + len(other)) >= NEAR
