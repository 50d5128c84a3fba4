"""From which similarity two errors are one pattern, and two tasks one task.

    python benchmarks/merging.py [--data DIRECTORY]

Errors: groups of messages as tools really write them; within a group the same mistake with other names, between groups
another mistake. Tasks: pairs of commit subjects of three projects (--data), shown by bands, for a person to judge.
"""

import argparse
import itertools
import random
from collections.abc import Iterator
from pathlib import Path

from memory_mcp.actions.signatures import signature
from memory_mcp.importers.commits import read_json_lines
from memory_mcp.learning.near_duplicates import NEAR, repeats
from memory_mcp.models.patterns import ErrorRecovery
from memory_mcp.patterns.merging import SIMILAR, similarity

SAME_ERRORS = (
    (
        "ModuleNotFoundError: No module named 'yaml'",
        "ModuleNotFoundError: No module named 'yaml'; 'yaml' is not a package",
    ),
    ("ModuleNotFoundError: No module named 'numpy.core.multiarray'",),
    ("ImportError: cannot import name 'Mapping' from 'collections' (/usr/lib/python3.11/collections/__init__.py)",),
    ("ImportError: attempted relative import with no known parent package",),
    (
        "TypeError: run() missing 1 required positional argument: 'context'",
        "TypeError: run() missing 2 required positional arguments: 'context'",
    ),
    ("TypeError: run() got an unexpected keyword argument 'context'",),
    ("TypeError: 'NoneType' object is not subscriptable",),
    ("TypeError: 'NoneType' object is not iterable",),
    ("TypeError: 'NoneType' object is not callable",),
    ("AttributeError: 'NoneType' object has no attribute 'strip'",),
    ("AttributeError: 'Session' object has no attribute 'strip'",),
    ("KeyError: 'user'",),
    ("KeyError: 'name'",),
    (
        "sqlite3.OperationalError: database is locked",
        "sqlite3.OperationalError: database is locked (5)",
    ),
    ("sqlite3.OperationalError: no such table: users",),
    ("sqlite3.OperationalError: no such column: users.mail",),
    (
        "fatal: unable to access 'https://example.org/a.git/': Could not resolve host: example.org",
        "fatal: unable to access 'https://example.net/b/c.git/': Could not resolve host: example.net",
    ),
    ("fatal: unable to access 'https://example.org/a.git/': The requested URL returned error: 403",),
    (
        "error: failed to push some refs to 'github.com:a/b.git'",
        "error: failed to push some refs to 'https://github.com/a/b.git'",
    ),
    ("error: pathspec 'main' did not match any file(s) known to git",),
    (
        "error[E0382]: borrow of moved value: `config` at src/main.rs:41:9",
        "error[E0382]: borrow of moved value: `config` at src/lib.rs:7:20",
    ),
    ("error[E0499]: cannot borrow `config` as mutable more than once at a time",),
    (
        "src/app.ts(4,7): error TS2322: Type 'string' is not assignable to type 'number'.",
        "src/api/users.ts(104,17): error TS2322: Type 'string' is not assignable to type 'number'.",
    ),
    ("src/app.ts(9,1): error TS2304: Cannot find name 'describe'.",),
    (
        'psycopg2.OperationalError: connection to server at "10.0.0.7", port 5432 failed: Connection refused',
        'psycopg2.OperationalError: connection to server at "db-2" (10.0.0.9), port 5433 failed: Connection refused',
    ),
    ('psycopg2.OperationalError: connection to server at "10.0.0.7", port 5432 failed: FATAL:  no such user',),
    (
        'npm ERR! Missing script: "build" in /home/a/x on 2024-01-02T10:11:12',
        'npm ERR! Missing script: "build" in /srv/y on 2025-03-04T01:02:03',
    ),
    ("npm ERR! code ERESOLVE unable to resolve dependency tree",),
    (
        "AssertionError: expected 200 but the answer of /api/users was 500 after 3 tries",
        "AssertionError: expected 201 but the answer of /api/orders/7 was 500 after 1 tries",
    ),
    ("AssertionError: expected a redirect but the answer had no location header",),
    (
        "OSError: [Errno 28] No space left on device: '/var/lib/app/cache/0041.bin'",
        "OSError: [Errno 28] No space left on device: '/tmp/x'",
    ),
    ("OSError: [Errno 24] Too many open files: '/var/lib/app/cache/0041.bin'",),
)  # fmt: skip
BANDS = (1.0, 0.95, 0.9, 0.85, 0.8, 0.75, 0.7, 0.6)
ROOT = Path(__file__).parent.parent


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data" / "git")
    chosen = parser.parse_args()
    errors()
    tasks(chosen.data)


def errors() -> None:
    """Count pairs joined rightly and wrongly at each threshold."""
    messages = [(number, message) for number, group in enumerate(SAME_ERRORS) for message in group]
    pairs = [
        (one[0] == other[0], similarity(ErrorRecovery(signature(one[1])), ErrorRecovery(signature(other[1]))))
        for one, other in itertools.combinations(messages, 2)
    ]
    same = sum(is_same for is_same, _ in pairs)
    print(
        f"errors: {len(messages)} messages, {same} pairs of one error, {len(pairs) - same} of two (in use: {SIMILAR})"
    )
    print("threshold   joined rightly   joined wrongly")
    for threshold in BANDS:
        right = sum(is_same and score >= threshold for is_same, score in pairs)
        wrong = sum(not is_same and score >= threshold for is_same, score in pairs)
        print(f"{threshold:>9} {right:>10} of {same:<3} {wrong:>14}")


def tasks(data: Path) -> None:
    """Show pairs of real commit subjects by the similarity of their words."""
    subjects = sorted({commit.subject for file in sorted(data.glob("*.jsonl.gz")) for commit in read_json_lines(file)})
    found: dict[float, list[tuple[str, str]]] = {band: [] for band in BANDS}
    for one, other in alike(subjects):
        score = repeats(one, other)
        band = next((band for band in BANDS if score >= band), None)
        if band is not None:
            found[band].append((one, other))
    print(f"\ntasks: {len(subjects)} distinct commit subjects (in use: {NEAR})")
    for band, pairs in found.items():
        print(f"from {band}: {len(pairs)} pairs")
        for one, other in random.Random(1).sample(pairs, min(4, len(pairs))):
            print(f"    {one[:70]!r} / {other[:70]!r}")


def alike(subjects: list[str]) -> Iterator[tuple[str, str]]:
    """Yield pairs of subjects that share their two longest words, so that not every pair must be compared."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for subject in subjects:
        longest = sorted(set(subject.lower().split()), key=lambda word: (-len(word), word))[:2]
        groups.setdefault(tuple(longest), []).append(subject)
    for group in groups.values():
        yield from itertools.combinations(group, 2)


if __name__ == "__main__":
    main()
