"""Known-item search over real commit logs: how often does each method find the commit that a subject belongs to.

The query is a commit's subject; its document holds the body and the touched files, never the subject. Every commit is a
document, those with a body are asked for. Constants were chosen on `llm` and `sqlite-utils`; `click` is only reported.
After the table stands what every shortcut taken for speed costs, each switched off by itself or made to bite.
`--prompts` asks the same questions wrapped as people send them; `--silence` asks other projects' questions too, and
prints what each floor keeps and silences; `--repeats` stores three runs of each task, of which the second succeeded.

    python benchmarks/recall.py [--data ../shared/data/git] [--model DIRECTORY] [--projects llm,sqlite-utils,click]
"""

import argparse
import random
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from memory_cli.bench.peers import stock_fts5
from memory_cli.bench.quality import Item, Score, item_of, known_item, measure, stored
from memory_cli.bench.wrapped import Wrapped, repeated, silence, wrapped
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
    parser.add_argument("--prompts", action="store_true", help="ask wrapped questions, and nothing else")
    parser.add_argument("--silence", action="store_true", help="ask the other projects' questions, and nothing else")
    parser.add_argument("--repeats", action="store_true", help="store each task three times, and nothing else")
    chosen = parser.parse_args()
    projects = chosen.projects.split(",")
    for project in projects:
        file = chosen.data / f"{project}.jsonl.gz"
        if not file.is_file():
            sys.exit(f"{file} is absent; give --data")
    logs = {project: list(read_json_lines(chosen.data / f"{project}.jsonl.gz")) for project in projects}
    for project, commits in logs.items():
        if not (chosen.prompts or chosen.silence or chosen.repeats):
            report(project, commits, chosen.model, chosen.queries, shortcuts_alone=chosen.shortcuts)
            continue
        items = [item_of(commit) for commit in commits]
        others = [item_of(commit) for other, theirs in logs.items() if other != project for commit in theirs]
        if chosen.prompts:
            prompts(project, items, chosen.model, chosen.queries)
        if chosen.silence:
            floors(project, items, others, chosen.model, chosen.queries)
        if chosen.repeats:
            runs(project, items, chosen.queries)


def sample_of(items: Sequence[Item], sample: int) -> list[Item]:
    """Return the records that are asked for: a fixed random sample, or all."""
    asked = [each for each in items if each.question]
    return random.Random(7).sample(asked, sample) if sample and len(asked) > sample else asked


def prompts(project: str, items: Sequence[Item], model: Path | None, sample: int) -> None:
    """Print what every wrapping leaves of recall, for stock FTS5 and for ours."""
    asked = sample_of(items, sample)
    with stock_fts5([(item.name, item.text) for item in items], 10) as search:
        show_wrapped(project, "stock FTS5", list(wrapped(search, asked)))
    for provider in ("hash", "minilm") if model else ("hash",):
        with stored(items, provider, model) as whole, whole.searching(RecallSettings()) as search:
            show_wrapped(project, provider, list(wrapped(search, asked)))


def show_wrapped(project: str, method: str, rows: Sequence[Wrapped]) -> None:
    """Print one table."""
    print(f"\n{project}, {method}, {rows[0].questions} questions")
    print(f"{'asked as':<30}{'R@10':>7}{'of bare':>9}{'difference, 95 %':>26}{'CPU ms':>8}")
    for row in rows:
        low, high = row.difference_interval
        told = f"{row.difference:+.3f} ({low:+.3f} to {high:+.3f})"
        print(f"{row.name:<30}{row.recall_10:7.3f}{row.share_of_bare:9.2f}{told:>26}{row.ms:8.1f}")


def floors(project: str, items: Sequence[Item], others: Sequence[Item], model: Path | None, sample: int) -> None:
    """Print how many foreign questions each floor silences, and how many true hits it keeps."""
    foreign = [item.question for item in sample_of(others, sample)]
    for provider in ("hash", "minilm") if model else ("hash",):
        with stored(items, provider, model) as whole:
            print(f"\n{project}, {provider}, {len(items)} records, {len(foreign)} foreign questions")
            print(f"{'floor':>6}{'silent':>8}{'kept':>7}{'95 %':>18}")
            for row in silence(whole, sample_of(items, sample), foreign):
                low, high = row.kept_interval
                print(f"{row.floor:6.2f}{row.silent:8.3f}{row.kept:7.3f}{f'{low:.3f} to {high:.3f}':>18}")


def runs(project: str, items: Sequence[Item], sample: int) -> None:
    """Print how often the run that succeeded is what is shown of a task that was tried three times."""
    made = list(repeated(sample_of(items, sample), 3))
    right = {item.name for item, succeeded in made if succeeded}
    with stored([item for item, _ in made], "hash") as whole, whole.searching(RecallSettings()) as search:
        asked = sample_of(items, sample)
        found = [[name for name in search(item.question) if name.split()[0] == item.name] for item in asked]
    shown = [names[0] for names in found if names]
    share = sum(name in right for name in shown) / max(len(shown), 1)
    print(f"\n{project}: {len(shown)} of {len(asked)} tasks found, by the run that succeeded {share:.3f} of them")


def report(project: str, commits: Sequence[Commit], model: Path | None, sample: int, *, shortcuts_alone: bool) -> None:
    """Measure every method on one project."""
    items = [item_of(commit) for commit in commits]
    asked = sample_of(items, sample)
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
