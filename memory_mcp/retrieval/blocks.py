"""This module lays out vectors, and what filters look at, in blocks that are mapped from the cache as they are."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import Self, get_args

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from memory_mcp.embeddings.provider import Vector
from memory_mcp.models.episodes import OutcomeType
from memory_mcp.models.recall import RECORDS, Kind
from memory_mcp.storage.search_index import NEVER, VectorRow
from memory_mcp.storage.sights import Group, Sight, group_of

STORED_TYPE = np.dtype("<f2")  # half the bytes in the store; the loss of cosine is below 0.0005
_OWNER, _CREATED, _LAPSES, _STATE, _PLACE, _DOMAIN, _TASK_TYPE, _LANGUAGE = range(8)
_FIELDS = 8
_HEAD = 2  # numbers before the fields
_WORD_BITS = 64
_NOBODY_SAID = -1  # where a record has no such field at all, as a note has no domain
_KINDS: dict[str, int] = {kind: number for number, kind in enumerate(get_args(Kind))}
_OUTCOMES: dict[str | None, int] = {None: 0} | {name: number for number, name in enumerate(get_args(OutcomeType), 1)}
_GROUPED: dict[Group, list[int]] = {
    group: [_KINDS[kind] for kind in get_args(Kind) if group_of(kind) == group] for group in get_args(Group)
}
_OUTCOME_SHIFT = 8
_KIND_MASK = (1 << _OUTCOME_SHIFT) - 1

Signs = NDArray[np.uint64]
Mask = NDArray[np.bool_]
Positions = NDArray[np.int64]
Buffer = bytes | memoryview


def dump_vectors(matrix: Vector) -> bytes:
    """Pack the vectors of one document, shape (chunks, dimension), for the store."""
    return matrix.astype(STORED_TYPE).tobytes()


class Layout(Struct, frozen=True):
    """How the vectors of a set lie: in columns for sparse queries, else in rows with their signs beside them."""

    dimension: int
    in_columns: bool

    @property
    def words(self) -> int:
        """Words of 64 signs behind one vector; 0 without signs."""
        return 0 if self.in_columns else -(-self.dimension // _WORD_BITS)

    @property
    def most_rows(self) -> int:
        """Vectors of a full block: 24 MiB of them, a power of two."""
        fitting = (24 << 20) // (4 * self.dimension)
        return int(1 << max(fitting.bit_length() - 1, 6))


class Block:
    """Vectors of documents in the order of their keys, shape (rows, dimension), with a row of fields for each.

    `tags` pairs rows with hashes of their tags, shape (2, pairs). The arrays may be views of a mapped file.
    """

    def __init__(
        self, layout: Layout, vectors: Vector, signs: Signs | None, fields: NDArray[np.int64], tags: NDArray[np.int64]
    ) -> None:
        self.layout = layout
        self.vectors = vectors
        self.signs = signs
        self.fields = fields
        self.tags = tags

    @classmethod
    def made(cls, layout: Layout, rows: Sequence[VectorRow]) -> Self:
        """Make a block of what the store has of some documents."""
        ordered = sorted(rows, key=lambda row: row.key)
        counts = [len(row.vector) // (STORED_TYPE.itemsize * layout.dimension) for row in ordered]
        stored = np.frombuffer(b"".join(row.vector for row in ordered), dtype=STORED_TYPE)
        vectors = stored.reshape(sum(counts), layout.dimension).astype(np.float32)
        fields = np.array([_fields(row) for row in ordered], dtype=np.int64).reshape(len(ordered), _FIELDS)
        starts = np.cumsum([0, *counts])
        tags = [
            (place, _hashed(tag))
            for row, start, count in zip(ordered, starts, counts, strict=False)
            for tag in row.tags
            for place in range(start, start + count)
        ]
        return cls._laid_out(
            layout, vectors, np.repeat(fields, counts, axis=0).T, np.array(tags, dtype=np.int64).reshape(-1, 2).T
        )

    @classmethod
    def joined(cls, layout: Layout, parts: Sequence["tuple[Block, Positions]"]) -> Self:
        """Make one block of several, without the rows that are dead in each."""
        kept = [np.setdiff1d(np.arange(len(block)), dead, assume_unique=True) for block, dead in parts]
        vectors = np.concatenate([block.vectors[rows] for (block, _), rows in zip(parts, kept, strict=True)])
        fields = np.concatenate([block.fields[:, rows] for (block, _), rows in zip(parts, kept, strict=True)], axis=1)
        moved = []
        start = 0
        for (block, _), rows in zip(parts, kept, strict=True):
            places = np.full(len(block), -1, dtype=np.int64)
            places[rows] = np.arange(start, start + len(rows))
            tags = np.stack([places[block.tags[0]], block.tags[1]])
            moved.append(tags[:, tags[0] >= 0])
            start += len(rows)
        order = np.argsort(fields[_OWNER], kind="stable")
        tags = np.concatenate(moved, axis=1)
        tags[0] = np.argsort(order)[tags[0]]
        return cls._laid_out(layout, vectors[order], fields[:, order], tags)

    @classmethod
    def _laid_out(cls, layout: Layout, vectors: Vector, fields: NDArray[np.int64], tags: NDArray[np.int64]) -> Self:
        if layout.in_columns:
            return cls(layout, np.asfortranarray(vectors), None, np.ascontiguousarray(fields), tags)
        return cls(layout, vectors, signs_of(vectors), np.ascontiguousarray(fields), np.ascontiguousarray(tags))

    @classmethod
    def mapped(cls, layout: Layout, packed: Buffer) -> Self:
        """Look at packed bytes as a block, without copying them."""
        rows, pairs = np.frombuffer(packed, dtype=np.int64, count=_HEAD).tolist()
        whole = np.frombuffer(packed, dtype=np.int64, count=_HEAD + _FIELDS * rows + 2 * pairs)
        fields = whole[_HEAD : _HEAD + _FIELDS * rows].reshape(_FIELDS, rows)
        tags = whole[_HEAD + _FIELDS * rows :].reshape(2, pairs)
        signs = np.frombuffer(packed, dtype=np.uint64, count=layout.words * rows, offset=whole.nbytes)
        floats = np.frombuffer(packed, dtype=np.float32, offset=whole.nbytes + signs.nbytes)
        if layout.in_columns:
            return cls(layout, floats.reshape(layout.dimension, rows).T, None, fields, tags)
        return cls(layout, floats.reshape(rows, layout.dimension), signs.reshape(layout.words, rows), fields, tags)

    def __len__(self) -> int:
        """Return the number of vectors."""
        return len(self.vectors)

    @property
    def owners(self) -> NDArray[np.int64]:
        """The key of each row's document, ascending."""
        owners: NDArray[np.int64] = self.fields[_OWNER]
        return owners

    @property
    def size_bytes(self) -> int:
        """Bytes of all arrays."""
        arrays = (self.vectors, self.fields, self.tags, *(() if self.signs is None else (self.signs,)))
        return sum(array.nbytes for array in arrays)

    def packed(self) -> bytes:
        """Return the block as bytes: how many rows and tags, fields, tags, signs, vectors."""
        vectors = self.vectors.T if self.layout.in_columns else self.vectors
        parts = (np.array([len(self), self.tags.shape[1]], dtype=np.int64), self.fields, self.tags, self.signs, vectors)
        return b"".join(part.tobytes() for part in parts if part is not None)

    def rows_of(self, wanted: Positions) -> Positions:
        """Return the rows of some documents, ascending as their keys are."""
        first = np.searchsorted(self.owners, wanted, "left")
        last = np.searchsorted(self.owners, wanted, "right")
        counts = last - first
        ahead = np.repeat(first - np.cumsum(counts) + counts, counts)
        return ahead + np.arange(counts.sum())

    def within(self, group: Group, places: Sequence[int] | None) -> Mask:
        """Return which rows rank together in a group and lie in some projects, 0 for what is global; None means all."""
        mask: Mask = np.isin(self.fields[_STATE] & _KIND_MASK, _GROUPED[group])
        return mask if places is None else mask & np.isin(self.fields[_PLACE], places)

    def admitted(self, sight: Sight) -> Mask:
        """Return which rows a query may find by its filter and its time.

        With `within` it says the same as `Sight.condition`, without asking the database.
        """
        mask: Mask = self.fields[_LAPSES] > sight.now
        state, chosen = self.fields[_STATE], sight.filter
        if set(sight.kinds) != set(RECORDS):
            mask &= np.isin(state & _KIND_MASK, [_KINDS[kind] for kind in sight.kinds])
        if chosen.status:
            mask &= (state >> _OUTCOME_SHIFT == 0) == (chosen.status == "active")
        if chosen.outcome:
            mask &= state >> _OUTCOME_SHIFT == _OUTCOMES[chosen.outcome]
        for field, value in (
            (_DOMAIN, chosen.domain),
            (_TASK_TYPE, chosen.task_type),
            (_LANGUAGE, chosen.language),
        ):
            if value is not None:
                mask &= self.fields[field] == _hashed(value)
        if chosen.since is not None:
            mask &= self.fields[_CREATED] >= chosen.since
        if chosen.until is not None:
            mask &= self.fields[_CREATED] < chosen.until
        for tag in chosen.tags:
            tagged = np.zeros(len(self), dtype=np.bool_)
            tagged[self.tags[0, self.tags[1] == _hashed(tag)]] = True
            mask &= tagged
        return mask


