"""This module holds the vectors of one set in memory and ranks documents by cosine."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from memory_mcp.embeddings.provider import Vector

STORED_TYPE = np.dtype("<f2")  # half the bytes on disk; the loss of cosine is below 0.0005
_FIRST_CAPACITY = 256
_SPARSE_SHARE = 0.5  # a query with fewer non-zero columns reads only those rows of the matrix


def dump_vectors(matrix: Vector) -> bytes:
    """Pack the vectors of one document, shape (chunks, dimension), for the store."""
    return matrix.astype(STORED_TYPE).tobytes()


def cosines(rows: Sequence[tuple[int, bytes]], query: Vector) -> dict[int, float]:
    """Return the cosine of the best chunk of each document, read from the store for this once."""
    if not rows:
        return {}
    width = STORED_TYPE.itemsize * len(query)
    packed = np.frombuffer(b"".join(blob for _, blob in rows), dtype=STORED_TYPE).reshape(-1, len(query))
    filled = np.flatnonzero(query)
    scores = packed[:, filled].astype(np.float32) @ query[filled]
    starts = np.cumsum([0, *(len(blob) // width for _, blob in rows[:-1])])
    best = np.maximum.reduceat(scores, starts)
    return {key: float(score) for (key, _), score in zip(rows, best, strict=True)}


class VectorMatrix:
    """Vectors as columns, shape (dimension, capacity), so that a sparse query touches few rows."""

    def __init__(self, dimension: int) -> None:
        self._dimension = dimension
        self._columns = np.zeros((dimension, _FIRST_CAPACITY), dtype=np.float32)
        self._owners = np.zeros(_FIRST_CAPACITY, dtype=np.int64)  # 0: a column whose document is gone
        self._used = 0
        self._holes = 0  # columns in use whose document is gone
        self._places: dict[int, NDArray[np.int64]] = {}

    def __len__(self) -> int:
        """Return the number of documents."""
        return len(self._places)

    @property
    def size_bytes(self) -> int:
        """Memory held by the matrix."""
        return self._columns.nbytes + self._owners.nbytes

    def replace(self, rows: Sequence[tuple[int, bytes]]) -> None:
        """Add documents, or give them new vectors."""
        self.remove(key for key, _ in rows)
        counts = [len(blob) // (STORED_TYPE.itemsize * self._dimension) for _, blob in rows]
        total = sum(counts)
        self._reserve(total)
        packed = np.frombuffer(b"".join(blob for _, blob in rows), dtype=STORED_TYPE).reshape(total, self._dimension)
        at = self._used
        self._columns[:, at : at + total] = packed.T
        for (key, _), count in zip(rows, counts, strict=True):
            self._owners[at : at + count] = key
            self._places[key] = np.arange(at, at + count)
            at += count
        self._used = at

    def remove(self, keys: Iterable[int]) -> None:
        """Forget documents; their columns stay unused until the matrix grows."""
        for key in keys:
            places = self._places.pop(key, None)
            if places is not None:
                self._owners[places] = 0
                self._holes += len(places)

    def scores(self, query: Vector) -> Vector:
        """Return the cosine of every column, shape (columns in use,); `rank` and `of` read documents out of it."""
        columns = self._columns[:, : self._used]
        filled = np.flatnonzero(query)
        if len(filled) < self._dimension * _SPARSE_SHARE:
            sparse: Vector = query[filled] @ columns[filled]
            return sparse
        dense: Vector = query @ columns
        return dense

    def rank(
        self, scores: Vector, limit: int, *, allowed: Sequence[int] | None, barred: Sequence[int]
    ) -> list[tuple[int, float]]:
        """Return (document key, cosine of its best chunk), best first; `allowed` None means all but `barred`."""
        if not self._places:
            return []
        owners = self._owners[: self._used]
        if allowed is not None or barred or self._holes:
            open_ = owners != 0
            if allowed is not None:
                open_ &= np.isin(owners, np.asarray(allowed, dtype=np.int64))
            if barred:
                open_ &= ~np.isin(owners, np.asarray(barred, dtype=np.int64))
            scores = np.where(open_, scores, -np.inf)
        wanted = limit
        while True:  # several chunks of one document may crowd the top; look deeper until there are enough documents
            wanted = min(wanted * 2, self._used)
            top = np.argpartition(scores, self._used - wanted)[self._used - wanted :]
            top = top[scores[top] > -np.inf]
            top = top[np.lexsort((owners[top], -scores[top]))]
            _, first = np.unique(owners[top], return_index=True)
            if len(first) >= limit or wanted == self._used:
                best = top[np.sort(first)][:limit]
                return list(zip(owners[best].tolist(), scores[best].tolist(), strict=True))

    def of(self, scores: Vector, keys: Iterable[int]) -> dict[int, float]:
        """Return the cosine of the best chunk of each of some documents that has vectors."""
        return {key: float(scores[places].max()) for key in keys if (places := self._places.get(key)) is not None}

    def _reserve(self, count: int) -> None:
        """Make room, dropping unused columns on the way."""
        if self._used + count <= self._columns.shape[1]:
            return
        kept = np.flatnonzero(self._owners[: self._used])
        capacity = max(_FIRST_CAPACITY, (len(kept) + count) * 5 // 4)
        columns = np.zeros((self._dimension, capacity), dtype=np.float32)
        columns[:, : len(kept)] = self._columns[:, kept]
        owners = np.zeros(capacity, dtype=np.int64)
        owners[: len(kept)] = self._owners[kept]
        renumbered = np.full(self._used + 1, -1, dtype=np.int64)
        renumbered[kept] = np.arange(len(kept))
        self._places = {key: renumbered[places] for key, places in self._places.items()}
        self._columns, self._owners, self._used, self._holes = columns, owners, len(kept), 0
