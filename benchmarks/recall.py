"""Known-item search over real commit logs: how often does each method find the commit that a subject belongs to.

The query is a commit's subject; its document holds the body and the touched files, never the subject. Every commit is a
document, those with a body are asked for. Constants were chosen on `llm` and `sqlite-utils`; `click` is only reported.

    python benchmarks/recall.py [--data ../shared/data/git] [--model DIRECTORY] [--projects llm,sqlite-utils,click]
"""

import argparse
import random
import re
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import msgspec

from memory_mcp.config.places import places
from memory_mcp.config.settings import EmbeddingSettings, Settings, StoreSettings
from memory_mcp.importers.commits import Commit, read_json_lines
from memory_mcp.importers.git import episode_of
from memory_mcp.memory import Memory
from memory_mcp.models.recall import Query

Search = Callable[[str], Sequence[str]]
CUTS = (1, 5, 10)


def main() -> None:
    """Print one table per project."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/git"))
    parser.add_argument("--model", type=Path, help="directory of all-MiniLM-L6-v2; left out without it")
    parser.add_argument("--projects", default="llm,sqlite-utils,click")
    parser.add_argument("--queries", type=int, default=400, help="a fixed random sample of this size, 0 for all")
    chosen = parser.parse_args()
    for project in chosen.projects.split(","):
        file = chosen.data / f"{project}.jsonl.gz"
        if not file.is_file():
            sys.exit(f"{file} is absent; give --data")
        report(project, list(read_json_lines(file)), chosen.model, chosen.queries)


def report(project: str, commits: Sequence[Commit], model: Path | None, sample: int) -> None:
    """Measure every method on one project."""
    asked = [commit for commit in commits if commit.body]
    if sample and len(asked) > sample:
        asked = random.Random(7).sample(asked, sample)
    print(f"\n{project}: {len(commits)} documents, {len(asked)} queries")
    print(f"{'method':<28}{'R@1':>7}{'R@5':>7}{'R@10':>7}{'MRR':>7}{'ms/query':>10}")
    measure("grep", grep(commits), asked)
    baseline = measure("stock FTS5", stock_fts5(commits), asked)
    for provider in ("none", "hash", *(("minilm",) if model else ())):
        with tempfile.TemporaryDirectory() as home:
            found = measure(f"ours, {provider}", ours(commits, provider, Path(home), model), asked)
            print(f"{'':<28}R@10 is {found / baseline:.2f} x stock FTS5")


def measure(name: str, search: Search, asked: Iterable[Commit]) -> float:
    """Print one row and return recall@10."""
    ranks: list[int | None] = []
    started = time.perf_counter()
    for commit in asked:
        found = list(search(commit.subject))
        ranks.append(found.index(commit.commit) + 1 if commit.commit in found else None)
    each_ms = (time.perf_counter() - started) * 1_000 / len(ranks)
    recalls = [sum(rank is not None and rank <= cut for rank in ranks) / len(ranks) for cut in CUTS]
    mrr = sum(1 / rank for rank in ranks if rank) / len(ranks)
    print(f"{name:<28}" + "".join(f"{value:7.3f}" for value in (*recalls, mrr)) + f"{each_ms:10.1f}")
    return recalls[-1]


def document(commit: Commit) -> str:
    """Return body and files."""
    return "\n".join((commit.body, *(change.path for change in commit.files)))


def grep(commits: Sequence[Commit]) -> Search:
    """Rank by how many of the query's words stand in the document as substrings, newest first among equals."""
    texts = [(commit.commit, document(commit).lower()) for commit in reversed(commits)]

    def search(query: str) -> Sequence[str]:
        terms = set(re.findall(r"\w+", query.lower()))
        scored = [(sum(term in text for term in terms), name) for name, text in texts]
        return [name for count, name in sorted(scored, key=lambda pair: -pair[0])[:10] if count]

    return search


def stock_fts5(commits: Sequence[Commit]) -> Search:
    """Rank by bm25 of FTS5 as it comes: unicode61, all words joined by OR."""
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE VIRTUAL TABLE documents USING fts5 (name UNINDEXED, text)")
    connection.executemany("INSERT INTO documents VALUES (?, ?)", [(each.commit, document(each)) for each in commits])

    def search(query: str) -> Sequence[str]:
        match = " OR ".join(f'"{term}"' for term in re.findall(r"\w+", query)) or '""'
        rows = connection.execute(
            "SELECT name FROM documents WHERE documents MATCH ? ORDER BY bm25(documents) LIMIT 10", (match,)
        )
        return [row[0] for row in rows]

    return search


def ours(commits: Sequence[Commit], provider: str, home: Path, model: Path | None) -> Search:
    """Search with the product itself, floor included."""
    embeddings = msgspec.convert({"provider": provider, "model_directory": str(model or "")}, EmbeddingSettings)
    settings = Settings(store=StoreSettings(home=str(home)), embeddings=embeddings)
    memory = Memory(settings, places(settings, settings_file=home / "none"), "benchmark", actor="benchmark")
    episodes = [
        msgspec.structs.replace(episode_of(commit), task=commit.body or "(no body)", outcome=None) for commit in commits
    ]
    names: dict[str, str] = {}
    for start in range(0, len(episodes), 200):
        receipts = memory.episodes.record(episodes[start : start + 200])
        names |= {
            receipt.id: commit.commit for receipt, commit in zip(receipts, commits[start : start + 200], strict=True)
        }
    memory.recall.search(Query("warm"), patience_s=float("inf"))

    def search(query: str) -> Sequence[str]:
        return [names[hit.id] for hit in memory.recall.search(Query(query, limit=10)).hits]

    return search


if __name__ == "__main__":
    main()
