"""A record is found by the shortest unique tail of its id."""

import json
import random
from collections import Counter

import pytest

from memory_mcp.errors import InvalidInputError
from memory_mcp.memory import Memory
from tests.conftest import OpenMemory

TAIL = "cafe0123"
FIRST, SECOND = f"{'1' * 22}ab{TAIL}", f"{'2' * 22}cb{TAIL}"


def renamed(memory: Memory, before: str, after: str) -> None:
    with memory.store.database.write() as session:
        session.run("UPDATE documents SET id = ? WHERE id = ?", (after, before))


def test_an_id_is_shown_by_eight_characters_and_found_by_them(memory: Memory) -> None:
    note = memory.notes.add("staging runs on port 6543")[0]

    short = memory.store.ids.shorten([note.id, "no id", "f" * 32])

    assert short == {note.id: note.id[-8:]}
    assert memory.store.ids.full(note.id[-8:]) == note.id
    assert [memory.store.ids.full(each) for each in (note.id, "nope", "not known")] == [note.id, "nope", "not known"]


def test_a_tail_that_two_ids_share_gets_longer_and_names_both_where_it_is_given(open_memory: OpenMemory) -> None:
    memory = open_memory()
    episode, _ = memory.episodes.start("mend the cart")
    renamed(memory, episode.id, FIRST)
    assert memory.store.ids.shorten([FIRST]) == {FIRST: TAIL}
    renamed(memory, memory.notes.add("the cart is a cookie")[0].id, SECOND)

    another = open_memory()

    assert another.store.ids.shorten([FIRST, SECOND]) == {FIRST: f"ab{TAIL}", SECOND: f"cb{TAIL}"}
    assert another.store.ids.full(f"cb{TAIL}") == SECOND
    with pytest.raises(InvalidInputError) as refused:
        another.store.ids.full(TAIL)
    assert str(refused.value) == (
        f"2 records have an id that ends in {TAIL}; give more of it: "
        f"episode {FIRST} 'mend the cart'; note {SECOND} 'the cart is a cookie'"
    )


def test_a_short_id_finds_what_its_project_sees_alone(open_memory: OpenMemory) -> None:
    here, there = open_memory("here"), open_memory("there")
    renamed(here, here.notes.add("ours")[0].id, FIRST)
    renamed(there, there.notes.add("theirs")[0].id, SECOND)

    assert (here.store.ids.full(TAIL), there.store.ids.full(TAIL)) == (FIRST, SECOND)


def test_what_another_process_records_is_found_and_makes_tails_longer(open_memory: OpenMemory) -> None:
    memory, other = open_memory(), open_memory()
    renamed(memory, memory.notes.add("first")[0].id, FIRST)
    assert memory.store.ids.full(TAIL) == FIRST

    inserted = other.notes.add("second")[0].id

    assert memory.store.ids.full(inserted[-8:]) == inserted


def test_a_handoff_has_a_short_id_too(memory: Memory) -> None:
    episode, _ = memory.episodes.start("mend the cart")
    handoff = memory.handoffs.checkpoint(episode.id, note="half done", next_steps=())

    assert memory.store.ids.shorten([handoff.id]) == {handoff.id: handoff.id[-8:]}
    assert memory.store.ids.full(handoff.id[-8:]) == handoff.id


def test_tails_are_the_shortest_unique_ones_among_thousands_whoever_adds_them(open_memory: OpenMemory) -> None:
    memory, other = open_memory(), open_memory()
    dice = random.Random(7)  # noqa: S311 - the same ids at each run
    shown = {"here": memory, "there": other}
    memory.notes.add("the first")
    ids: list[str] = []

    for count in (30, 1_500, 40, 900, 3_000, 20):
        added = [f"{dice.randrange(16**24):024x}{dice.randrange(4_000):08x}" for _ in range(count)]
        with other.store.database.write() as session:
            session.run(
                "INSERT INTO documents (id, kind, project_key, created_at) SELECT value, 'note', project_key, 0"
                " FROM json_each(?), (SELECT min(project_key) AS project_key FROM documents)",
                (json.dumps(added),),
            )
        ids += added
        asked = dice.sample(ids, 25)
        ends = Counter(each[-length:] for each in ids for length in range(8, 33))
        expected = {each: next(each[-n:] for n in range(8, 33) if ends[each[-n:]] == 1) for each in asked}

        assert [each.store.ids.shorten(asked) for each in shown.values()] == [expected, expected]
        assert [memory.store.ids.full(short) for short in expected.values()] == list(expected)


@pytest.mark.parametrize("text", ["", "1", "cafe", "CAFE0123", TAIL.upper()])
def test_what_is_too_short_for_an_id_or_in_capitals_is_refused(memory: Memory, text: str) -> None:
    renamed(memory, memory.notes.add("staging runs on port 6543")[0].id, FIRST)

    with pytest.raises(InvalidInputError) as refused:
        memory.store.ids.full(text)

    assert str(refused.value) == f"'{text}' is no id; give at least its last 8 characters, in small letters"


@pytest.mark.parametrize("text", ["%", "_", "%%%%%%%%", "________", "'; --", "zzzzzzzz", "\0" * 8, " " * 9])
def test_what_can_be_no_id_is_nobodys(memory: Memory, text: str) -> None:
    renamed(memory, memory.notes.add("staging runs on port 6543")[0].id, FIRST)

    assert memory.store.ids.full(text) == text


def test_a_foreign_id_is_found_whole_and_never_taken_for_the_tail_of_another(memory: Memory) -> None:
    for foreign in ("7", "cafe012", TAIL, f"my-{TAIL}"):
        renamed(memory, memory.notes.add(f"known as {foreign}")[0].id, foreign)
    renamed(memory, memory.notes.add("one of ours")[0].id, FIRST)

    assert [memory.store.ids.full(each) for each in ("7", "cafe012", TAIL)] == ["7", "cafe012", TAIL]
    assert memory.store.ids.shorten([FIRST, f"my-{TAIL}", TAIL]) == {FIRST: f"b{TAIL}", f"my-{TAIL}": f"-{TAIL}"}
    assert memory.store.ids.full(f"b{TAIL}") == FIRST
