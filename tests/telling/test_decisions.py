"""Decisions as records: found once, kept in step with their sources, changed by the user, gone with their source."""

import json
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memory_mcp.errors import NotFoundError
from memory_mcp.importers.archives import Opened, export_lines, import_export
from memory_mcp.importers.commits import Commit, FileChange
from memory_mcp.importers.git import import_commits
from memory_mcp.memory import Memory
from memory_mcp.models.conversations import Message
from memory_mcp.models.decisions import Decision, DecisionFilter
from memory_mcp.models.episodes import Source, Step, StepSuccess, Success
from memory_mcp.models.recall import Query
from tests.conftest import OpenMemory

BUDGET = "fix: cap the retries\n\nMAX_ATTEMPTS is 7 - measured, not round. Never set it to 8."
HASHES = ("a" * 40, "b" * 40, "c" * 40)


def commit(memory: Memory, number: int, message: str, *files: str) -> str:
    subject, _, body = message.partition("\n\n")
    changes = tuple(FileChange(file, 1, 0) for file in files or ("retryx/retry.py",))
    made = Commit(HASHES[number], (), f"2026-01-0{number + 1}T00:00:00+00:00", subject, body, changes)
    import_commits(memory.episodes, memory.relationships, [made])
    return next(id_ for name, id_ in memory.episodes.sources("git").items() if name == HASHES[number])


def talk(memory: Memory, *texts: str, start: int = 1_700_000_000_000_000) -> str:
    messages = [Message(("user", "assistant")[n % 2], text, start + n) for n, text in enumerate(texts)]
    return memory.conversations.remember("talk", messages)[0].id


def listed(memory: Memory, chosen: DecisionFilter | None = None) -> list[Decision]:
    return list(memory.decisions.list(chosen or DecisionFilter(), limit=100).decisions)


def test_a_commits_decision_names_its_file_its_names_and_its_hash(memory: Memory) -> None:
    episode = commit(memory, 0, BUDGET)

    assert memory.decisions.follow() == 0

    (decision,) = listed(memory)
    assert decision.text == "fix: cap the retries. MAX_ATTEMPTS is 7 - measured, not round. Never set it to 8."
    assert (decision.source_id, decision.source_kind, decision.origin) == (episode, "commit", HASHES[0])
    assert (decision.voice, decision.files, decision.names) == ("repository", ("retryx/retry.py",), ("MAX_ATTEMPTS",))
    assert memory.decisions.of([episode]) == [decision]
    assert memory.decisions.about(["/home/me/retryx/retry.py"]) == [decision]
    assert memory.decisions.about(names=["MAX_ATTEMPTS"]) == [decision]
    assert memory.decisions.about(["other/retry.go"], ["run"]) == []


def test_following_again_and_renewing_change_nothing(memory: Memory) -> None:
    commit(memory, 0, BUDGET)
    talk(memory, "Which way?", "Percent or fixed first?", "Percent must always come first.")
    memory.decisions.follow()
    before, head = listed(memory), memory.store.head()

    memory.decisions.follow()
    assert memory.store.head() == head
    memory.decisions.renew()
    assert listed(memory) == before


def test_a_talk_is_read_again_when_it_goes_on(memory: Memory) -> None:
    id_ = talk(memory, "Limits?", "What is MAX_ATTEMPTS?", "MAX_ATTEMPTS must be 5.")
    memory.decisions.follow()

    memory.conversations.append(
        id_, [Message("user", "MAX_ATTEMPTS must be 7, it was measured.", 1_700_000_001_000_000)]
    )
    memory.decisions.follow()

    assert [each.turn for each in memory.decisions.of([id_])] == [3]
    turn = memory.conversations.turns(id_)[0]
    assert memory.decisions.of([turn.id]) == memory.decisions.of([id_])


