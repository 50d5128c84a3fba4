"""This module makes one hit of records that say the same: the runs of a task, the turns of a talk."""

from collections.abc import Mapping, Sequence

import msgspec
from msgspec import Struct

from memory_mcp.storage import search_index
from memory_mcp.storage.database import Session
from memory_mcp.storage.search_index import Candidate
from memory_mcp.storage.sights import Sight


class Ranked(Struct, frozen=True):
    """A scored candidate before its record is read; the fields are those of ScoreParts."""

    candidate: Candidate
    score: float
    keyword: float
    similarity: float
    boosts: dict[str, float]
    bm25: float | None
    cosine: float | None


class Group(Struct, frozen=True):
    """The best of several candidates that say the same, how many there are, and the key by which they were found."""

    best: Ranked
    count: int
    found_key: int


def distinct(ranked: Sequence[Ranked], talks: Mapping[int, int]) -> list[Group]:
    """Keep the best run of each task and the best turn of each talk; `talks` says which talk a turn is of."""
    groups: dict[tuple[str, str] | tuple[str, int], list[Ranked]] = {}
    for entry in ranked:
        candidate = entry.candidate
        if candidate.task_key is not None:
            groups.setdefault((candidate.project, candidate.task_key), []).append(entry)
        else:
            groups.setdefault(("talk", -talks.get(candidate.key, -candidate.key)), []).append(entry)
    return [Group(members[0], len(members), members[0].candidate.key) for members in groups.values()]


def chosen_runs(session: Session, groups: Sequence[Group], sight: Sight) -> list[Group]:
    """Put a run that succeeded in the place of a best-scored run that did not, else the newest that ended.

    One that still runs has no lesson yet. All runs are looked at, whether the question found them or not.
    """
    wanted = {entry.best.candidate.task_key for entry in groups if entry.best.candidate.task_key is not None}
    runs = search_index.runs(session, sorted(wanted), sight) if wanted else {}
    return [_chosen(group, runs) for group in groups]


def _chosen(group: Group, runs: Mapping[tuple[str, str], Sequence[Candidate]]) -> Group:
    candidate = group.best.candidate
    if candidate.task_key is None:
        return group
    alike = runs.get((candidate.project, candidate.task_key), ())
    ended = [run for run in alike if run.outcome is not None]
    count = max(len(alike), 1)
    if not ended or candidate.succeeded:
        return Group(group.best, count, candidate.key)
    best = max(ended, key=lambda run: (run.succeeded, run.created_at, run.key))
    return Group(msgspec.structs.replace(group.best, candidate=best), count, candidate.key)
