"""This module measures how often the right record is found, for several ways of searching, with an interval."""

import math
import random
import re
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import fmean

import msgspec
from msgspec import Struct

from memory_cli.bench.bootstrap import interval
from memory_cli.bench.figures import Figure
from memory_cli.bench.memories import open_at
from memory_cli.bench.peers import stock_fts5
from memory_mcp.config.settings import EmbeddingSettings, RecallSettings
from memory_mcp.importers.commits import Commit, read_json_lines
from memory_mcp.importers.git import episode_of
from memory_mcp.memory import Memory
from memory_mcp.models.episodes import Episode
from memory_mcp.models.recall import Query

Search = Callable[[str], Sequence[str]]
_SHOWN = 10
_BATCH = 200
_QUESTIONS = 400


class Item(Struct, frozen=True):
    """A record that is known to answer a question; a record without a question is only in the way."""

    name: str
    question: str
    episode: Episode

    @property
    def text(self) -> str:
        """What a plain text search would look at."""
        files = (str(step.parameters.get("file", "")) for step in self.episode.steps)
        return "\n".join((self.episode.task, *files))


class Score(Struct, frozen=True):
    """Recall at 1, 5 and 10, mean reciprocal rank, nDCG at 10, with 95 % bootstrap intervals of the last two cuts."""

    method: str
    questions: int
    recall_1: float
    recall_5: float
    recall_10: float
    mrr: float
    ndcg_10: float
    recall_10_interval: tuple[float, float]
    ndcg_10_interval: tuple[float, float]
    ms: float


def measure(method: str, search: Search, items: Sequence[Item]) -> Score:
    """Ask every question and score the answers."""
    ranks: list[int] = []  # 0 where it was not found
    started = time.perf_counter()
    for item in items:
        found = list(search(item.question))[:_SHOWN]
        ranks.append(found.index(item.name) + 1 if item.name in found else 0)
    each_ms = (time.perf_counter() - started) * 1_000 / len(ranks)
    gains = [1 / math.log2(1 + rank) if rank else 0.0 for rank in ranks]  # one right answer: the ideal gain is 1
    hits = [float(rank > 0) for rank in ranks]
    at_1, at_5, at_10 = (round(fmean(0 < rank <= cut for rank in ranks), 4) for cut in (1, 5, _SHOWN))
    return Score(
        method=method,
        questions=len(ranks),
        recall_1=at_1,
        recall_5=at_5,
        recall_10=at_10,
        mrr=round(fmean(1 / rank if rank else 0.0 for rank in ranks), 4),
        ndcg_10=round(fmean(gains), 4),
        recall_10_interval=interval(hits),
        ndcg_10_interval=interval(gains),
        ms=round(each_ms, 2),
    )


def grep(items: Sequence[Item]) -> Search:
    """Rank by how many of the question's words stand in the record as substrings, newest first among equals."""
    texts = [(item.name, item.text.lower()) for item in reversed(items)]

    def search(question: str) -> Sequence[str]:
        terms = set(re.findall(r"\w+", question.lower()))
        scored = [(sum(term in text for term in terms), name) for name, text in texts]
        return [name for count, name in sorted(scored, key=lambda pair: -pair[0])[:_SHOWN] if count]

    return search


@contextmanager
def stored(items: Sequence[Item], provider: str, model: Path | None = None) -> Iterator["Stored"]:
    """Put the records into a scratch memory of our own, with the vectors of a provider."""
    with tempfile.TemporaryDirectory(prefix="memory-mcp-recall-") as home:
        embeddings = msgspec.convert({"provider": provider, "model_directory": str(model or "")}, EmbeddingSettings)
        found = Stored(Path(home), embeddings, {})
        with found.opened(RecallSettings()) as memory:
            for start in range(0, len(items), _BATCH):
                batch = items[start : start + _BATCH]
                receipts = memory.episodes.record([item.episode for item in batch])
                found.names.update({receipt.id: item.name for receipt, item in zip(receipts, batch, strict=True)})
            memory.recall.search(Query("warm"), patience_s=float("inf"))
        yield found


class Stored(Struct, frozen=True):
    """A scratch memory, and which record each of its episodes is."""

    home: Path
    embeddings: EmbeddingSettings
    names: dict[str, str]

    def opened(self, recall: RecallSettings) -> Memory:
        """Open it with settings of recall."""
        return open_at(self.home, self.embeddings, recall)

    @contextmanager
    def searching(self, recall: RecallSettings) -> Iterator[Search]:
        """Search with the product itself, floor included."""
        with self.opened(recall) as memory:

            def search(question: str) -> Sequence[str]:
                return [self.names[hit.id] for hit in memory.recall.search(Query(question, limit=_SHOWN)).hits]

            yield search


KEYWORDS_ALONE = RecallSettings(vector_weight=0.0)
VECTORS_ALONE = RecallSettings(keyword_weight=0.0)


def known_item(items: Sequence[Item], asked: Sequence[Item], model: Path | None) -> Iterator[Score]:
    """Score grep, stock FTS5, and ours: keywords alone, vectors alone, whole; with hashed and sentence vectors."""
    yield measure("grep", grep(items), asked)
    yield _stock(items, asked)
    with stored(items, "none") as keywords, keywords.searching(RecallSettings()) as search:
        yield measure("ours, keywords", search, asked)
    for provider, name in (("hash", "hashed"), ("minilm", "sentence model")):
        if provider == "minilm" and model is None:
            continue
        with stored(items, provider, model) as whole:
            for how, settings in (("vectors alone", VECTORS_ALONE), ("whole", RecallSettings())):
                with whole.searching(settings) as search:
                    yield measure(f"ours, {name}, {how}", search, asked)


def item_of(commit: Commit) -> Item:
    """Ask for a commit by its subject, which its record lacks."""
    episode = msgspec.structs.replace(episode_of(commit), task=commit.body or "(no body)", outcome=None)
    return Item(commit.commit, commit.subject if commit.body else "", episode)


def beside_fts5(data: Path | None, model: Path | None) -> Iterator[Figure]:
    """Compare recall with stock FTS5 on every commit log of a directory."""
    logs = sorted((data / "git").glob("*.jsonl.gz")) if data else []
    if not logs:
        yield Figure(
            "recall", "recall@10, times stock FTS5", "x", note="give --data with commit logs in git/*.jsonl.gz"
        )
    for log in logs:
        items = [item_of(commit) for commit in read_json_lines(log)]
        asked = [item for item in items if item.question]
        asked = random.Random(7).sample(asked, min(_QUESTIONS, len(asked)))  # noqa: S311 - a fixed sample
        stock = _stock(items, asked)
        for provider, name, reach in (("hash", "hashed", 1.1), ("minilm", "sentence model", 1.2)):
            if provider == "minilm" and model is None:
                continue
            with stored(items, provider, model) as whole, whole.searching(RecallSettings()) as search:
                score = measure(name, search, asked)
            low, high = score.recall_10_interval
            beside = {"recall@10": score.recall_10, "from": low, "to": high}
            ratio = round(score.recall_10 / stock.recall_10, 2)
            what = f"{log.name.partition('.')[0]}: ours, {name}, whole, recall@10 times FTS5"
            yield Figure("recall", what, "x", len(items), ratio, beside=beside, reach=reach, at_least=True)


def _stock(items: Sequence[Item], asked: Sequence[Item]) -> Score:
    with stock_fts5([(item.name, item.text) for item in items], _SHOWN) as search:
        return measure("stock FTS5", search, asked)