def test_a_decision_goes_with_its_source(memory: Memory) -> None:
    episode = commit(memory, 0, BUDGET)
    conversation = talk(memory, "Which way?", "Percent or fixed first?", "Percent must always come first.")
    note, _ = memory.notes.add("The queue must never be sorted.")
    memory.decisions.follow()
    assert len(listed(memory)) == 3

    for id_ in (episode, conversation):
        memory.episodes.delete(id_)
    memory.notes.delete(note.id)

    assert listed(memory) == []
    with memory.store.database.read() as session:
        for table in ("decisions", "decision_places", "decision_sources", "decision_links"):
            assert session.value(f"SELECT count(*) FROM {table}") == 0
        assert session.value("SELECT count(*) FROM documents WHERE kind = 'decision'") == 0


def test_an_erased_decision_leaves_no_byte(open_memory: OpenMemory) -> None:
    memory = open_memory()
    note, _ = memory.notes.add("The xylophonic queue must never be sorted.")
    memory.decisions.follow()
    memory.index.keywords.follow()

    memory.notes.delete(note.id)
    path = memory.store.database.path
    memory.close()

    files = [path, path.with_name(f"{path.name}-wal")]
    assert all(b"xylophonic" not in file.read_bytes() for file in files if file.exists())


def test_what_the_user_retired_stays_retired_when_it_is_found_again(memory: Memory) -> None:
    commit(memory, 0, BUDGET)
    memory.decisions.follow()
    (decision,) = listed(memory)

    memory.decisions.retire(decision.id)
    memory.decisions.renew()

    assert listed(memory) == []
    assert [each.id for each in listed(memory, DecisionFilter(retired=True))] == [decision.id]
    assert memory.decisions.about(names=["MAX_ATTEMPTS"]) == []
    memory.decisions.restore(decision.id)
    assert listed(memory) == [decision]


def test_a_changed_value_replaces_the_older_decision_and_its_record_ranks_behind(memory: Memory) -> None:
    older = commit(
        memory, 0, "fix: cap the retries\n\nMAX_ATTEMPTS must be 5 because the limiter of the upstream trips."
    )
    newer = commit(memory, 1, "fix: raise the cap\n\nMAX_ATTEMPTS must be 7, measured.")
    question = Query("how many retries does the limiter of the upstream allow, MAX_ATTEMPTS")
    assert [hit.id for hit in memory.recall.search(question).hits] == [older, newer]

    memory.decisions.follow()

    first, second = memory.decisions.of([older], standing=False)[0], memory.decisions.of([newer])[0]
    assert (first.replaced_by, second.replaced_by) == (second.id, None)
    assert memory.decisions.of([older]) == []
    assert listed(memory, DecisionFilter(replaced=True)) == [first]
    assert [hit.id for hit in memory.recall.search(question).hits] == [newer, older]


def test_the_order_in_which_records_come_does_not_matter(open_memory: OpenMemory, another_home: OpenMemory) -> None:
    messages = ("fix: one\n\nMAX_ATTEMPTS must be 5.", "fix: two\n\nMAX_ATTEMPTS must be 7, measured.")
    found = []
    for memory, order in ((open_memory(), (0, 1)), (another_home(), (1, 0))):
        for number in order:
            commit(memory, number, messages[number])
            memory.decisions.follow()
        found.append([(link.why, memory.decisions.get(link.older).text) for link in memory.decisions.replacements()])

    assert found[0] == found[1] == [("MAX_ATTEMPTS: 5 → 7", "fix: one. MAX_ATTEMPTS must be 5.")]


def test_a_commit_that_reverts_another_replaces_its_decision(memory: Memory) -> None:
    commit(memory, 0, BUDGET)
    commit(memory, 1, f'Revert "fix: cap the retries"\n\nThis reverts commit {HASHES[0]}.')
    commit(memory, 2, f'Revert "Update the docs"\n\nThis reverts commit {"d" * 40}.')

    memory.decisions.follow()

    assert [each.text for each in listed(memory)] == ['Revert "fix: cap the retries"']
    assert [each.origin for each in listed(memory, DecisionFilter(replaced=True))] == [HASHES[0]]


