"""This module gathers the runs of a replay, in the order of time, and says which of them are one task."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

import msgspec
from msgspec import Struct

from memory_mcp.embeddings.words import content_words
from memory_mcp.importers.records import EpisodeRecord
from memory_mcp.learning.near_duplicates import NEAR
from memory_mcp.memory import Memory
from memory_mcp.models.episodes import Episode

replace = msgspec.structs.replace
_FIRST = 1_700_000_000_000_000  # where runs without times begin
_APART = 3_600_000_000  # microseconds between runs that have one time
_PAGE = 500
_ONE_TASK = frozenset(("parent_child", "follows", "duplicates"))


class Run(Struct, frozen=True):
    """A recorded run; those of one `task` never know of each other. Times are microseconds UTC."""

    name: str
    project: str
    task: str
    started_at: int
    ended_at: int
    episode: Episode

    def __hash__(self) -> int:
        return hash((self.project, self.name))


class Found(Struct, frozen=True):
    """A run before it has its place; runs that share one of the `ties` are one task."""

    name: str
    project: str
    ties: tuple[str, ...]
    episode: Episode


def found_in(record: EpisodeRecord, project: str) -> Found:
    """Take a run from a transcript: parts and side chains of a session are one task, so are runs of one issue."""
    ids = (record.source_id, record.parent, record.follows)
    ties = [f"session {each.partition('#')[0]}" for each in ids if each]
    _, slash, issue = record.source_id.rpartition("/")
    if slash and "__" in issue:
        ties.append(f"issue {issue}")
    return Found(record.source_id, project, tuple(ties), record.episode)


def own_runs(memory: Memory) -> list[Found]:
    """Read the episodes of a memory; nothing of it is changed."""
    tied: dict[str, list[str]] = defaultdict(list)
    for each in memory.relationships.list():
        if each.kind in _ONE_TASK:
            tie = f"{each.from_id} {each.to_id}"
            tied[each.from_id].append(tie)
            tied[each.to_id].append(tie)
    found = []
    cursor = None
    while True:
        page = memory.episodes.list(limit=_PAGE, cursor=cursor)
        for row in page.episodes:
            episode = memory.episodes.get(row.id)
            session = f"session {episode.source.id.partition('#')[0]}" if episode.source else row.id
            found.append(Found(row.id, memory.project, (session, *tied[row.id]), episode))
        cursor = page.next_cursor
        if cursor is None:
            return found


def in_order(found: Iterable[Found]) -> dict[str, list[Run]]:
    """Return the runs with steps of each project in the order of time, told which are one task.

    Runs of one time keep the order in which they were read, an hour apart.
    """
    projects: dict[str, list[Found]] = defaultdict(list)
    for each in found:
        if each.episode.steps:
            projects[each.project].append(each)
    return {project: _placed(project, members) for project, members in sorted(projects.items())}


def _placed(project: str, members: Sequence[Found]) -> list[Run]:
    members = sorted(members, key=lambda each: each.episode.started_at)
    tasks = _tasks(members)
    times = [each.episode.started_at for each in members]
    has_times = len(set(times)) > 1 and min(times) > 0
    runs = []
    for number, each in enumerate(members):
        at = each.episode.started_at if has_times else _FIRST + number * _APART
        runs.append(_placed_at(Run(each.name, project, tasks[number], at, at, each.episode), at))
    return runs


def _placed_at(run: Run, at: int) -> Run:
    """Move a run to a time; its steps keep their distances from its beginning."""
    episode = run.episode
    shift = at - episode.started_at
    steps = tuple(replace(step, recorded_at=max(step.recorded_at + shift, at)) for step in episode.steps)
    last = max(steps[-1].recorded_at, (episode.completed_at or episode.updated_at) + shift, at)
    moved = replace(
        episode,
        id="",
        project="",
        steps=steps,
        started_at=at,
        updated_at=last,
        completed_at=last if episode.outcome else None,
        reward=None,
        reflection=None,
        is_global=False,
    )
    return replace(run, started_at=at, ended_at=last, episode=moved)


def _tasks(members: Sequence[Found]) -> list[str]:
    """Name the task of each run: runs are one task by a tie, or where the words of their tasks are nearly the same."""
    parents = list(range(len(members)))

    def root(number: int) -> int:
        while parents[number] != number:
            number = parents[number]
        return number

    first_with: dict[str, int] = {}
    words = [frozenset(content_words(each.episode.task)) for each in members]
    for number, each in enumerate(members):
        for tie in each.ties:
            parents[root(number)] = root(first_with.setdefault(tie, number))
        for other in range(number):
            if root(other) != root(number) and _is_near(words[number], words[other]):
                parents[root(number)] = root(other)
    return [members[root(number)].name for number in range(len(members))]


def _is_near(one: frozenset[str], other: frozenset[str]) -> bool:
    """Whether two tasks are one, by the Dice coefficient of their words."""
    both = len(one) + len(other)
    if not both:
        return True
    return 2 * min(len(one), len(other)) >= NEAR * both and 2 * len(one & other) >= NEAR * both
