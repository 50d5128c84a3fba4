"""This module measures recall and speed on a user's own memory, which it only reads."""

import random
from collections.abc import Iterator, Sequence

import msgspec

from memory_cli.bench import quality, wrapped
from memory_cli.bench.figures import Figure, latency, timed
from memory_cli.bench.prompts import FOREIGN
from memory_mcp.config.settings import RecallSettings
from memory_mcp.embeddings.installed_models import installed
from memory_mcp.errors import NotFoundError
from memory_mcp.memory import Memory
from memory_mcp.models.episodes import Episode
from memory_mcp.models.recall import Query

_MOST_RECORDS, _MOST_QUESTIONS, _LEAST_QUESTIONS = 5_000, 200, 5
_MOST_WRAPPED = 40  # each is asked in nineteen ways
_SHORTEST_REST = 20  # characters that must be left of an episode without its first line
_CAVEAT = "each episode without its first line, asked for by that line"


def measure(memory: Memory) -> Iterator[Figure]:
    """Leave the first line out of each episode, and ask for the rest by it; then time searches as they are.

    Raises:
        NotFoundError: there are too few episodes to say anything.

    """
    items = [item for episode in _episodes(memory) if (item := _item(episode)) is not None]
    askable = [item for item in items if item.question]
    if len(askable) < _LEAST_QUESTIONS:
        raise NotFoundError(
            f"{len(askable)} episodes of project {memory.project} have more to search than their first line, and "
            f"{_LEAST_QUESTIONS} are needed; record some, or bring history in with 'memory-cli import git'"
        )
    asked = random.Random(7).sample(askable, min(_MOST_QUESTIONS, len(askable)))  # noqa: S311 - a fixed sample
    for score in quality.known_item(items, asked, installed(memory.places.models)):
        low, high = score.recall_10_interval
        beside = {"from": low, "to": high, "R@1": score.recall_1, "MRR": score.mrr, "nDCG@10": score.ndcg_10}
        what = f"recall@10, {score.method}, {score.questions} questions"
        yield Figure("recall", what, "share", len(items), score.recall_10, beside=beside)
    with quality.stored(items, "hash") as copy:
        yield from _as_shown(copy, items, asked)
        with copy.searching(RecallSettings()) as search:
            yield from wrapped.figures(search, asked[:_MOST_WRAPPED], len(items))
    memory.recall.search(Query("warm up"))
    times = [timed(lambda q=item.question: memory.recall.search(Query(q)), 1)[0] for item in asked]  # type: ignore[misc]  # bound
    yield latency("search", "its first line, in process", times, size=len(items))
    yield Figure("recall", "what this shows", "", note=f"how findable your episodes are by words: {_CAVEAT}")
    yield Figure(
        "recall", "what it cannot show", "", note="whether what is found helps; 'memory-cli lift' is about that"
    )


def _as_shown(copy: quality.Stored, items: Sequence[quality.Item], asked: Sequence[quality.Item]) -> Iterator[Figure]:
    """Say what the floor of relevance takes from recall, and which foreign questions it leaves without an answer."""
    for name, floor in (("as ranked", 0.0), ("as shown", RecallSettings().floor)):
        unanswered = 0
        found = 0
        with copy.searching(RecallSettings(floor=floor)) as search:
            for item in asked:
                names = search(item.question)
                unanswered += not names
                found += item.name in names
        beside = {"left without an answer": round(unanswered / len(asked), 4)}
        what = f"recall@10, ours, hashed, {name}, {len(asked)} questions"
        yield Figure("recall", what, "share", len(items), round(found / len(asked), 4), beside=beside)
    (row,) = wrapped.silence(copy, asked, FOREIGN, (RecallSettings().floor,))
    beside = {"true hits still shown": round(row.kept, 4)}
    what = f"{len(FOREIGN)} questions about other programs, left without an answer"
    yield Figure("recall", what, "share", len(items), round(row.silent, 4), beside=beside)


def _episodes(memory: Memory) -> Iterator[Episode]:
    cursor = None
    seen = 0
    while seen < _MOST_RECORDS:
        page = memory.episodes.list(limit=100, cursor=cursor)
        for row in page.episodes:
            yield memory.episodes.get(row.id)
        seen += len(page.episodes)
        cursor = page.next_cursor
        if cursor is None:
            return


def _item(episode: Episode) -> quality.Item | None:
    """Take the first line off; an episode that is nothing else stays whole, and is only in the way.

    Its id stands in the rest: otherwise all that are left with the same rest would count as runs of one task.
    """
    first, _, rest = episode.task.strip().partition("\n")
    left = len(rest.strip()) + sum(len(step.action) for step in episode.steps)
    asks = left >= _SHORTEST_REST
    task = f"{rest.strip() or '(no more text)'}\n{episode.id}" if asks else episode.task
    copy = msgspec.structs.replace(episode, id="", project="", task=task, source=None)
    return quality.Item(episode.id, first[:500] if asks else "", copy)