def test_amendments_of_one_project_are_left_alone_by_another(open_memory: OpenMemory) -> None:
    first, second = open_memory("first"), open_memory("second")
    for memory in (first, second):
        start = 1_700_000_000_000_000
        older = "On a collision of two contacts always keep the record with the latest timestamp."
        newer = "Amended, superseding keep-latest: on a collision of two contacts the most-filled record wins."
        talk(memory, "Contacts collide.", "How?", older, start=start)
        talk(memory, "Names are lost.", "Then?", newer, start=start + 1_000_000)
        memory.decisions.follow()

    assert [len(memory.decisions.replacements()) for memory in (first, second)] == [1, 1]


def test_a_lower_voice_ends_nothing_that_the_user_said_unless_the_user_settles_it(memory: Memory) -> None:
    users, _ = memory.decisions.add("MAX_ATTEMPTS must be 5.")
    agents, _ = memory.decisions.add("MAX_ATTEMPTS must be 7.", voice="agent")
    memory.decisions.follow()
    assert {each.id for each in listed(memory)} == {users.id, agents.id}
    assert memory.decisions.get(users.id).replaced_by is None

    memory.decisions.settle(agents.id, users.id)
    assert memory.decisions.get(users.id).replaced_by == agents.id


def test_what_was_replaced_stands_again_when_the_newer_one_is_retired(memory: Memory) -> None:
    older, _ = memory.decisions.add("MAX_ATTEMPTS must be 5.")
    newer, _ = memory.decisions.add("MAX_ATTEMPTS must be 7.")
    memory.decisions.follow()
    asked = Query("MAX_ATTEMPTS must be", kinds=("decision",))
    assert [hit.id for hit in memory.recall.search(asked).hits] == [newer.id]

    memory.decisions.retire(newer.id)

    assert [hit.id for hit in memory.recall.search(asked).hits] == [older.id]
    assert [each.id for each in listed(memory)] == [older.id]


def test_one_call_settles_two_decisions_for_good(memory: Memory) -> None:
    first, _ = memory.decisions.add("Use tabs in the shop.", files=["shop/pay.py"])
    second, _ = memory.decisions.add("Use blanks in the shop.", files=["shop/pay.py"])

    memory.decisions.settle(second.id, first.id)
    memory.decisions.renew()
    assert memory.decisions.get(first.id).replaced_by == second.id
    assert [each.id for each in memory.decisions.about(["shop/pay.py"])] == [second.id]

    memory.decisions.settle(first.id, second.id, both=True)
    assert {each.id for each in memory.decisions.about(["shop/pay.py"])} == {first.id, second.id}


def test_contradictions_are_shown_together_until_they_are_settled(memory: Memory) -> None:
    one = commit(
        memory, 0, "feat: limits\n\nThe timeout is 5 s and must never be longer for the payment client.", "a.py"
    )
    other = commit(
        memory, 1, "feat: more\n\nThe timeout is 9 s and must never be longer for the payment client.", "b.py"
    )
    memory.decisions.follow()

    (link,) = memory.decisions.contradictions()
    older, newer = memory.decisions.of([one])[0], memory.decisions.of([other])[0]
    assert (link.newer, link.older, link.why) == (newer.id, older.id, "timeout: 5 → 9")
    assert older.contradicts == (newer.id,)

    memory.decisions.settle(newer.id, older.id, both=True)
    memory.decisions.renew()
    assert memory.decisions.contradictions() == []


def test_what_is_added_is_a_note_that_stands_as_a_whole(memory: Memory) -> None:
    made, _ = memory.decisions.add("Never push to main.", files=["ci/run"], names=["push"], who="Ada")

    assert (made.text, made.files, made.names, made.who) == ("Never push to main.", (), ("ci/run", "push"), "Ada")
    assert made.is_added
    assert memory.notes.get(made.source_id).tags == ("decision",)
    memory.decisions.follow()
    assert listed(memory, DecisionFilter(added=True)) == [made]
    quoting, _ = memory.decisions.add("Say this:\nApplies to: all\nand go on.")
    assert quoting.text == "Say this:\nApplies to: all\nand go on."
    memory.notes.delete(quoting.source_id)
    with pytest.raises(NotFoundError):
        memory.decisions.add("Push to main.", replaces=["nothing"])
    assert listed(memory) == [made]


