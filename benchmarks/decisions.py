"""This script measures how much of each decision stands in the passages that are extracted from its source.

Run it as `python benchmarks/decisions.py`; it reads ../shared/data and prints the table of docs/telling.md. The seven
names below were tuned on, the others are reported.
"""

import gzip
import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from memory_mcp.telling.deciding import deciding_passages
from memory_mcp.telling.talks import Said, settled

DATA = Path(__file__).parent.parent.parent / "shared" / "data"
TUNED = frozenset(("budget", "csvquote", "dedupe", "discount", "drainplan", "hostallow", "listmerge"))
STOP = frozenset((
    *("a", "an", "the", "and", "or", "of", "to", "in", "on", "at", "for", "with", "by", "is", "are", "be", "was", "it"),
    *("its", "as", "that", "this", "not", "no", "only", "from", "into", "then"),
))  # fmt: skip
TOKEN = 4  # characters


def main() -> None:
    """Print shares, passages and tokens by kind of source, then what the histories hold."""
    if not DATA.is_dir():
        sys.exit(f"{DATA} is not there")
    with gzip.open(DATA / "decisions" / "decisions.jsonl.gz", "rt", encoding="utf-8") as lines:
        tasks = [json.loads(line) for line in lines]
    print("source                 names     tasks  share  passages  tokens  of source")
    for source in ("history", "conversation", "conversation-amended"):
        for label, chosen in (("tuned", True), ("reported", False)):
            rows = [measured(each) for each in tasks if each["source"] == source and (each["name"] in TUNED) == chosen]
            share, passages, tokens, whole = (fmean(column) for column in zip(*rows, strict=True))
            told = f"{share:.3f}  {passages:8.1f}  {tokens:6.0f}  {whole:9.0f}"
            print(f"{source:22} {label:9} {len(rows):5}  {told}")
    for name in ("click", "llm", "sqlite-utils"):
        with gzip.open(DATA / "git" / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
            commits = [json.loads(line) for line in lines]
        found = [len(deciding_passages(each["body"], each["subject"])) for each in commits]
        print(f"{name}: {sum(map(bool, found))} of {len(commits)} commits decide something, in {sum(found)} passages")


def measured(task: dict[str, Any]) -> tuple[float, float, float, float]:
    """Return the share of the decision's words, the passages, their tokens and those of the source."""
    if task["source"] == "history":
        whole = f"{task['commit_subject']}\n{task['commit_body']}"
        passages = [each.text for each in deciding_passages(task["commit_body"], task["commit_subject"])]
    else:
        talk = task["conversations"][-1]
        whole = "\n".join(turn["text"] for turn in talk)
        passages = [each.text for each in settled([Said(turn["role"], turn["text"]) for turn in talk])]
    wanted = words([task["decision"]]) & words([whole])
    share = len(wanted & words(passages)) / max(len(wanted), 1)
    return share, len(passages), sum(map(len, passages)) / TOKEN, len(whole) / TOKEN


def words(texts: Sequence[str]) -> set[str]:
    """Return the content words of texts."""
    found = re.findall(r"[a-z0-9_]{2,}", " ".join(texts).lower())
    return {word for word in found if word not in STOP}


if __name__ == "__main__":
    main()
