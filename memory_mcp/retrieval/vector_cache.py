"""This module keeps the vectors of a store ready to rank: a base in the cache, and what changed since beside it."""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import blake2b
from typing import Protocol, get_args

import msgspec
import numpy as np
from msgspec import Struct

from memory_mcp.errors import CacheError
from memory_mcp.retrieval.blocks import Block, Buffer, Layout, Positions, ascending
from memory_mcp.retrieval.vectors import Part
from memory_mcp.storage import search_index
from memory_mcp.storage.cache import Cache, Table
from memory_mcp.storage.database import Session
from memory_mcp.storage.marks import Mark, mark_at
from memory_mcp.storage.private_cache import PrivateCache
from memory_mcp.storage.search_index import VectorRow, VectorSet
from memory_mcp.storage.sights import Group, Sight, group_of
from memory_mcp.storage.store import Store

# So many changes may stand beside the base before a search folds them in; reading 500 takes about 6 ms, and folding
# writes a block of 24 MiB at most.
FOLD_AT = 500
_FOLDED_AT_ONCE = 4_096  # documents; what a fold holds in memory
_TOO_MUCH = 5_000  # changes; rather than reading so many for itself a search waits until others have folded them
_PATIENCE_S = 5.0
_GAP_S = 0.005  # between two transactions of a long fold, so that others get the lock
_ENCODER = msgspec.msgpack.Encoder()


class Pages(Protocol):
    """A transaction of the shared cache, or what stands in for it."""

    def get(self, table: Table, key: bytes) -> Buffer | None:
        """Return a value."""
        ...

    def put(self, table: Table, key: bytes, value: bytes) -> None:
        """Store a value."""
        ...

    def delete(self, table: Table, key: bytes) -> None:
        """Remove a value."""
        ...


class Contents(Struct, frozen=True, array_like=True):
    """What the base holds: all documents whose latest change is at most `mark`, as blocks by group and place."""

    mark: Mark = Mark()
    next_block: int = 0
    blocks: dict[str, tuple[int, ...]] = {}


class TornBaseError(CacheError):
    """The base does not hold what was folded into it."""


class Base:
    """The base of one vector set within one snapshot of the cache."""

    def __init__(self, pages: Pages | None, vector_set: VectorSet, layout: Layout) -> None:
        self._pages = pages
        self.layout = layout
        self._prefix = blake2b(f"{vector_set.key} {vector_set.model} {layout}".encode(), digest_size=8).hexdigest()
        found = pages.get("vectors", self._key("contents")) if pages else None
        try:
            self.contents = Contents() if found is None else msgspec.msgpack.decode(found, type=Contents)
        except msgspec.MsgspecError as error:
            raise TornBaseError(f"the list of its blocks of vectors is damaged: {error}") from error

    def parts(self, group: Group, places: Sequence[int] | None) -> list[tuple[Block, Positions]]:
        """Return the blocks of a group and some places, each with its dead rows; None means everywhere."""
        if places is None:
            names = [name for name in self.contents.blocks if name.startswith(group)]
        else:
            names = [blocks_of(group, place) for place in places]
        return [self.part(number) for name in names for number in self.contents.blocks.get(name, ())]

    def part(self, number: int) -> tuple[Block, Positions]:
        """Return a block and its dead rows."""
        assert self._pages is not None  # noqa: S101 - without pages there is no block
        packed = self._pages.get("vectors", self._key(f"{number:08x}"))
        if packed is None:
            raise TornBaseError(f"block {number} of the vectors is not there")
        dead = self._pages.get("vectors", self._key(f"{number:08x} dead"))
        try:
            block, buried = Block.mapped(self.layout, packed), np.frombuffer(dead or b"", dtype=np.int64)
        except ValueError as error:
            raise TornBaseError(f"block {number} of the vectors is damaged: {error}") from error
        if len(buried) and not 0 <= int(np.min(buried)) <= int(np.max(buried)) < len(block):
            raise TornBaseError(f"block {number} of the vectors lists dead rows that it does not hold")
        return block, buried

    def fold(self, changed: Sequence[int], rows: Sequence[VectorRow], mark: Mark) -> None:
        """Take over documents in their present state; what is not among the rows has no vectors any more."""
        blocks = {group: list(numbers) for group, numbers in self.contents.blocks.items()}
        self.contents = msgspec.structs.replace(self.contents, mark=mark)
        gone = ascending(changed)
        for numbers in blocks.values():
            for number in list(numbers):
                self._bury(numbers, number, gone)
        grouped: dict[str, list[VectorRow]] = {}
        for row in rows:
            grouped.setdefault(blocks_of(group_of(row.kind), row.place), []).append(row)
        for group, members in grouped.items():
            self._append(blocks.setdefault(group, []), Block.made(self.layout, members))
        left = {group: tuple(numbers) for group, numbers in blocks.items() if numbers}
        self.contents = msgspec.structs.replace(self.contents, blocks=left)
        self._put("contents", _ENCODER.encode(self.contents))

    def _bury(self, numbers: list[int], number: int, changed: Positions) -> None:
        """Mark the rows of changed documents as dead; a block that is mostly dead is written anew without them."""
        block, dead = self.part(number)
        dying = block.rows_of(changed)
        if not len(dying):
            return
        all_dead = ascending([*dead.tolist(), *dying.tolist()])
        if len(all_dead) * 2 < len(block):
            self._put(f"{number:08x} dead", all_dead.tobytes())
            return
        rest = Block.joined(self.layout, [(block, all_dead)])
        self._remove(number)
        numbers.remove(number)
        if len(rest):
            numbers.append(self._write(rest))

    def _append(self, numbers: list[int], block: Block) -> None:
        """Add a block; blocks of similar size become one, so there are few, and each vector is written few times."""
        while numbers:
            last, dead = self.part(numbers[-1])
            if len(last) > 2 * len(block) or len(last) + len(block) > self.layout.most_rows:
                break
            block = Block.joined(self.layout, [(last, dead), (block, np.empty(0, dtype=np.int64))])
            self._remove(numbers.pop())
        numbers.append(self._write(block))

    def _write(self, block: Block) -> int:
        number = self.contents.next_block
        self.contents = msgspec.structs.replace(self.contents, next_block=number + 1)
        self._put(f"{number:08x}", block.packed())
        return number

    def _remove(self, number: int) -> None:
        assert self._pages is not None  # noqa: S101 - as above
        for name in (f"{number:08x}", f"{number:08x} dead"):
            self._pages.delete("vectors", self._key(name))

    def _put(self, name: str, value: bytes) -> None:
        assert self._pages is not None  # noqa: S101 - as above
        self._pages.put("vectors", self._key(name), value)

    def _key(self, name: str) -> bytes:
        return f"{self._prefix} {name}".encode()


