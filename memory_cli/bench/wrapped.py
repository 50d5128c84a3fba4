"""This module measures what is left of recall when a question is wrapped as people send it, and when it is foreign."""

import time
from collections.abc import Iterator, Sequence
from statistics import fmean

import msgspec
from msgspec import Struct

from memory_cli.bench.bootstrap import interval
from memory_cli.bench.figures import Figure
from memory_cli.bench.prompts import wraps
from memory_cli.bench.quality import Item, Search, Stored
from memory_mcp.config.settings import RecallSettings
from memory_mcp.models.episodes import Failure, Success
from memory_mcp.models.recall import Hit, Query

_SHOWN = 10
FLOORS = (0.0, 0.4, 0.5, 0.54, 0.58, 0.62, 0.66, 0.7, 0.74, 0.8, 0.9, 1.0, 1.2)


class Wrapped(Struct, frozen=True):
    """Recall@10 of one way of asking, beside that of the bare question: the difference with a paired 95 % interval."""

    name: str
    questions: int
    recall_10: float
    share_of_bare: float
    difference: float
    difference_interval: tuple[float, float]
    ms: float


def wrapped(search: Search, asked: Sequence[Item]) -> Iterator[Wrapped]:
    """Ask the same questions in every wrapping, the bare ones first."""
    bare: list[float] = []
    for name, wrap in wraps().items():
        started = time.process_time()
        found = [float(item.name in list(search(wrap(item.question)))[:_SHOWN]) for item in asked]
        ms = (time.process_time() - started) * 1_000 / len(asked)
        bare = bare or found
        apart = [one - other for one, other in zip(found, bare, strict=True)]
        share = fmean(found) / fmean(bare) if any(bare) else 0.0
        yield Wrapped(name, len(asked), fmean(found), share, fmean(apart), interval(apart), ms)


def figures(search: Search, asked: Sequence[Item], size: int) -> Iterator[Figure]:
    """Say the same as figures of a report."""
    for row in wrapped(search, asked):
        beside = {"recall@10": round(row.recall_10, 4), "processor ms": round(row.ms, 2)}
        yield Figure("recall", f"as {row.name}, of the bare", "share", size, round(row.share_of_bare, 3), beside=beside)


class Silence(Struct, frozen=True):
    """At a floor: the share of foreign questions left without an answer, and of true hits that stay."""

    floor: float
    silent: float
    kept: float
    kept_interval: tuple[float, float]


def silence(
    stored: Stored, own: Sequence[Item], foreign: Sequence[str], floors: Sequence[float] = FLOORS
) -> Iterator[Silence]:
    """Ask own and foreign questions once without a floor, and say what each floor would have done."""
    with stored.opened(RecallSettings(floor=0.0)) as memory:
        answers = [(item, memory.recall.search(Query(item.question, limit=_SHOWN)).hits) for item in own]
        others = [memory.recall.search(Query(question, limit=_SHOWN)).hits for question in foreign]
    found = [(item, hits) for item, hits in answers if any(stored.names[hit.id] == item.name for hit in hits)]
    for floor in floors:
        kept = [
            float(
                _answers(hits, floor) and any(stored.names[hit.id] == item.name for hit in hits if _shown(hit, floor))
            )
            for item, hits in found
        ]
        silent = [float(not _answers(hits, floor)) for hits in others]
        yield Silence(floor, fmean(silent or [0.0]), fmean(kept or [0.0]), interval(kept or [0.0]))


def _answers(hits: Sequence[Hit], floor: float) -> bool:
    return any(hit.relevance >= floor for hit in hits)


def _shown(hit: Hit, floor: float) -> bool:
    return hit.relevance >= 0.4 * floor


def repeated(items: Sequence[Item], runs: int) -> Iterator[tuple[Item, bool]]:
    """Give each record further runs of its task that failed, one of them later; say which run succeeded."""
    for item in items:
        for number in range(runs):
            succeeded = number == runs // 2
            outcome = Success(evidence="shown") if succeeded else Failure(f"{item.question} did not work")
            episode = msgspec.structs.replace(item.episode, outcome=outcome, source=None)
            yield Item(f"{item.name} {number}", item.question, episode), succeeded
