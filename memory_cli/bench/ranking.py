"""This module measures ranking alone: ours, the bare matrix product, and whichever vector indexes are installed."""

from collections.abc import Iterator, Sequence

import numpy as np

from memory_cli.bench import peers
from memory_cli.bench.figures import Figure, latency, percentile, timed
from memory_mcp.embeddings.provider import Vector, normalised
from memory_mcp.retrieval.blocks import Block, Layout, signs_of
from memory_mcp.retrieval.vectors import Part, rank

_ASKED, _WANTED = 50, 200
_MIDDLES, _SPREAD, _ANSWER_SPREAD = 2_000, 1.2, 0.5  # clusters as wide that a neighbour's cosine is that of real titles
_BLOCK = 16_384
_REACH = {10_000: 0.2, 100_000: 4.0, 1_000_000: 15.0}
_PEERS_UP_TO = 100_000  # building their indexes takes minutes beyond


def vectors(count: int, seed: int = 1) -> tuple[Vector, Vector]:
    """Return clustered unit vectors, shape (count, 384), and questions near some of them, shape (50, 384)."""
    dice = np.random.default_rng(seed)
    middles = dice.normal(size=(_MIDDLES, peers.DIMENSION)).astype(np.float32)
    found = np.empty((count, peers.DIMENSION), dtype=np.float32)
    for start in range(0, count, _BLOCK):
        size = min(_BLOCK, count - start)
        noise = dice.normal(size=(size, peers.DIMENSION), scale=_SPREAD).astype(np.float32)
        found[start : start + size] = normalised(middles[dice.integers(0, _MIDDLES, size)] + noise)
    like = found[dice.integers(0, count, _ASKED)]
    asked = like + dice.normal(size=like.shape, scale=_ANSWER_SPREAD / peers.DIMENSION**0.5).astype(np.float32)
    return found, normalised(asked)


def ranking(sizes: Sequence[int]) -> Iterator[Figure]:
    """Rank at every size, beside the bare product of matrix and question."""
    for size in sizes:
        stored, asked = vectors(size)
        layout = Layout(peers.DIMENSION, in_columns=False)
        parts = [Part(block(layout, stored, start), None) for start in range(0, size, layout.most_rows)]
        truth = [set(np.argpartition(-(stored @ question), peers.TOP)[: peers.TOP].tolist()) for question in asked]
        found: list[set[int]] = []

        def ours(at: int, parts: list[Part] = parts, asked: Vector = asked, found: list[set[int]] = found) -> None:
            found.append({key - 1 for key, _ in rank(parts, asked[at], _WANTED)[: peers.TOP]})

        times = [timed(lambda at=at: ours(at), 1)[0] for at in range(_ASKED)]  # type: ignore[misc]  # bound at once
        product = timed(lambda stored=stored, asked=asked: stored @ asked[0], 20)  # type: ignore[misc]  # as above
        shared = sum(len(one & other) for one, other in zip(found, truth, strict=True)) / (_ASKED * peers.TOP)
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
            yield from peers.vector_indexes(stored, asked, truth)


def block(layout: Layout, stored: Vector, start: int) -> Block:
    """Lay out a stretch of vectors; document n is row n - 1."""
    some = stored[start : start + layout.most_rows]
    fields = np.zeros((8, len(some)), dtype=np.int64)
    fields[0] = np.arange(start + 1, start + 1 + len(some))
    return Block(layout, some, signs_of(some), fields, np.empty((2, 0), dtype=np.int64))