class Overlay:
    """What changed after the base was made, as one snapshot has it; immutable, so that threads may share it."""

    def __init__(self, layout: Layout, mark: Mark) -> None:
        self.layout = layout
        self.mark = mark
        self.head = mark.sequence
        self.changed: Positions = np.empty(0, dtype=np.int64)
        self.block = Block.made(layout, [])
        self._rows: dict[int, VectorRow] = {}
        self._followed = mark.sequence

    def followed(self, session: Session, set_key: int, head: int) -> "Overlay":
        """Return the overlay of a snapshot that is not older than the one that this was made for."""
        # vectors may come later than the change that they belong to: go on from where their set has followed
        vectors = min(head, search_index.followed_by(session, set_key))
        if (head, vectors) == (self.head, self._followed):
            return self
        changed = search_index.changed_keys(session, self._followed)
        after = Overlay(self.layout, self.mark)
        after.head, after._followed = head, max(vectors, self._followed)
        gone = set(changed)
        after._rows = {key: row for key, row in self._rows.items() if key not in gone}
        after._rows |= {row.key: row for row in search_index.read_vector_rows(session, set_key, changed)}
        after.changed = ascending([*self.changed.tolist(), *changed])
        after.block = Block.made(self.layout, list(after._rows.values()))
        return after


