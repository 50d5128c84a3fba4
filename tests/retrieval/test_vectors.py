"""Blocks of vectors, and ranking, against plain arithmetic."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memory_mcp.retrieval.blocks import Block, Layout, ascending, dump_vectors
from memory_mcp.retrieval.vectors import Part, cosines, cosines_of, rank
from memory_mcp.storage.search_index import VectorRow

LAYOUTS = [Layout(16, in_columns=False), Layout(16, in_columns=True), Layout(70, in_columns=False)]
KINDS = ("episode", "note", "pattern")


def row(key: int, vectors: np.ndarray, tags: tuple[str, ...] = ()) -> VectorRow:
    return VectorRow(key, 1, "episode", key, None, None, "", "", "", tags, dump_vectors(vectors))


def rows_of(random: np.random.Generator, keys: list[int], dimension: int) -> list[VectorRow]:
    made = []
    for key in keys:
        vectors = random.normal(size=(int(random.integers(1, 4)), dimension)).astype(np.float32)
        made.append(row(key, vectors, tuple(f"tag {number}" for number in range(key % 3))))
    return made


def truth(rows: list[VectorRow], query: np.ndarray) -> dict[int, float]:
    return cosines([(each.key, each.vector) for each in rows], query)


def contents(block: Block) -> dict[str, Any]:
    order = np.lexsort((block.tags[1], block.tags[0]))
    return {"vectors": block.vectors.tolist(), "fields": block.fields.tolist(), "tags": block.tags[:, order].tolist()}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_block_is_the_same_after_it_was_packed(layout: Layout) -> None:
    block = Block.made(layout, rows_of(np.random.default_rng(1), [5, 2, 9], layout.dimension))

    mapped = Block.mapped(layout, memoryview(block.packed()))

    assert contents(mapped) == contents(block)
    assert mapped.owners.tolist() == sorted(block.owners.tolist())
    assert (mapped.signs is None) == layout.in_columns
    if block.signs is not None and mapped.signs is not None:
        assert (mapped.signs == block.signs).all()


@settings(max_examples=60, deadline=None)
@given(
    keys=st.lists(st.integers(1, 40), unique=True, max_size=20),
    cut=st.integers(0, 20),
    dead=st.sets(st.integers(1, 40)),
    layout=st.sampled_from(LAYOUTS),
)
def test_joining_blocks_is_making_one_of_what_lives(keys: list[int], cut: int, dead: set[int], layout: Layout) -> None:
    rows = rows_of(np.random.default_rng(2), keys, layout.dimension)
    blocks = [Block.made(layout, part) for part in (rows[:cut], rows[cut:])]

    joined = Block.joined(layout, [(block, block.rows_of(ascending(dead))) for block in blocks])

    assert contents(joined) == contents(Block.made(layout, [each for each in rows if each.key not in dead]))


@settings(max_examples=60, deadline=None)
@given(
    keys=st.lists(st.integers(1, 60), unique=True, max_size=40),
    barred=st.sets(st.integers(1, 60)),
    layout=st.sampled_from(LAYOUTS),
    seed=st.integers(0, 1000),
    by_signs=st.booleans(),
)
def test_ranking_equals_the_best_cosine_of_each_document_that_may_be_found(
    keys: list[int],
    barred: set[int],
    layout: Layout,
    seed: int,
    by_signs: bool,  # noqa: FBT001 - hypothesis fills it in
) -> None:
    random = np.random.default_rng(seed)
    rows = rows_of(random, keys, layout.dimension)
    query = random.normal(size=layout.dimension).astype(np.float32)
    query[layout.dimension // 2 :] = 0
    parts = []
    for some in (rows[::2], rows[1::2]):
        block = Block.made(layout, some)
        found = np.ones(len(block), dtype=np.bool_)
        found[block.rows_of(ascending(barred))] = False
        parts.append(Part(block, found))
    expected = {key: cosine for key, cosine in truth(rows, query).items() if key not in barred}

    ranked = rank(parts, query, 5, signs_from=0 if by_signs else 1_000)

    assert np.allclose([cosine for _, cosine in ranked], sorted(expected.values(), reverse=True)[:5], atol=1e-4)
    assert all(abs(expected[key] - cosine) < 1e-4 for key, cosine in ranked)
    chosen = cosines_of(parts, query, keys[:3])
    assert chosen.keys() == expected.keys() & set(keys[:3])
    assert all(abs(expected[key] - cosine) < 1e-4 for key, cosine in chosen.items())


def test_signs_first_finds_nearly_all_that_exact_ranking_finds() -> None:
    random = np.random.default_rng(3)
    middles = random.normal(size=(200, 384))
    vectors = middles[random.integers(0, 200, 20_000)] + 1.5 * random.normal(size=(20_000, 384))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    layout = Layout(384, in_columns=False)
    part = Part(Block.made(layout, [row(number + 1, vectors[number : number + 1]) for number in range(20_000)]), None)

    shares = []
    for number in range(0, 20_000, 500):
        query = vectors[number] + random.normal(size=384).astype(np.float32) * 0.02
        exact = {key for key, _ in rank([part], query, 10, signs_from=100_000)}
        shares.append(len(exact & {key for key, _ in rank([part], query, 10, signs_from=0)}) / 10)

    assert np.mean(shares) >= 0.98
