"""This module measures the store and the sentence model within one process."""

import random
from collections.abc import Iterator
from pathlib import Path

from memory_cli.bench.figures import Figure, latency, percentile, timed
from memory_cli.bench.memories import Filled, open_at
from memory_cli.bench.peers import stock_fts5
from memory_mcp.embeddings.minilm import MiniLmProvider
from memory_mcp.memory import Memory
from memory_mcp.models.episodes import Step, StepSuccess
from memory_mcp.models.recall import Query
from memory_mcp.storage import documents
from memory_mcp.storage.episode_store import revisions

_TIMES = 300
_QUESTIONS, _SHOWN = 100, 5


def filling(memory: Filled) -> Iterator[Figure]:
    """Say how fast episodes were stored and indexed."""
    for what, seconds in (
        ("stored in bulk", memory.stored_s),
        ("indexed: keywords and hashed vectors", memory.indexed_s),
    ):
        each_ms = seconds * 1_000 / memory.size
        yield Figure("fill", f"one episode {what}", "ms", memory.size, round(each_ms, 4), round(each_ms, 4))


def hot(memory: Filled) -> Iterator[Figure]:
    """Get an episode of fifty steps: decoded, from the shared cache, from the database."""
    with open_at(memory.home) as opened:
        episode, _ = opened.episodes.start("a hot episode")
        steps = [Step("bash", f"step {number}", result=StepSuccess("x" * 200)) for number in range(50)]
        opened.episodes.append(episode.id, steps)
        kept = opened.store.episodes.hot
        if opened.store.cache:
            opened.store.cache.open()
        opened.episodes.get(episode.id)
        decoded = [ms * 1_000 for ms in timed(lambda: opened.episodes.get(episode.id), _TIMES)]

        def cached() -> None:
            kept.forget_here(episode.id)
            opened.episodes.get(episode.id)

        whole = [ms * 1_000 for ms in timed(cached, _TIMES)]
        with opened.store.database.read() as session:
            key = documents.find_keys(session, None, [episode.id])[episode.id]
            revision = revisions(session, [key])[key][1]
            alone = [ms * 1_000 for ms in timed(lambda: kept.read(session, episode.id, revision), _TIMES)]
            plain = timed(lambda: opened.store.episodes.load_many(session, [key]), _TIMES)
        opened.episodes.delete(episode.id)
    beside = {"from SQLite p50": percentile(plain, 0.5) * 1_000}
    for what, values, reach in (
        ("50 steps, decoded in this process", decoded, 5.0),
        ("50 steps, from the shared cache", alone, 30.0),
        ("the same, with finding its revision", whole, None),
    ):
        p50, p95, p99 = (round(percentile(values, share), 2) for share in (0.5, 0.95, 0.99))
        yield Figure("get", what, "us", 0, p50, None, p95, p99, {k: round(v, 1) for k, v in beside.items()}, reach)


def growing(memory: Filled) -> Iterator[Figure]:
    """Time what must not grow with the store: adding, completing nothing, getting, listing."""
    dice = random.Random(5)  # noqa: S311 - made-up data
    with open_at(memory.home) as opened:
        ids = [row.id for row in opened.episodes.list(limit=200).episodes]
        made: list[str] = []
        add = timed(lambda: made.append(opened.episodes.start(f"grow {dice.random()}")[0].id), 100)
        step = timed(lambda: opened.episodes.append(made[0], [Step("bash", "ls")]), 100)
        fresh = iter(ids)
        get = timed(lambda: opened.episodes.get(next(fresh)), min(len(ids), 100))
        listing = timed(lambda: opened.episodes.list(limit=20), 100)
        for episode_id in made:
            opened.episodes.delete(episode_id)
    for what, values in (
        ("add an episode", add),
        ("append a step", step),
        ("get a cold episode", get),
        ("list 20", listing),
    ):
        yield latency("store", what, values, size=memory.size, held_to=0.5)


def keywords(memory: Filled) -> Iterator[Figure]:
    """Search in process, beside stock FTS5 over the same tasks."""
    with open_at(memory.home) as opened:
        rows = _all_tasks(opened)
        questions = [memory.vocabulary.title() for _ in range(_QUESTIONS)]
        opened.recall.search(Query("warm"))
        ours = [timed(lambda q=q: opened.recall.search(Query(q, limit=_SHOWN)), 1)[0] for q in questions]  # type: ignore[misc]  # bound
        with stock_fts5(rows, _SHOWN) as stock:
            peer = [timed(lambda q=q: stock(q), 1)[0] for q in questions]  # type: ignore[misc]  # as above
    beside = {"stock FTS5 p50": percentile(peer, 0.5), "stock FTS5 p95": percentile(peer, 0.95)}
    yield latency("search", "a title, in process, hashed", ours, size=memory.size, beside=beside)


def _all_tasks(opened: Memory) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    cursor = None
    while True:
        page = opened.episodes.list(limit=1_000, cursor=cursor)
        found += [(row.id, row.task) for row in page.episodes]
        cursor = page.next_cursor
        if cursor is None:
            return found


def sentence_model(model: Path | None, memory: Filled) -> Iterator[Figure]:
    """Time the sentence model."""
    if model is None:
        yield Figure("model", "sentence model", "ms", note="not installed: memory-cli model install, or --model")
        return
    provider = MiniLmProvider(model)
    yield latency("model", "load the weights", timed(provider.load, 1))
    titles = timed(lambda: provider.embed_query("Fix the flaky login test in CI", lambda _: 1.0), 50)
    yield latency("model", "one title", titles, reach=5.0, held_to=0.5)
    texts = [memory.vocabulary.long_question(512) for _ in range(200)]
    each = timed(lambda: provider.embed_documents(texts), 1)[0] / len(texts)
    yield Figure("model", "1,000 texts of 512 characters", "s", value=round(each, 2), reach=25.0, note="from 200 texts")
