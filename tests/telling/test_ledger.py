"""What was told is booked, repeats are seen, and what nobody ever uses falls silent."""

from memory_mcp.memory import Memory
from memory_mcp.models.episodes import Source, Step
from memory_mcp.storage.ledger_store import DAY_US
from memory_mcp.telling.uses import is_used


def test_a_text_is_booked_with_its_bytes_and_its_records(memory: Memory) -> None:
    memory.ledger.book("s1", "hook", "user-prompt", "größer", ["a", "b"])
    memory.ledger.book("s1", "hook", "user-prompt", "again", ["a"])

    day = memory.ledger.days(0)[0]

    assert (day.tellings, day.records, day.repeats, day.size_bytes, day.tokens) == (2, 3, 1, 13, 5)
    assert [(each.name, each.tellings, each.repeats) for each in memory.ledger.records(0, 9)] == [
        ("a", 2, 1),
        ("b", 1, 0),
    ]


def test_a_session_and_its_sub_agents_share_what_was_told(memory: Memory) -> None:
    memory.ledger.book("s1:sub", "hook", "before-tool", "x", ["a"])

    assert memory.ledger.told("s1") == memory.ledger.told("s1:other") == {"a"}
    assert memory.ledger.told("s2") == frozenset()


def test_silence_is_counted_without_a_commit_and_booked_with_the_next_word(memory: Memory) -> None:
    for _ in range(3):
        memory.ledger.keep_silence("hook", "before-tool")

    assert memory.store.ledger.days(0) == []
    assert [(day.moment, day.silent, day.tellings) for day in memory.ledger.days(0)] == [("before-tool", 3, 0)]
    assert [day.silent for day in memory.ledger.days(0)] == [3]


def test_what_was_told_five_times_and_never_used_falls_silent_until_it_is_released(memory: Memory) -> None:
    note, _ = memory.notes.add("the basket lives in `src/basket.py`")
    for number in range(5):
        session = f"s{number}"
        memory.ledger.book(session, "hook", "session-start", "x", [note.id])
        memory.clock.moment += 1  # type: ignore[attr-defined]  # the tests' clock
        live = Source("hooks:claude-code", session)
        episode = memory.episodes.draft("mend", source=live)
        memory.episodes.record([episode])
        used = memory.store.sessions.latest_of("claude-code", session)
        assert used is not None
        step = Step("bash", "make test", recorded_at=memory.clock.now())
        memory.episodes.append(used[0], [step])
        assert memory.trust.may_speak([note.id], "briefing")

        assert memory.ledger.settle(session) == 1

    assert memory.trust.may_speak([note.id], "briefing") == {}
    assert memory.ledger.records(0, 9)[0].is_silent
    memory.clock.moment += 1  # type: ignore[attr-defined]
    memory.trust.release(note.id)
    assert memory.trust.may_speak([note.id], "briefing")


def test_use_is_not_judged_where_a_text_names_nothing_that_steps_could_show() -> None:
    deeds = [Step("bash", "make check-basket")]

    assert is_used("releases go out on Tuesday", deeds) is None
    assert is_used("run `make check-basket` first", deeds) is True
    assert is_used("`make ship` builds src/ship.py", deeds) is False


def test_a_session_that_was_compacted_is_told_again_and_one_that_is_resumed_is_not(memory: Memory) -> None:
    memory.ledger.book("s1", "hook", "session-start", "x", ["a"])
    memory.ledger.book("s1", "hook", "session-resume", "x", ["b"])
    before = memory.ledger.told("s1")

    memory.ledger.book("s1", "hook", "session-start", "")

    assert before == {"a", "b"}
    assert memory.ledger.told("s1") == frozenset()
    assert sum(day.tellings for day in memory.ledger.days(0)) == 2


def test_the_books_of_a_project_are_bounded(memory: Memory) -> None:
    memory.ledger.book("s1", "hook", "user-prompt", "x", ["a"])
    memory.clock.moment += 91 * DAY_US  # type: ignore[attr-defined]
    for _ in range(256):
        memory.ledger.book("s2", "hook", "user-prompt", "x", ["b"])

    assert [each.name for each in memory.ledger.records(0, 9)] == ["b"]
    assert sum(day.tellings for day in memory.ledger.days(0)) == 257