def ascending(keys: Iterable[int]) -> Positions:
    """Return each key once, in order; `np.unique` would import numpy.ma for it, 10 ms of a process's first search."""
    return np.array(sorted(set(keys)), dtype=np.int64)


def signs_of(vectors: Vector) -> Signs:
    """Return one bit per dimension, in words of 64 in columns, shape (words, rows): what Hamming distances read."""
    bits = np.packbits(vectors > 0, axis=1, bitorder="little")
    padded = np.zeros((len(vectors), -(-vectors.shape[1] // _WORD_BITS) * 8), dtype=np.uint8)
    padded[:, : bits.shape[1]] = bits
    return np.ascontiguousarray(padded.view(np.uint64).T)


def _fields(row: VectorRow) -> tuple[int, ...]:
    return (
        row.key,
        row.created_at,
        row.lapses_at if row.lapses_at is not None else NEVER,
        _KINDS[row.kind] | _OUTCOMES[row.outcome] << _OUTCOME_SHIFT,
        row.place,
        *(_NOBODY_SAID if text is None else _hashed(text) for text in (row.domain, row.task_type, row.language)),
    )


@lru_cache(maxsize=4_096)
def _hashed(text: str) -> int:
    """Return 63 bits that stand for a text; two texts of a store share them once in billions of stores."""
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()) >> 1
