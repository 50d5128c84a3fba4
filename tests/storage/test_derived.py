"""Damage in what is derived from the records: found in each table, mended, and never in the way of a record."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from memory_mcp.errors import IndexMendedError
from memory_mcp.memory import Memory
from memory_mcp.models.recall import Query
from tests.conftest import OpenMemory

RECORDS = 600
SQL = "import sys, apsw; c = apsw.Connection(sys.argv[1]); [c.execute(each).fetchall() for each in sys.argv[2:]]"
PAGES = """
import sys, apsw
connection = apsw.Connection(sys.argv[1])
connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
pages = [row[0] for row in connection.execute("SELECT pageno FROM dbstat WHERE name = ?", (sys.argv[2],))]
size = connection.pragma("page_size")
connection.close()
with open(sys.argv[1], "r+b") as file:
    for page in pages:
        file.seek((page - 1) * size)
        file.write(b"\\xff" * size)
"""
DAMAGES = {
    "keywords_data flipped": ("keywords", ["UPDATE keywords_data SET block = randomblob(length(block)) WHERE id > 10"]),
    "keywords_data lost": ("keywords", ["DELETE FROM keywords_data WHERE id > 10"]),
    "keywords_data structure": ("keywords", ["UPDATE keywords_data SET block = x'00' WHERE id = 10"]),
    "keywords_data averages": ("keywords", ["UPDATE keywords_data SET block = x'ff' WHERE id = 1"]),
    "keywords_idx emptied": ("keywords", ["DELETE FROM keywords_idx"]),
    "keywords_idx moved": ("keywords", ["UPDATE keywords_idx SET pgno = pgno + 6"]),
    "keywords_docsize lost": ("keywords", ["DELETE FROM keywords_docsize WHERE id % 2"]),
    "keywords_docsize flipped": ("keywords", ["UPDATE keywords_docsize SET sz = x'ff'"]),
    "keywords_docsize another": ("keywords", ["UPDATE keywords_docsize SET sz = x'01'"]),
    "keywords_config emptied": ("keywords", ["DELETE FROM keywords_config"]),
    "keywords_config another": ("keywords", ["UPDATE keywords_config SET v = 99"]),
    "keywords_idx dropped": (
        "keywords",
        ["PRAGMA writable_schema = ON", "DELETE FROM sqlite_schema WHERE name = 'keywords_idx'"],
    ),
    "vectors cut": ("vectors", ["UPDATE vectors SET vector = substr(vector, 1, 7) WHERE key % 3 = 0"]),
    "vectors text": ("vectors", ["UPDATE vectors SET vector = 'text' WHERE key % 3 = 0"]),
    "vectors infinite": (
        "vectors",
        ["UPDATE vectors SET vector = unhex('00fc' || substr(hex(vector), 5)) WHERE key % 3 = 0"],
    ),
    "vectors lost": ("vectors", ["DELETE FROM vectors WHERE key % 3 = 0"]),
    "vector_sets dimension": ("vectors", ["UPDATE vector_sets SET dimension = 7"]),
    "vector_sets ahead": ("vectors", ["UPDATE vector_sets SET followed = followed + 1000000"]),
    "followers ahead": ("followers", ["UPDATE followers SET followed = followed + 1000000"]),
    "followers text": ("followers", ["UPDATE followers SET followed = 'text'"]),
}
PAGED = {
    "keywords_data": "keywords",
    "keywords_idx": "keywords",
    "keywords_docsize": "keywords",
    "keywords_config": "keywords",
    "vectors": "vectors",
    "sqlite_autoindex_vectors_1": "vectors",
    "vectors_by_document": "vectors",
    "vector_sets": "vectors",
    "followers": "followers",
}


def elsewhere(code: str, *arguments: str) -> None:
    """Run Python in another process, as whoever damages a file does."""
    subprocess.run([sys.executable, "-c", code, *arguments], check=True)


def fill(memory: Memory) -> Sequence[str]:
    """Record notes that share words, and index them."""
    ids = [
        memory.notes.add(f"a lantern number{place} over harbour{place * 7} of word{place % 40} and word{place % 7}")[
            0
        ].id
        for place in range(RECORDS)
    ]
    memory.recall.search(Query("lantern"))
    return ids


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Sequence[str]]:
    """A closed store with notes, and their ids."""
    home = tmp_path_factory.mktemp("template")
    with Memory.open({"MEMORY_MCP_HOME": str(home), "MEMORY_MCP_PROJECT_NAME": "here"}, home, actor="test") as memory:
        ids = fill(memory)
    return memory.places.store, ids


@pytest.fixture
def filled(template: tuple[Path, Sequence[str]], tmp_path: Path) -> tuple[Path, Sequence[str]]:
    """A copy of that store where `open_memory` finds it."""
    (tmp_path / "home").mkdir()
    shutil.copy(template[0], tmp_path / "home" / "memory.db")
    return tmp_path / "home" / "memory.db", template[1]


def twice(call: Callable[[], object]) -> None:
    """Do what a caller does who is told to repeat it."""
    try:
        call()
    except IndexMendedError:
        call()


def test_an_undamaged_index_has_no_fault(memory: Memory) -> None:
    ids = fill(memory)
    for erased in ids[::3]:
        memory.notes.delete(erased)
    memory.recall.search(Query("lantern"))

    assert memory.store.index_faults() == []
    assert memory.store.faults() == []


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_in_rows_is_found_named_and_mended(
    damage: str, filled: tuple[Path, Sequence[str]], open_memory: OpenMemory
) -> None:
    part, statements = DAMAGES[damage]
    elsewhere(SQL, str(filled[0]), *statements)
    memory = open_memory()

    found = memory.store.index_faults()
    assert {each.part for each in found} == {part}
    assert memory.store.faults() == []
    assert memory.store.mend_index() == (part,)
    memory.index.follow_for_search(0)

    assert memory.store.index_faults() == []
    assert memory.store.counts()["notes"] == RECORDS
    hits = memory.recall.search(Query("word3 lantern", limit=5))
    assert hits.mode == "hybrid"
    assert hits.degraded == ()
    assert all("word3" in hit.text for hit in hits.hits)


@pytest.mark.parametrize("tree", PAGED)
def test_damaged_pages_of_derived_tables_are_found_named_and_mended(
    tree: str, filled: tuple[Path, Sequence[str]], open_memory: OpenMemory
) -> None:
    elsewhere(PAGES, str(filled[0]), tree)
    memory = open_memory()

    assert {each.part for each in memory.store.index_faults()} == {PAGED[tree]}
    assert memory.store.faults() == []
    assert memory.store.mend_index() == (PAGED[tree],)
    memory.index.follow_for_search(0)

    assert memory.store.index_faults() == []
    assert memory.recall.search(Query("word3 lantern")).mode == "hybrid"


@pytest.mark.parametrize("damage", DAMAGES)
def test_records_are_erased_and_written_whatever_is_damaged(
    damage: str, filled: tuple[Path, Sequence[str]], open_memory: OpenMemory
) -> None:
    elsewhere(SQL, str(filled[0]), *DAMAGES[damage][1])
    memory = open_memory()

    twice(lambda: memory.notes.delete(filled[1][0]))
    memory.notes.add("one more lantern")

    assert memory.store.counts()["notes"] == RECORDS
    assert memory.store.faults() == []


@pytest.mark.parametrize("tree", PAGED)
def test_records_are_erased_and_written_whatever_pages_are_damaged(
    tree: str, filled: tuple[Path, Sequence[str]], open_memory: OpenMemory
) -> None:
    elsewhere(PAGES, str(filled[0]), tree)
    memory = open_memory()

    twice(lambda: memory.notes.delete(filled[1][0]))
    memory.notes.add("one more lantern")

    assert memory.store.counts()["notes"] == RECORDS


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_search_answers_from_the_rest_says_so_and_mends(
    damage: str, filled: tuple[Path, Sequence[str]], open_memory: OpenMemory
) -> None:
    elsewhere(SQL, str(filled[0]), *DAMAGES[damage][1])
    memory = open_memory()

    during = memory.recall.search(Query("word3 lantern", limit=5))
    memory.store.mend_index()
    memory.recall.search(Query("word3 lantern"))
    after = memory.recall.search(Query("word3 lantern", limit=5))

    assert len(during.hits) == len(after.hits) == 5
    if during.mode != "hybrid":
        part = {"keyword": "vectors", "vectors": "keyword index"}[during.mode]
        told = " ".join(during.degraded)
        assert f"{part} damaged, rebuilding" in told or "places of the index damaged, rebuilding" in told
    assert (after.mode, after.degraded) == ("hybrid", ())
    assert memory.store.index_faults() == []


@pytest.mark.parametrize("tree", PAGED)
def test_a_search_answers_from_the_rest_whatever_pages_are_damaged(
    tree: str, filled: tuple[Path, Sequence[str]], open_memory: OpenMemory
) -> None:
    elsewhere(PAGES, str(filled[0]), tree)
    memory = open_memory()

    assert len(memory.recall.search(Query("word3 lantern", limit=5)).hits) == 5
    memory.recall.search(Query("word3 lantern"))

    assert memory.recall.search(Query("word3 lantern", limit=5)).mode == "hybrid"
