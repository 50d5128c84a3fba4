"""This module asks others the same: stock full-text search, and whichever vector indexes are installed."""

import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import apsw
import numpy as np

from memory_cli.bench.figures import Figure, latency, timed
from memory_mcp.embeddings.provider import Vector

DIMENSION = 384
TOP = 10


@contextmanager
def stock_fts5(texts: Iterable[tuple[str, str]], limit: int) -> Iterator[Callable[[str], Sequence[str]]]:
    """Rank named texts by bm25 of FTS5 as it comes: unicode61, all words joined by OR."""
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE VIRTUAL TABLE documents USING fts5 (name UNINDEXED, text)")
        connection.executemany("INSERT INTO documents VALUES (?, ?)", texts)

        def search(question: str) -> Sequence[str]:
            match = " OR ".join(f'"{term}"' for term in re.findall(r"\w+", question)) or '""'
            rows = connection.execute(
                "SELECT name FROM documents WHERE documents MATCH ? ORDER BY bm25(documents) LIMIT ?", (match, limit)
            ).fetchall()
            return [row[0] for row in rows]

        yield search


def raw_commits(path: Path, times: int) -> list[float]:
    """Time commits of 500 characters to a plain SQLite file with the settings of ours, in milliseconds."""
    with closing(sqlite3.connect(path, isolation_level=None)) as raw:
        raw.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; CREATE TABLE steps (text)")
        return timed(lambda: raw.execute("INSERT INTO steps VALUES (?)", ("x" * 500,)).fetchall(), times)


def vector_indexes(stored: Vector, asked: Vector, truth: Sequence[set[int]]) -> Iterator[Figure]:
    """Ask the same of other indexes, with their default settings."""
    for name, module, make in (
        ("usearch", "usearch", _usearch),
        ("hnswlib", "hnswlib", _hnswlib),
        ("sqlite-vec", "sqlite_vec", _sqlite_vec),
    ):
        what = f"{name}, best 10"
        if find_spec(module) is None:
            yield Figure("peers", what, "ms", len(stored), note=f"not installed: pip install {name}")
            continue
        built: list[Callable[[Vector], set[int]]] = []
        try:
            build_ms = timed(lambda make=make, built=built: built.append(make(stored)), 1)[0]  # type: ignore[misc]  # bound
        except (RuntimeError, apsw.Error) as error:
            yield Figure("peers", what, "ms", len(stored), note=f"does not run here: {error}")
            continue
        found: list[set[int]] = []
        times = [timed(lambda q=q, b=built, f=found: f.append(b[0](q)), 1)[0] for q in asked]  # type: ignore[misc]  # bound
        shared = sum(len(one & other) for one, other in zip(found, truth, strict=True)) / (len(asked) * TOP)
        beside = {"recall@10": shared, "index built in s": build_ms / 1_000}
        yield latency("peers", what, times, size=len(stored), beside=beside)


def _usearch(stored: Vector) -> Callable[[Vector], set[int]]:
    index: Any = import_module("usearch.index").Index(ndim=DIMENSION, metric="cos")
    index.add(np.arange(len(stored)), stored)
    return lambda question: {int(key) for key in index.search(question, TOP).keys}


def _hnswlib(stored: Vector) -> Callable[[Vector], set[int]]:
    index: Any = import_module("hnswlib").Index(space="cosine", dim=DIMENSION)
    index.init_index(max_elements=len(stored))
    index.add_items(stored)
    return lambda question: {int(key) for key in index.knn_query(question, k=TOP)[0][0]}


def _sqlite_vec(stored: Vector) -> Callable[[Vector], set[int]]:
    connection = apsw.Connection(":memory:")  # the standard library's is often built without extensions
    connection.enable_load_extension(True)  # noqa: FBT003 - the signature is apsw's
    connection.load_extension(import_module("sqlite_vec").loadable_path())
    connection.execute(f"CREATE VIRTUAL TABLE vectors USING vec0 (vector float[{DIMENSION}])")
    rows = ((number, row.tobytes()) for number, row in enumerate(stored))
    with connection:
        connection.executemany("INSERT INTO vectors (rowid, vector) VALUES (?, ?)", rows)
    nearest = "SELECT rowid FROM vectors WHERE vector MATCH ? AND k = ?"
    return lambda question: {
        int(str(row[0])) for row in connection.execute(nearest, (question.tobytes(), TOP)).fetchall()
    }
