"""A store that an earlier version indexed is indexed again step by step, while it goes on answering."""

from pathlib import Path

import pytest

from memory_mcp.memory import Memory
from memory_mcp.models.recall import Query
from memory_mcp.retrieval.keywords import FORMAT
from memory_mcp.storage import derived, keyword_entries, search_index
from tests.conftest import OpenMemory
from tests.storage.test_earlier_schemas import EARLIER, unpack


def is_outdated(memory: Memory) -> bool:
    with memory.store.database.read() as session:
        return memory.index.keywords.is_outdated(session)


def make_old(memory: Memory) -> None:
    """Write the entries of an earlier format, in which C++ was the letter c."""
    with memory.store.database.write() as session:
        keys = search_index.changed_keys(session, 0)
        keyword_entries.write_keywords(session, dict.fromkeys(keys, "compile the c part"), search_index.head(session))
        session.run("DELETE FROM followers WHERE name = ?", (keyword_entries.KEYWORD_FORMAT,))


@pytest.mark.parametrize("number", EARLIER)
def test_an_earlier_store_reaches_the_newest_format(number: int, tmp_path: Path, open_memory: OpenMemory) -> None:
    unpack(number, tmp_path / "home")
    memory = open_memory("shop")
    before = memory.recall.search(Query("the basket of a guest is gone")).hits[0].id

    while memory.index.keywords.remake():
        pass

    assert not is_outdated(memory)
    assert memory.recall.search(Query("the basket of a guest is gone")).hits[0].id == before


def test_each_search_remakes_a_bounded_part_and_finds_all_meanwhile(open_memory: OpenMemory) -> None:
    memory = open_memory()
    for number in range(120):
        memory.notes.add(f"compile the C++ part {number}")
    memory.recall.search(Query("warm"))
    make_old(memory)

    remade = []
    for _ in range(4):
        assert memory.recall.search(Query("compile")).hits
        with memory.store.database.read() as session:
            remade.append(keyword_entries.remade(session))

    assert remade == [50, 100, 120, 0]
    assert not is_outdated(memory)
    assert len(memory.recall.search(Query("cplusplus")).hits) == 10


def test_a_new_store_has_the_newest_format_at_once(memory: Memory) -> None:
    memory.notes.add("compile the C++ part")
    memory.recall.search(Query("warm"))
    memory.recall.search(Query("warm"))

    assert not is_outdated(memory)


def test_the_format_is_not_taken_for_a_change_that_was_never_made(memory: Memory) -> None:
    memory.notes.add("the only record")
    memory.recall.search(Query("the only record"))

    with memory.store.database.read() as session:
        assert search_index.head(session) < FORMAT
        assert derived.followers_ahead(session) == []
