"""This module gathers the runs of a replay, in the order of time, and says which of them are one task."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

import msgspec
from msgspec import Struct

from memory_mcp.embeddings.words import content_words
from memory_mcp.errors import DamagedError, NotFoundError
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
    """A recorded run in its place; times are microseconds UTC.

    `task` is the first run of the same task, and `apart` names those of them that the memory must not know.
    """

    name: str
    project: str
    task: str
    apart: frozenset[str]
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


def own_runs(memory: Memory) -> tuple[list[Found], int]:
    """Read the episodes of a memory, of which nothing is changed; return them, and how many could not be read."""
    tied: dict[str, list[str]] = defaultdict(list)
    for each in memory.relationships.list():
        if each.kind in _ONE_TASK:
            for end in (each.from_id, each.to_id):
                tied[end].append(f"{each.from_id} {each.to_id}")
    found: list[Found] = []
    damaged = 0
    cursor = None
    while True:
        page = memory.episodes.list(limit=_PAGE, cursor=cursor)
        damaged += page.damaged
        for row in page.episodes:
            try:
                episode = memory.episodes.get(row.id)
            except DamagedError:
                damaged += 1
                continue
            except NotFoundError:  # erased meanwhile
                continue
            session = f"session {episode.source.id.partition('#')[0]}" if episode.source else row.id
            found.append(Found(row.id, memory.project, (session, *tied[row.id]), episode))
        cursor = page.next_cursor
        if cursor is None:
            return found, damaged


def in_order(found: Iterable[Found], *, hindsight: bool = False) -> dict[str, list[Run]]:
    """Return the runs with steps of each project in the order of time, told which are one task.

    Runs of one time keep the order in which they were read, an hour apart. Without hindsight what is one task is told
    by the runs up to then: a later one that is like both of two earlier ones does not join them after the fact.
    """
    projects: dict[str, dict[str, Found]] = defaultdict(dict)
    for each in found:
        if each.episode.steps:
            projects[each.project].setdefault(each.name, each)  # the same session may lie in two files
    return {name: _placed([*members.values()], hindsight=hindsight) for name, members in sorted(projects.items())}


def _placed(members: Sequence[Found], *, hindsight: bool) -> list[Run]:
    members = sorted(members, key=lambda each: each.episode.started_at)
    groups = _groups(members, hindsight=hindsight)
    times = [each.episode.started_at for each in members]
    has_times = len(set(times)) > 1 and min(times) > 0
    runs = []
    for number, (each, group) in enumerate(zip(members, groups, strict=True)):
        at = each.episode.started_at if has_times else _FIRST + number * _APART
        others = [members[place].name for place in group if hindsight or place != number]
        episode = _moved(each.episode, at)
        run = Run(each.name, each.project, members[group[0]].name, frozenset(others), at, episode.updated_at, episode)
        runs.append(run)
    return runs


def _moved(episode: Episode, at: int) -> Episode:
    """Move an episode to a time, as if it had not been stored yet; its steps keep their distances."""
    shift = at - episode.started_at
    steps = tuple(replace(step, recorded_at=max(step.recorded_at + shift, at)) for step in episode.steps)
    last = max(steps[-1].recorded_at, (episode.completed_at or episode.updated_at) + shift, at)
    return replace(
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


def _groups(members: Sequence[Found], *, hindsight: bool) -> list[tuple[int, ...]]:
    """Return the places of the runs of each one's task, its own included: those up to it, or with hindsight all.

    Runs are one task by a tie, or where the words of their tasks are nearly the same.
    """
    group_of: list[list[int]] = []
    first_with: dict[str, int] = {}
    words = [frozenset(content_words(each.episode.task)) for each in members]
    seen: list[tuple[int, ...]] = []
    for number, each in enumerate(members):
        alike = [first_with[tie] for tie in each.ties if tie in first_with]
        alike += [other for other in range(number) if _is_near(words[number], words[other])]
        joined = sorted({place for other in alike for place in group_of[other]} | {number})
        group_of.append(joined)
        for place in joined:
            group_of[place] = joined
        first_with.update({tie: number for tie in each.ties if tie not in first_with})
        seen.append(tuple(joined))
    return [tuple(group) for group in group_of] if hindsight else seen


def _is_near(one: frozenset[str], other: frozenset[str]) -> bool:
    """Whether two tasks are one, by the Dice coefficient of their words."""
    both = len(one) + len(other)
    if not both:
        return True
    return 2 * min(len(one), len(other)) >= NEAR * both and 2 * len(one & other) >= NEAR * both
