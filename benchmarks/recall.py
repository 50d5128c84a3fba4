"""Known-item search over real commit logs: how often does each method find the commit that a subject belongs to.

The query is a commit's subject; its document holds the body and the touched files, never the subject. Every commit is a
document, those with a body are asked for. Constants were chosen on `llm` and `sqlite-utils`; `click` is only reported.
After the table stands what every shortcut taken for speed costs, each switched off by itself or made to bite.

    python benchmarks/recall.py [--data ../shared/data/git] [--model DIRECTORY] [--projects llm,sqlite-utils,click]
"""

import argparse
import random
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from memory_cli.bench.quality import Item, Score, item_of, known_item, measure, stored
from memory_mcp.config.settings import RecallSettings
from memory_mcp.embeddings.minilm import MiniLmProvider
from memory_mcp.embeddings.provider import Vector, normalised
from memory_mcp.importers.commits import Commit, read_json_lines
from memory_mcp.retrieval import terms
from memory_mcp.retrieval.blocks import Signs, signs_of


def main() -> None:
    """Print one table per project."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/git"))
    parser.add_argument("--model", type=Path, help="directory of all-MiniLM-L6-v2; left out without it")
    parser.add_argument("--projects", default="llm,sqlite-utils,click")
    parser.add_argument("--queries", type=int, default=400, help="a fixed random sample of this size, 0 for all")
    parser.add_argument("--shortcuts", action="store_true", help="measure the shortcuts alone")
    chosen = parser.parse_args()
    for project in chosen.projects.split(","):
        file = chosen.data / f"{project}.jsonl.gz"
        if not file.is_file():
            sys.exit(f"{file} is absent; give --data")
        report(project, list(read_json_lines(file)), chosen.model, chosen.queries, shortcuts_alone=chosen.shortcuts)


def report(project: str, commits: Sequence[Commit], model: Path | None, sample: int, *, shortcuts_alone: bool) -> None:
    """Measure every method on one project."""
    items = [item_of(commit) for commit in commits]
    asked = [each for each in items if each.question]
    if sample and len(asked) > sample:
        asked = random.Random(7).sample(asked, sample)
    print(f"\n{project}: {len(items)} documents, {len(asked)} queries")
    heads = {"method": -44, "R@1": 7, "R@5": 7, "R@10": 7, "95 % of R@10": 16, "MRR": 7, "nDCG": 7, "95 % of nDCG": 16}
    print("".join(f"{head:{'<' if width < 0 else '>'}{abs(width)}}" for head, width in heads.items()) + f"{'ms':>7}")
    baseline = 0.0
    for score in () if shortcuts_alone else known_item(items, asked, model):
        show(score)
        if score.method == "stock FTS5":
            baseline = score.recall_10
        elif score.method.startswith("ours") and baseline:
            print(f"{'':<44}R@10 is {score.recall_10 / baseline:.2f} x stock FTS5")
    for score in shortcuts(items, asked):
        show(score)
    if model is not None:
        by_signs(items, asked, MiniLmProvider(model))


def show(score: Score) -> None:
    """Print one row."""
    recalls = "".join(f"{value:7.3f}" for value in (score.recall_1, score.recall_5, score.recall_10))
    spans = [f"{low:.3f} to {high:.3f}" for low, high in (score.recall_10_interval, score.ndcg_10_interval)]
    print(f"{score.method:<44}{recalls}{spans[0]:>16}{score.mrr:7.3f}{score.ndcg_10:7.3f}{spans[1]:>16}{score.ms:7.1f}")


def shortcuts(items: Sequence[Item], asked: Sequence[Item]) -> Iterator[Score]:
    """Search with hashed vectors whole, and with each shortcut at work although so small a store does not need it."""
    with stored(items, "hash") as memory:
        for name, settings, share in (
            ("no shortcut", RecallSettings(matrix_documents=10_000_000), 1e9),
            ("hashed vectors of keyword matches alone", RecallSettings(matrix_documents=0), 1e9),
            ("rarest words until a fifth of the records match", RecallSettings(matrix_documents=10_000_000), 0.2),
            ("both", RecallSettings(matrix_documents=0), 0.2),
        ):
            kept = terms.MATCHED_SHARE, terms.LEAST_MATCHES, terms.MOST_MATCHES
            terms.MATCHED_SHARE, terms.LEAST_MATCHES = share, 0
            terms.MOST_MATCHES = 10**9
            with memory.searching(settings) as search:
                yield measure(f"shortcut: {name}", search, asked)
            terms.MATCHED_SHARE, terms.LEAST_MATCHES, terms.MOST_MATCHES = kept


def by_signs(items: Sequence[Item], asked: Sequence[Item], provider: MiniLmProvider) -> None:
    """Say how many of the nearest by sign must be scored exactly to find nearly all of the exact best ten."""
    real = provider.embed_documents([each.text[:1_000] for each in items])
    questions = provider.embed_documents([each.question for each in asked[:100]])
    print("signs first: of the nearest by sign, so many hold a share of the exact best ten")
    many = ((mixed(real, count), " mixed from real ones") for count in (100_000, 1_000_000))
    for found, how in (*((real[: len(real) // part], "") for part in (4, 2, 1)), *many):
        signs = signs_of(found)
        needed = np.sort(np.concatenate([places(found, signs, question) for question in questions[:50]])) + 1
        shares = {share: needed[int(len(needed) * share) - 1] for share in (0.95, 0.98, 0.99)}
        told = ", ".join(f"{share:.0%} within {count:,}" for share, count in shares.items())
        print(f"  {len(found):>9,} vectors{how}: {told}")


def mixed(real: Vector, count: int) -> Vector:
    """Return unit vectors between two random real ones each, so that neighbourhoods are as dense as real ones."""
    dice = np.random.default_rng(1)
    made = np.empty((count, real.shape[1]), dtype=np.float32)
    for start in range(0, count, 16_384):
        size = min(16_384, count - start)
        share = dice.uniform(0.1, 0.9, size=(size, 1)).astype(np.float32)
        one, other = real[dice.integers(0, len(real), size)], real[dice.integers(0, len(real), size)]
        made[start : start + size] = normalised(share * one + (1 - share) * other)
    return made


def places(found: Vector, signs: Signs, question: Vector) -> NDArray[np.int64]:
    """Return which places the exact best ten have in the order by Hamming distance of signs."""
    distances = np.bitwise_count(signs ^ signs_of(question[np.newaxis])).sum(axis=0)
    best = np.argpartition(-(found @ question), 10)[:10]
    nearer = [np.count_nonzero(distances < distances[each]) for each in best]
    return np.array(nearer, dtype=np.int64)


if __name__ == "__main__":
    main()
