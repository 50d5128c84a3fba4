"""This module ranks documents by cosine: exactly while they are few, else by the signs first and exactly after that."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from memory_mcp.embeddings.provider import Vector
from memory_mcp.errors import IndexDamagedError
from memory_mcp.retrieval.blocks import STORED_TYPE, Block, Mask, Positions, Signs, ascending, signs_of

# From here on signs go first. 384 dimensions, p50 of both ways on 2 cores (docs/performance.md): 0.6 and 0.4 ms at
# 16,384 vectors, 1.9 and 0.5 ms at 32,768, 6.2 and 1.2 ms at 100,000.
SIGNS_FROM = 16_384
# So many of the nearest by sign are scored exactly. Of the exact best ten for commit subjects among commits, 98 % stood
# within the nearest 67, 69, 91 and 87 of 700, 1,400, 2,800 and 5,773 vectors of the sentence model: the number hardly
# grows with the store. More are taken for the best 200 that a search fuses.
RESCORED = 2_000
_CLOSED = np.uint16(0xFFFF)  # the distance of a row that may not be found
_SAMPLED = 16  # one score in so many
_AT_ONCE = 65_536  # rows whose scratch arrays stay in the processor's cache


class Part(NamedTuple):
    """A block and which of its rows may be found; None means all."""

    block: Block
    found: Mask | None


def cosines(rows: Sequence[tuple[int, bytes]], query: Vector) -> dict[int, float]:
    """Return the cosine of the best chunk of each document, read from the store for this once.

    Raises:
        IndexDamagedError: a vector holds what is no finite number.

    """
    if not rows:
        return {}
    width = STORED_TYPE.itemsize * len(query)
    packed = np.frombuffer(b"".join(blob for _, blob in rows), dtype=STORED_TYPE).reshape(-1, len(query))
    filled = np.flatnonzero(query)
    scores = packed[:, filled].astype(np.float32) @ query[filled]
    if not np.isfinite(scores).all():
        raise IndexDamagedError("vectors", "a row does not hold vectors of its set")
    starts = np.cumsum([0, *(len(blob) // width for _, blob in rows[:-1])])
    best = np.maximum.reduceat(scores, starts)
    return {key: float(score) for (key, _), score in zip(rows, best, strict=True)}


def rank(parts: Sequence[Part], query: Vector, limit: int, *, signs_from: int = SIGNS_FROM) -> list[tuple[int, float]]:
    """Return (document key, cosine of its best chunk), best first."""
    total = sum(len(part.block) for part in parts)
    if total > max(signs_from, limit) and all(part.block.signs is not None for part in parts):
        near = _nearest_by_sign(parts, query, max(RESCORED, limit))
        owners = [part.block.owners[rows] for part, rows in zip(parts, near, strict=True)]
        scores = [_scores(part.block, query, rows) for part, rows in zip(parts, near, strict=True)]
    else:
        owners = [part.block.owners for part in parts]
        scores = [_scores(part.block, query) for part in parts]
        for part, found in zip(parts, scores, strict=True):
            if part.found is not None:
                found[~part.found] = -np.inf
    return _best(np.concatenate(owners), np.concatenate(scores), limit) if owners else []


def cosines_of(parts: Sequence[Part], query: Vector, keys: Iterable[int]) -> dict[int, float]:
    """Return the cosine of the best chunk of each of some documents that has vectors and may be found."""
    wanted = ascending(keys)
    best: dict[int, float] = {}
    for block, found in parts:
        rows = block.rows_of(wanted)
        if found is not None:
            rows = rows[found[rows]]
        if len(rows):
            scores = _scores(block, query, rows)
            owners, starts = np.unique(block.owners[rows], return_index=True)
            best |= zip(owners.tolist(), np.maximum.reduceat(scores, starts).tolist(), strict=True)
    return best


def _scores(block: Block, query: Vector, rows: Positions | None = None) -> Vector:
    """Return the cosine of all rows of a block, or of some."""
    scores: Vector
    if block.layout.in_columns:  # a hashed query fills few of them
        filled = np.flatnonzero(query)
        columns = block.vectors[:, filled] if rows is None else block.vectors[np.ix_(rows, filled)]
        scores = columns @ query[filled]
    else:
        scores = (block.vectors if rows is None else block.vectors[rows]) @ query
    return scores


def _nearest_by_sign(parts: Sequence[Part], query: Vector, wanted: int) -> list[Positions]:
    """Return the rows of each part that are among the `wanted` nearest by Hamming distance of signs, or as near."""
    asked = signs_of(query[np.newaxis])[:, 0]
    distances = []
    for block, found in parts:
        assert block.signs is not None  # noqa: S101 - asked by `rank`
        away = _distances(block.signs, asked)
        distances.append(away if found is None else np.where(found, away, _CLOSED))
    counted = np.bincount(np.concatenate(distances), minlength=len(query) + 1)[: len(query) + 1]
    farthest = int(np.searchsorted(np.cumsum(counted), wanted))
    return [np.flatnonzero(away <= min(farthest, len(query))) for away in distances]


def _distances(signs: Signs, asked: NDArray[np.uint64]) -> NDArray[np.uint16]:
    """Return how many signs of each row differ, shape (rows,)."""
    rows = signs.shape[1]
    away = np.empty(rows, dtype=np.uint16)
    differing = np.empty(min(rows, _AT_ONCE), dtype=np.uint64)
    counts = np.empty(min(rows, _AT_ONCE), dtype=np.uint8)
    for start in range(0, rows, _AT_ONCE):
        here = away[start : start + _AT_ONCE]
        scratch, count = differing[: len(here)], counts[: len(here)]
        here[:] = 0
        for word, of_query in zip(signs, asked, strict=True):
            np.bitwise_xor(word[start : start + _AT_ONCE], of_query, out=scratch)
            np.bitwise_count(scratch, out=count)
            np.add(here, count, out=here)
    return away


def _highest(scores: Vector, wanted: int) -> Positions:
    """Return where at least `wanted` scores are, and no lower one is missing; a sample tells where to cut.

    Partitioning all of 10,000 scores for the best 400 takes 69 us, this way 20.
    """
    share = wanted * 3 // (2 * _SAMPLED)
    sample = scores[::_SAMPLED]
    if _SAMPLED <= share < len(sample) // 2:
        found = np.flatnonzero(scores >= np.partition(sample, len(sample) - share)[len(sample) - share])
        if wanted <= len(found) <= 4 * wanted:
            return found
    return np.argpartition(scores, len(scores) - wanted)[len(scores) - wanted :]


def _best(owners: NDArray[np.int64], scores: Vector, limit: int) -> list[tuple[int, float]]:
    """Return the best documents; several chunks of one may crowd the top, so it looks deeper until there are enough."""
    if not len(owners):
        return []
    wanted = limit
    while True:
        wanted = min(wanted * 2, len(owners))
        top = _highest(scores, wanted)
        top = top[scores[top] > -np.inf]
        top = top[np.lexsort((owners[top], -scores[top]))]
        _, first = np.unique(owners[top], return_index=True)
        if len(first) >= limit or len(top) == np.count_nonzero(scores > -np.inf):
            best = top[np.sort(first)][:limit]
            return list(zip(owners[best].tolist(), scores[best].tolist(), strict=True))
