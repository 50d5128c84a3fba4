"""This module measures ranking alone: ours, the bare matrix product, and whichever vector indexes are installed."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np

from memory_cli.bench.figures import Figure, latency, percentile, timed
from memory_mcp.embeddings.provider import Vector
from memory_mcp.retrieval.blocks import Block, Layout
from memory_mcp.retrieval.vectors import Part, rank

DIMENSION = 384
_ASKED, _WANTED, _TOP = 50, 200, 10
_MIDDLES, _SPREAD, _ANSWER_SPREAD = 2_000, 1.2, 0.5  # clusters as wide that a neighbour's cosine is that of real titles
_BLOCK = 16_384
_REACH = {10_000: 0.2, 100_000: 4.0, 1_000_000: 15.0}
_PEERS_UP_TO = 100_000  # building their indexes takes minutes beyond


def vectors(count: int, seed: int = 1) -> tuple[Vector, Vector]:
    """Return clustered unit vectors, shape (count, 384), and questions near some of them, shape (50, 384)."""
    dice = np.random.default_rng(seed)
    middles = dice.normal(size=(_MIDDLES, DIMENSION)).astype(np.float32)
    found = np.empty((count, DIMENSION), dtype=np.float32)
    for start in range(0, count, _BLOCK):
        size = min(_BLOCK, count - start)
        noise = dice.normal(size=(size, DIMENSION), scale=_SPREAD).astype(np.float32)
        found[start : start + size] = _unit(middles[dice.integers(0, _MIDDLES, size)] + noise)
    like = found[dice.integers(0, count, _ASKED)]
    asked = like + dice.normal(size=like.shape, scale=_ANSWER_SPREAD / DIMENSION**0.5).astype(np.float32)
    return found, _unit(asked)


def ranking(sizes: Sequence[int]) -> Iterator[Figure]:
    """Rank at every size, beside the bare product of matrix and question."""
    for size in sizes:
        stored, asked = vectors(size)
        layout = Layout(DIMENSION, in_columns=False)
        parts = [Part(block(layout, stored, start), None) for start in range(0, size, layout.most_rows)]
        truth = [set(np.argpartition(-(stored @ question), _TOP)[:_TOP].tolist()) for question in asked]
        found: list[set[int]] = []

        def ours(at: int, parts: list[Part] = parts, asked: Vector = asked, found: list[set[int]] = found) -> None:
            found.append({key - 1 for key, _ in rank(parts, asked[at], _WANTED)[:_TOP]})

        times = [timed(lambda at=at: ours(at), 1)[0] for at in range(_ASKED)]  # type: ignore[misc]  # bound at once
        product = timed(lambda stored=stored, asked=asked: stored @ asked[0], 20)  # type: ignore[misc]  # as above
        shared = sum(len(one & other) for one, other in zip(found, truth, strict=True)) / (_ASKED * _TOP)
        yield latency(
            "ranking",
            "cosine of 384 dimensions, best 200",
            times,
            size=size,
            reach=_REACH.get(size),
            held_to=0.5,
            beside={"bare product p50": percentile(product, 0.5)},
        )
        yield Figure("ranking", "recall@10 against exact", "share", size, round(shared, 4), reach=0.98, at_least=True)
        if size <= _PEERS_UP_TO:
            yield from _peers(stored, asked, truth)


def block(layout: Layout, stored: Vector, start: int) -> Block:
    """Lay out a stretch of vectors; document n is row n - 1."""
    from memory_mcp.retrieval.blocks import signs_of  # noqa: PLC0415 - beside its only use

    some = stored[start : start + layout.most_rows]
    fields = np.zeros((8, len(some)), dtype=np.int64)
    fields[0] = np.arange(start + 1, start + 1 + len(some))
    return Block(layout, some, signs_of(some), fields, np.empty((2, 0), dtype=np.int64))


def _unit(matrix: Vector) -> Vector:
    scaled: Vector = matrix / np.linalg.norm(matrix, axis=1, keepdims=True)
    return scaled


def _peers(stored: Vector, asked: Vector, truth: Sequence[set[int]]) -> Iterator[Figure]:
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
        except (RuntimeError, AttributeError, sqlite3.Error) as error:
            yield Figure("peers", what, "ms", len(stored), note=f"does not run here: {error}")
            continue
        found: list[set[int]] = []
        times = [timed(lambda q=q, b=built, f=found: f.append(b[0](q)), 1)[0] for q in asked]  # type: ignore[misc]  # bound
        shared = sum(len(one & other) for one, other in zip(found, truth, strict=True)) / (len(asked) * _TOP)
        beside = {"recall@10": shared, "index built in s": build_ms / 1_000}
        yield latency("peers", what, times, size=len(stored), beside=beside)


def _usearch(stored: Vector) -> Callable[[Vector], set[int]]:
    index: Any = import_module("usearch.index").Index(ndim=DIMENSION, metric="cos")
    index.add(np.arange(len(stored)), stored)
    return lambda question: {int(key) for key in index.search(question, _TOP).keys}


def _hnswlib(stored: Vector) -> Callable[[Vector], set[int]]:
    index: Any = import_module("hnswlib").Index(space="cosine", dim=DIMENSION)
    index.init_index(max_elements=len(stored))
    index.add_items(stored)
    return lambda question: {int(key) for key in index.knn_query(question, k=_TOP)[0][0]}


def _sqlite_vec(stored: Vector) -> Callable[[Vector], set[int]]:
    connection = sqlite3.connect(":memory:")
    connection.enable_load_extension(True)  # noqa: FBT003 - the signature is the standard library's
    import_module("sqlite_vec").load(connection)
    connection.execute(f"CREATE VIRTUAL TABLE vectors USING vec0 (vector float[{DIMENSION}])")
    rows = ((number, row.tobytes()) for number, row in enumerate(stored))
    connection.executemany("INSERT INTO vectors (rowid, vector) VALUES (?, ?)", rows)
    nearest = "SELECT rowid FROM vectors WHERE vector MATCH ? AND k = ?"
    return lambda question: {row[0] for row in connection.execute(nearest, (question.tobytes(), _TOP))}