def test_a_note_that_was_superseded_or_expires_decides_nothing(memory: Memory) -> None:
    note, _ = memory.notes.add("The queue must never be sorted.")
    memory.decisions.follow()

    memory.notes.add("Sort the queue, always by age.", supersedes=note.id)
    memory.notes.add("Deploys must wait.", valid_until=memory.clock.now() + 1_000_000)
    memory.decisions.follow()

    assert [each.text for each in listed(memory)] == ["Sort the queue, always by age."]


def test_decisions_are_searched_among_themselves_and_leave_other_answers_alone(memory: Memory) -> None:
    commit(memory, 0, BUDGET)
    memory.decisions.follow()
    (decision,) = listed(memory)

    assert [hit.id for hit in memory.recall.search(Query("MAX_ATTEMPTS of the retries", kinds=("decision",))).hits] == [
        decision.id
    ]
    assert [hit.kind for hit in memory.recall.search(Query("MAX_ATTEMPTS of the retries")).hits] == ["episode"]
    memory.decisions.retire(decision.id)
    assert memory.recall.search(Query("MAX_ATTEMPTS of the retries", kinds=("decision",))).hits == ()


def test_secrets_are_replaced_in_decisions_too(memory: Memory) -> None:
    secret = "ghp_" + "a1B2" * 9
    note, _ = memory.notes.add(f"The token must always be {secret}.")
    memory.decisions.follow()
    made, _ = memory.decisions.add(f"Never use {secret}.")

    assert all(secret not in each.text for each in listed(memory))
    assert {each.source_id for each in listed(memory)} == {note.id, made.source_id}


def test_a_damaged_decision_is_set_aside_and_the_others_are_listed(memory: Memory) -> None:
    first, _ = memory.decisions.add("Never push to main.")
    second, _ = memory.decisions.add("Never sort the queue.")
    with memory.store.database.write() as session:
        session.run("UPDATE decisions SET text = 'Always push to main.' WHERE text = 'Never push to main.'")

    page = memory.decisions.list()

    assert (page.decisions, page.damaged) == ((second,), 1)
    assert first.id not in {each.id for each in memory.decisions.of([first.source_id, second.source_id])}


def test_a_global_record_has_global_decisions(open_memory: OpenMemory) -> None:
    here, there = open_memory("here"), open_memory("there")
    note, _ = here.notes.add("Dates must be stored in UTC.", is_global=True)
    here.notes.add("The queue must never be sorted.")
    here.decisions.follow()

    assert [each.text for each in listed(there)] == ["Dates must be stored in UTC."]
    assert [each.source_id for each in listed(there)] == [note.id]


def test_an_export_carries_what_the_user_made_and_the_rest_is_found_again(
    open_memory: OpenMemory, another_home: OpenMemory, tmp_path: Path
) -> None:
    memory, other = open_memory(), another_home()
    commit(memory, 0, BUDGET)
    commit(memory, 1, "feat: dates\n\nDates must be stored in UTC, never as text.")
    memory.decisions.follow()
    dates, budget = listed(memory)
    added, _ = memory.decisions.add("Use uv, never pip.", replaces=[dates.id])
    memory.decisions.retire(budget.id)
    file = tmp_path / "all.jsonl"
    file.write_bytes(b"".join(export_lines(memory.store, memory.clock)))

    opened = Opened(other.store, other.learning, other.decisions)
    summary = import_export(lambda _: opened, file, lambda _: None, dry_run=False)

    assert summary.bad == 0
    kinds = [json.loads(line)["line"] for line in file.read_text(encoding="utf-8").splitlines()]
    assert (kinds.count("decision"), kinds.count("settled")) == (3, 1)
    assert [each.id for each in listed(other, DecisionFilter(retired=True))] == [budget.id]
    assert [(each.id, each.replaced_by) for each in listed(other, DecisionFilter(replaced=True))] == [
        (dates.id, added.id)
    ]
    assert [each.id for each in listed(other)] == [added.id]
    again = import_export(lambda _: opened, file, lambda _: None, dry_run=False)
    assert (again.imported, again.bad) == (0, 0)


