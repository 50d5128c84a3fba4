"""What many small writes leave of the keyword index in parts is merged while nobody waits for it."""

from memory_mcp.memory import Memory
from memory_mcp.models.recall import Query
from memory_mcp.storage import keyword_entries, search_index

_QUESTION = Query("the basket of a guest", limit=10)


def write_apart(memory: Memory, count: int) -> None:
    for number in range(count):
        memory.notes.add(f"note {number} about the basket of guest{number % 7} and part{number}")
        memory.index.keywords.follow()


def merge_all(memory: Memory) -> int:
    steps = 0
    while memory.index.keywords.merge():
        steps += 1
    return steps


def parts(memory: Memory) -> int:
    """Count the parts of the index by the pages where each begins."""
    with memory.store.database.read() as session:
        return int(session.value("SELECT count(DISTINCT segid) FROM keywords_idx"))


def test_merging_leaves_one_part_that_answers_as_before(memory: Memory) -> None:
    write_apart(memory, 130)
    before = memory.recall.search(_QUESTION)

    merge_all(memory)

    assert parts(memory) == 1
    after = memory.recall.search(_QUESTION)
    assert [(hit.id, hit.score, hit.relevance) for hit in after.hits] == [
        (hit.id, hit.score, hit.relevance) for hit in before.hits
    ]


def test_each_step_of_merging_is_a_transaction_of_its_own_between_which_others_write(memory: Memory) -> None:
    for number in range(300):
        memory.notes.add(" ".join(f"word{number * 97 + each}" for each in range(90)))
    memory.index.keywords.follow()

    assert memory.index.keywords.merge()
    memory.notes.add("written between two steps")
    memory.index.keywords.follow()
    merge_all(memory)

    assert memory.recall.search(Query("written between two steps")).hits
    assert memory.recall.search(Query("word97")).hits


def test_an_index_that_hardly_grew_is_not_merged_again(memory: Memory) -> None:
    write_apart(memory, 130)
    merge_all(memory)
    write_apart(memory, 5)

    assert not memory.index.keywords.merge()
    assert parts(memory) > 1


def test_an_index_that_was_emptied_and_filled_again_is_merged_again(memory: Memory) -> None:
    write_apart(memory, 130)
    merge_all(memory)
    memory.store.mend_index("keywords")
    write_apart(memory, 1)

    merge_all(memory)

    assert parts(memory) == 1


def test_how_far_it_was_merged_is_never_ahead_of_what_was_written(memory: Memory) -> None:
    write_apart(memory, 130)
    merge_all(memory)

    with memory.store.database.read() as session:
        assert search_index.followed(session, keyword_entries.MERGED) <= search_index.head(session)
