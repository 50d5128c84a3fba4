"""This module damages the derived tables of a scratch store, for the self-test that mends them."""

from memory_mcp.storage.store import Store

# `keywords_idx` is left out: it is empty while an index is small
_STATEMENTS = {
    "keywords_data": "UPDATE keywords_data SET block = randomblob(length(block)) WHERE id > 10",
    "keywords_docsize": "UPDATE keywords_docsize SET sz = x'ff'",
    "keywords_config": "UPDATE keywords_config SET v = 99",
    "vectors": "UPDATE vectors SET vector = substr(vector, 1, 7)",
    "vector_sets": "UPDATE vector_sets SET followed = followed + 1000000",
    "followers": "UPDATE followers SET followed = followed + 1000000",
}
DERIVED = tuple(_STATEMENTS)


def spoil(store: Store, table: str) -> None:
    """Damage one derived table as a failing disk or another program could."""
    with store.database.write() as session:
        session.run(_STATEMENTS[table])