class VectorCache:
    """The vectors of one store. The base is shared with other processes as long as the cache can be used."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.RLock()
        self._private = PrivateCache()
        self._cache = store.cache
        self._overlays: dict[int, Overlay] = {}
        self.fold_at = FOLD_AT
        self.folds = 0
        self.reads = 0

    @contextmanager
    def opened(self, vector_set: VectorSet, layout: Layout, *, alone: bool = False) -> Iterator[Base]:
        """Open the base. The store's snapshot must be opened after it, so that it is not older.

        Raises:
            CacheError: the shared cache failed; `alone` goes on without it.

        """
        self.reads += 1
        if vector_set.followed < self.fold_at:  # so few that they are read faster than a cache is opened
            yield Base(None, vector_set, layout)
            return
        cache = None if alone else self._cache
        with self._pages(cache) as pages:
            base = self._base(pages, vector_set, layout)
            lag = vector_set.followed - base.contents.mark.sequence
            if lag < self.fold_at:
                yield base
                return
        self._fold(cache, vector_set, layout, self.fold_at, _PATIENCE_S if lag > _TOO_MUCH else 0.0)
        with self._pages(cache) as pages:
            yield self._base(pages, vector_set, layout)

    def parts(self, session: Session, base: Base, vector_set: VectorSet, sight: Sight) -> list[Part]:
        """Return what a query may find, as this snapshot has it.

        Raises:
            CacheError: the base lacks something, or belongs to another history of the store; it is thrown away.

        """
        try:
            overlay = self._overlay(session, base, vector_set)
            places = None if sight.scope == "all" else [*sight.wall.keys, 0]
            blocks = base.parts(sight.group, places)
        except CacheError as error:
            self._throw_away(error)
            raise
        found = []
        for block, dead in blocks:
            mask = block.admitted(sight)
            mask[dead] = False
            if len(overlay.changed):
                mask[block.rows_of(overlay.changed)] = False
            found.append(Part(block, mask))
        if len(overlay.block):
            found.append(Part(overlay.block, overlay.block.admitted(sight) & overlay.block.within(sight.group, places)))
        return found

    def fold(self, vector_set: VectorSet, layout: Layout, *, at_least: int) -> int:
        """Take into the base what changed since, if it is that much and nobody else is writing; count the documents.

        Raises:
            CacheError: the shared cache failed.

        """
        return self._fold(self._cache, vector_set, layout, at_least, 0.0)

    def compare(self, vector_set: VectorSet, layout: Layout) -> tuple[int, int]:
        """Compare the base, where it says that it is current, with the store; return documents, and those that differ.

        Raises:
            CacheError: the shared cache failed.

        """
        documents = differing = 0
        with self._pages(self._cache) as pages, self._store.database.read() as session:
            base = Base(pages, vector_set, layout)
            changed = search_index.changed_keys(session, base.contents.mark.sequence)
            for group in get_args(Group):
                for block, dead in base.parts(group, None):
                    keys = sorted({*block.owners.tolist()} - {*block.owners[dead].tolist(), *changed})
                    stored = Block.made(layout, search_index.read_vector_rows(session, vector_set.key, keys))
                    for key in keys:
                        documents += 1
                        differing += not _same(block, stored, key)
        return documents, differing

    @property
    def private_bytes(self) -> int:
        """Memory that this process holds for itself."""
        return self._private.size_bytes + sum(overlay.block.size_bytes for overlay in self._overlays.values())

    def _fold(
        self, cache: Cache | None, vector_set: VectorSet, layout: Layout, at_least: int, patience_s: float
    ) -> int:
        folded = 0
        while True:
            left = _Fold(self._store, vector_set, layout, at_least)
            if cache is not None:
                written = cache.write(left, patience_s=patience_s)
            else:
                with self._lock:
                    written = self._private.write(left)
            if not written or not left.documents:
                return folded
            self.folds += 1
            folded += left.documents
            if not left.more:
                return folded
            time.sleep(_GAP_S)

    def _base(self, pages: Pages, vector_set: VectorSet, layout: Layout) -> Base:
        try:
            return Base(pages, vector_set, layout)
        except TornBaseError as error:
            self._throw_away(error)
            raise

    def _throw_away(self, error: CacheError) -> None:
        self._private = PrivateCache()
        if self._cache is not None:
            self._cache.discard(str(error))

    @contextmanager
    def _pages(self, cache: Cache | None) -> Iterator[Pages]:
        """Open the shared pages, or this process's own, which go as soon as the shared ones can be used."""
        if cache is None:
            with self._lock, self._private.read() as own:
                yield own
            return
        with cache.read() as pages:
            if self._private.size_bytes:
                self._private = PrivateCache()
            yield pages

    def _overlay(self, session: Session, base: Base, vector_set: VectorSet) -> Overlay:
        head = search_index.head(session)
        mark = base.contents.mark
        if mark.sequence > search_index.followed_by(session, vector_set.key) or not mark.fits(session):
            raise CacheError("the store was restored from a copy, or its vectors were rebuilt")
        with self._lock:
            held = self._overlays.get(vector_set.key)
            if held is None or held.mark != mark or held.layout != base.layout or held.head > head:
                held = Overlay(base.layout, mark)
            overlay = self._overlays[vector_set.key] = held.followed(session, vector_set.key, head)
            return overlay


def _same(one: Block, other: Block, key: int) -> bool:
    wanted = ascending([key])
    rows, others = one.rows_of(wanted), other.rows_of(wanted)
    if len(rows) != len(others):
        return False
    same = np.array_equal(one.vectors[rows], other.vectors[others])
    return same and np.array_equal(one.fields[:, rows], other.fields[:, others])


class _Fold:
    """One transaction of folding; what it did is known when it has run."""

    def __init__(self, store: Store, vector_set: VectorSet, layout: Layout, at_least: int) -> None:
        self._store = store
        self._set = vector_set
        self._layout = layout
        self._at_least = at_least
        self.documents = 0
        self.more = False

    def __call__(self, pages: Pages) -> None:
        base = Base(pages, self._set, self._layout)
        with self._store.database.read() as session:
            up_to = min(search_index.head(session), search_index.followed_by(session, self._set.key))
            after = base.contents.mark.sequence
            if up_to - after < self._at_least:
                return
            latest = search_index.latest_changes(session, after, up_to, _FOLDED_AT_ONCE + 1)
            batch = latest[:_FOLDED_AT_ONCE]
            self.more = len(batch) < len(latest)
            keys = [key for key, _ in batch]
            rows = search_index.read_vector_rows(session, self._set.key, keys)
            mark = mark_at(session, batch[-1][1] if self.more else up_to)
        base.fold(keys, rows, mark)
        self.documents = len(batch)


def blocks_of(group: Group, place: int) -> str:
    """Name the blocks of what ranks together and lies in one project, 0 for what is global."""
    return f"{group} {place}"
