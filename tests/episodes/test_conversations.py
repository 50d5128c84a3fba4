"""Conversations are episodes of their own kind, found turn by turn."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory_mcp.episodes.lifecycle import Changes
from memory_mcp.errors import IllegalMoveError, InvalidInputError, NotFoundError
from memory_mcp.memory import Memory
from memory_mcp.models.conversations import Message, importance
from memory_mcp.models.episodes import Context, Step, Success
from memory_mcp.models.recall import Query
from tests.conftest import OpenMemory
from tests.fakes import DAY, FrozenClock

AT = 1_699_000_000_000_000
TALK = [
    Message("user", "Which database does the billing service use in production?", AT),
    Message("assistant", "It is PostgreSQL 16, behind pgbouncer.", AT + 1),
    Message("user", "And how do I get the menu of the canteen?", AT + 2),
    Message("assistant", "Scan the code at the door.", AT + 3),
]


def test_a_conversation_keeps_its_messages_in_order(memory: Memory) -> None:
    made, _ = memory.conversations.remember("onboarding", TALK[:2], context=Context(tags=("team",)))
    memory.conversations.append(made.id, TALK[2:])

    turns = memory.conversations.turns(made.id)

    assert [turn.message for turn in turns] == TALK
    assert [turn.position for turn in turns] == [0, 1, 2, 3]
    assert {(turn.conversation_id, turn.title, turn.tags) for turn in turns} == {(made.id, "onboarding", ("team",))}
    (row,) = memory.conversations.list().episodes
    assert (row.id, row.task, row.started_at) == (made.id, "onboarding", AT)
    assert memory.episodes.list().episodes == ()  # tasks are listed by themselves


def test_a_single_message_is_found_with_what_stands_around_it(memory: Memory) -> None:
    made, _ = memory.conversations.remember("onboarding", TALK)

    hit = memory.recall.search(Query("pgbouncer in front of PostgreSQL", kinds=("turn",))).hits[0]

    assert (hit.kind, hit.text) == ("turn", "assistant: It is PostgreSQL 16, behind pgbouncer.")
    assert hit.place is not None
    assert (hit.place.conversation_id, hit.place.position) == (made.id, 1)
    assert hit.place.before.startswith("user: Which database")
    assert hit.place.after.startswith("user: And how do I get")
    assert memory.recall.search(Query("pgbouncer")).hits[0].id == hit.id
    assert memory.recall.search(Query("pgbouncer", kinds=("episode", "note"))).hits == ()


def test_the_words_of_a_question_lift_its_answer(memory: Memory) -> None:
    memory.conversations.remember("onboarding", TALK)

    hits = memory.recall.search(Query("which database in production", kinds=("turn",))).hits

    answer = next((hit for hit in hits if "PostgreSQL" in hit.text), None)
    assert hits[0].text.startswith("user: Which database")
    if answer is not None:
        assert answer.parts.boosts["neighbour"] > 0.3


def test_importance_comes_from_role_age_and_marks() -> None:
    now = AT + 30 * DAY

    assert importance(Message("user", "hello", now), now) == 0.6
    assert importance(Message("user", "hello", AT), now) == 0.45
    assert importance(Message("assistant", "hello", AT), now) == 0.35
    assert importance(Message("tool", "hello", AT), now) == 0.25
    assert importance(Message("user", "hello", now, is_marked=True), now) == 1.0
    assert importance(Message("user", "Remember this: the key is blue", now), now) == 1.0
    assert importance(Message("user", "I remember thistles", now), now) == 0.6


@given(st.text(), st.text(), st.integers(0, 2**50), st.booleans(), st.integers(0, 2**50))
def test_importance_lies_within_0_and_1(role: str, text: str, at: int, is_marked: bool, now: int) -> None:  # noqa: FBT001
    assert 0 <= importance(Message(role, text, at, is_marked), now) <= 1


def test_a_marked_message_ranks_before_its_equal(memory: Memory, clock: FrozenClock) -> None:
    memory.conversations.remember("one", [Message("user", "the deploy window is Tuesday", clock.now())])
    memory.conversations.remember("two", [Message("user", "the deploy window is Tuesday", clock.now(), is_marked=True)])

    hits = memory.recall.search(Query("deploy window", kinds=("turn",))).hits

    assert [hit.place.title for hit in hits if hit.place] == ["two", "one"]
    assert hits[0].parts.boosts["importance"] > hits[1].parts.boosts["importance"]


def test_a_conversation_cannot_be_worked_on_like_a_task(memory: Memory) -> None:
    made, _ = memory.conversations.remember("onboarding", TALK)
    task, _ = memory.episodes.start("a task")

    with pytest.raises(IllegalMoveError, match="is a conversation, so you cannot append steps; add messages to it"):
        memory.episodes.append(made.id, [Step("bash", "ls")])
    with pytest.raises(IllegalMoveError, match="you cannot complete it"):
        memory.learning.complete(made.id, Success())
    with pytest.raises(NotFoundError, match="is a task and no conversation"):
        memory.conversations.append(task.id, TALK)
    with pytest.raises(InvalidInputError, match="no messages given"):
        memory.conversations.remember("empty", [])
    with pytest.raises(InvalidInputError, match="text of message 2 is empty"):
        memory.conversations.append(made.id, [TALK[0], Message("user", " ", AT)])


def test_erasing_a_conversation_erases_its_messages_everywhere(memory: Memory) -> None:
    made, _ = memory.conversations.remember("onboarding", TALK)
    memory.recall.search(Query("pgbouncer"))

    memory.episodes.delete(made.id)

    assert memory.recall.search(Query("pgbouncer")).hits == ()
    counts = memory.store.counts()
    assert (counts["turns"], counts["episodes"]) == (0, 0)
    assert memory.store.index_sizes().keyword_entries == 0
    with memory.store.database.read() as session:
        assert session.value("SELECT count(*) FROM documents") == 0


def test_messages_stay_behind_the_wall_unless_the_conversation_is_global(open_memory: OpenMemory) -> None:
    theirs, mine = open_memory("theirs"), open_memory("mine")
    made, _ = theirs.conversations.remember("onboarding", TALK)

    assert mine.recall.search(Query("pgbouncer")).hits == ()
    with pytest.raises(NotFoundError):
        mine.conversations.turns(made.id)
    theirs.episodes.update(made.id, Changes(is_global=True))
    assert len(mine.recall.search(Query("pgbouncer")).hits) == 1
    assert len(mine.conversations.turns(made.id)) == 4


def test_learning_takes_nothing_from_a_conversation(memory: Memory) -> None:
    memory.conversations.remember("onboarding", TALK)

    memory.learning.follow()

    assert memory.store.counts()["patterns"] == 0
    assert memory.store.digests.count_unlearned() == 0