def test_what_the_user_said_in_a_session_is_the_users_and_a_verdict_is_the_agents(memory: Memory) -> None:
    asked = Step("user", "No, use uv here instead of pip, always.", recorded_at=1_700_000_001_000_000)
    edited = Step("edit", "mend it", {"file_path": "shop/pay.py"}, StepSuccess("ok"))
    draft = memory.episodes.draft("install the shop")
    seen = msgspec.structs.replace(draft, source=Source("hooks:claude-code", "s1"), steps=(edited, asked))
    memory.episodes.record([seen])
    own, _ = memory.episodes.start("mend the till")
    memory.learning.complete(own.id, Success("The till must be closed before the tests run, since it keeps a lock."))
    run = msgspec.structs.replace(memory.episodes.draft("It must never fail."), source=Source("swe-agent", "r1"))
    memory.episodes.record([run])

    memory.decisions.follow()

    found = {each.text: each for each in listed(memory)}
    assert {text: each.voice for text, each in found.items()} == {
        "No, use uv here instead of pip, always.": "user",
        "The till must be closed before the tests run, since it keeps a lock.": "agent",
    }
    corrected = found["No, use uv here instead of pip, always."]
    assert (corrected.source_kind, corrected.said_at, corrected.files) == (
        "task",
        1_700_000_001_000_000,
        ("shop/pay.py",),
    )


def test_a_listing_is_narrowed_by_file_and_name_and_goes_page_by_page(memory: Memory) -> None:
    for number, file in enumerate(("a/pay.py", "b/pay.py", "b/till.py")):
        commit(memory, number, f"fix: {number}\n\nLimit {number} of max_items must never be {number}.", file)
    memory.decisions.follow()

    assert [each.files for each in listed(memory, DecisionFilter(file="src/a/pay.py"))] == [("a/pay.py",)]
    assert len(listed(memory, DecisionFilter(name="max_items"))) == 3
    first = memory.decisions.list(limit=2)
    second = memory.decisions.list(limit=2, cursor=first.next_cursor)
    assert [each.files for each in (*first.decisions, *second.decisions)] == [
        ("b/till.py",),
        ("b/pay.py",),
        ("a/pay.py",),
    ]
    assert second.next_cursor is None


SENTENCES = st.lists(
    st.sampled_from(
        ["MAX_ATTEMPTS must be 5.", "MAX_ATTEMPTS must be 7.", "Never sort the queue.", "Sort the queue again, always."]
    ),
    min_size=1,
    max_size=3,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(mine=SENTENCES, theirs=SENTENCES, shared=st.booleans())
def test_no_decision_crosses_the_wall(
    open_memory: OpenMemory, mine: list[str], theirs: list[str], *, shared: bool
) -> None:
    here, there = open_memory("here"), open_memory("there")
    for memory, texts in ((here, mine), (there, theirs)):
        for text in texts:
            memory.notes.add(f"{memory.project}: {text}")
    if shared:
        here.notes.add("everywhere: Dates must be stored in UTC.", is_global=True)
    for memory in (here, there):
        memory.decisions.follow()

    for memory in (here, there):
        seen = [*listed(memory), *listed(memory, DecisionFilter(replaced=True))]
        ids = {each.id for each in seen}
        assert all(each.text.startswith((f"{memory.project}:", "everywhere:")) for each in seen)
        assert all(each.replaced_by in {None, *ids} and {*each.contradicts} <= ids for each in seen)
        for link in (*memory.decisions.replacements(100), *memory.decisions.contradictions(100)):
            assert {link.newer, link.older} <= ids
        foreign = {each.id for each in listed(there if memory is here else here) if not each.is_global}
        assert memory.decisions.of(foreign, standing=False) == []
        for id_ in sorted(foreign):
            with pytest.raises(NotFoundError):
                memory.decisions.retire(id_)
