"""Notes: remembering, replacing, expiring."""

import pytest

from memory_mcp.errors import IllegalMoveError, InvalidInputError, NotFoundError
from memory_mcp.memory import Memory
from memory_mcp.models.recall import Query
from tests.conftest import OpenMemory
from tests.fakes import DAY, FrozenClock


def test_a_newer_note_supersedes_an_older_one_in_lists_and_searches(memory: Memory) -> None:
    old, _ = memory.notes.add("the staging database runs on port 5433", tags=["db"])
    new, _ = memory.notes.add("the staging database runs on port 6543", tags=["db"], supersedes=old.id)

    assert [note.id for note in memory.notes.list().notes] == [new.id]
    assert [hit.id for hit in memory.recall.search(Query("staging database port")).hits] == [new.id]
    assert memory.notes.get(old.id).superseded_by == new.id
    assert len(memory.notes.list(include_old=True).notes) == 2


def test_deleting_the_newer_note_lets_the_older_one_count_again(memory: Memory) -> None:
    old, _ = memory.notes.add("release on Thursdays")
    new, _ = memory.notes.add("release on Fridays", supersedes=old.id)

    memory.notes.delete(new.id)

    assert [note.id for note in memory.notes.list().notes] == [old.id]


def test_an_expired_note_is_not_found(memory: Memory, clock: FrozenClock) -> None:
    memory.notes.add("the freeze is on", valid_until=clock.now() + DAY)
    assert len(memory.recall.search(Query("freeze")).hits) == 1

    clock.moment += 2 * DAY

    assert memory.recall.search(Query("freeze")).hits == ()
    assert memory.notes.list().notes == ()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"text": " "}, "the note is empty"),
        ({"text": "x", "importance": 1.5}, r"importance is 1\.5 and must lie within 0 and 1"),
        ({"text": "x", "valid_until": 5}, "valid_until lies in the past"),
        ({"text": "x", "tags": ["t" * 101]}, "a tag has 101 characters and may have 100"),
    ],
)
def test_a_bad_note_is_refused(memory: Memory, arguments: dict[str, object], sentence: str) -> None:
    with pytest.raises(InvalidInputError, match=sentence):
        memory.notes.add(**arguments)  # type: ignore[arg-type]  # wrong on purpose

    assert memory.notes.list().notes == ()


def test_superseding_an_unknown_note_is_refused_and_nothing_is_added(memory: Memory) -> None:
    with pytest.raises(NotFoundError, match="no note nope"):
        memory.notes.add("a fact", supersedes="nope")

    assert memory.notes.list().notes == ()


def test_a_global_note_is_seen_everywhere_and_changed_only_at_home(open_memory: OpenMemory) -> None:
    note, _ = open_memory("home").notes.add("the user prefers tabs", is_global=True)
    elsewhere = open_memory("elsewhere")

    assert [hit.id for hit in elsewhere.recall.search(Query("tabs")).hits] == [note.id]
    with pytest.raises(IllegalMoveError, match="is global and belongs to project home; change it there"):
        elsewhere.notes.delete(note.id)
