"""The vector matrix against plain arithmetic."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from memory_mcp.retrieval.vectors import VectorMatrix, dump_vectors

OPERATIONS = st.lists(
    st.tuples(st.integers(1, 12), st.integers(0, 3)), min_size=1, max_size=60
)  # (key, chunks; 0 removes)


@settings(max_examples=60, deadline=None)
@given(operations=OPERATIONS, seed=st.integers(0, 1000), sparse=st.booleans())
def test_ranking_equals_the_best_cosine_of_each_living_document(
    operations: list[tuple[int, int]], seed: int, *, sparse: bool
) -> None:
    random = np.random.default_rng(seed)
    matrix = VectorMatrix(16)
    model: dict[int, np.ndarray] = {}
    for key, count in operations:
        if count:
            rows = random.normal(size=(count, 16)).astype(np.float32)
            matrix.replace([(key, dump_vectors(rows))])
            model[key] = rows.astype(np.float16).astype(np.float32)
        else:
            matrix.remove([key])
            model.pop(key, None)
    query = random.normal(size=16).astype(np.float32)
    if sparse:
        query[4:] = 0
    barred = [3]
    expected = {key: float((rows @ query).max()) for key, rows in model.items() if key not in barred}

    ranked = matrix.rank(matrix.scores(query), 5, allowed=None, barred=barred)

    best = sorted(expected.values(), reverse=True)[:5]
    assert np.allclose([cosine for _, cosine in ranked], best, atol=1e-4)
    assert all(abs(expected[key] - cosine) < 1e-4 for key, cosine in ranked)
    assert len(matrix) == len(model)
    chosen = matrix.rank(matrix.scores(query), 5, allowed=[1, 2], barred=[])
    assert {key for key, _ in chosen} == {1, 2} & model.keys()
    everything = {key: float((rows @ query).max()) for key, rows in model.items()}
    unbarred = matrix.rank(matrix.scores(query), 5, allowed=None, barred=[])
    assert np.allclose([cosine for _, cosine in unbarred], sorted(everything.values(), reverse=True)[:5], atol=1e-4)
