"""Learning through a real store: what completing teaches, whatever the order, and what erasing takes back."""

from collections.abc import Callable, Sequence

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memory_mcp.errors import DamagedError
from memory_mcp.memory import Memory
from memory_mcp.models.episodes import (
    Context,
    Episode,
    Failure,
    Outcome,
    Source,
    Step,
    StepError,
    StepResult,
    StepSuccess,
    Success,
)
from memory_mcp.models.patterns import Pattern, PatternFilter, Tally, title_of
from memory_mcp.models.recommendations import Wanted
from memory_mcp.models.relationships import Relationship
from tests.conftest import OpenMemory
from tests.fakes import DAY, FrozenClock

OK = StepSuccess("ok")
LONG = "KeyError: '{}' is missing in the session store of the shop when the basket is opened"


def bash(command: str, result: StepResult = OK) -> Step:
    return Step("bash", command, result=result)


def edit(file: str) -> Step:
    return Step("edit", "mend it", {"file": file}, OK)


def fixing(error: str, file: str = "app.py") -> list[Step]:
    return [bash("pytest", StepError(error)), edit(file), bash("pytest"), bash("git commit -m x")]


def record(memory: Memory, task: str, steps: Sequence[Step], outcome: Outcome | None = None) -> Episode:
    episode, _ = memory.episodes.start(task, task_type="bug_fix", context=Context(language="python"))
    if steps:
        memory.episodes.append(episode.id, steps)
    return memory.learning.complete(episode.id, outcome or Success(evidence="user")).episode


def patterns(memory: Memory, **chosen: object) -> dict[str, Pattern]:
    page = memory.store.patterns.list(PatternFilter(**chosen), limit=500, cursor=None)  # type: ignore[arg-type]  # names of the filter
    return {title_of(each.definition): each for each in page.patterns}


def test_completing_teaches_and_says_what_it_proves(memory: Memory) -> None:
    tasks = ("mend the login", "ship the parcel", "count the coupons", "print the bill", "greet guests")
    told = []
    for task in tasks:
        episode, _ = memory.episodes.start(task, task_type="bug_fix")
        memory.episodes.append(episode.id, fixing("KeyError: user"))
        told.append(memory.learning.complete(episode.id, Success(evidence="user")).patterns)

    assert told[:3] == [(), (), ()]  # too few
    assert [(title_of(each.definition), each.seen) for each in told[4]] == [
        ("recover from KeyError: user", Tally(5, 5.0))
    ]


def test_learning_twice_changes_nothing(memory: Memory) -> None:
    record(memory, "mend the login", fixing("KeyError: user"))
    record(memory, "mend the logout page", fixing("KeyError: user"))
    memory.learning.follow()
    before = patterns(memory)

    memory.learning.relearn()

    assert patterns(memory) == before


def test_changes_of_what_is_learnt_are_passed_over_at_once(memory: Memory) -> None:
    for number in range(30):
        record(memory, f"mend page {number}", fixing("KeyError: user"), Success(evidence="user"))
    memory.learning.follow()
    with memory.store.database.write() as session:
        memory.store.digests.reach(session, 1)

    assert not memory.learning.follow(patience_s=0.0)

    assert not memory.store.digests.lags()


def test_the_follower_learns_what_no_completion_did(memory: Memory, clock: FrozenClock) -> None:
    moment = clock.now()
    imported = Episode(
        id="",
        project="",
        task="imported",
        task_type="",
        context=Context(),
        started_at=moment,
        updated_at=moment,
        steps=tuple(fixing("KeyError: user")),
        outcome=Success(evidence="user"),
        source=Source("test", "1"),
    )
    memory.episodes.record([imported])
    assert memory.store.digests.count_unlearned() == 1

    assert not memory.learning.follow()

    assert "recover from KeyError: user" in patterns(memory)
    assert memory.store.digests.count_unlearned() == 0


def test_a_corrected_outcome_is_learnt_again(memory: Memory) -> None:
    episode = record(memory, "mend the login", fixing("KeyError: user"))

    memory.episodes.correct_outcome(episode.id, Failure(reason="reverted"), tag="reverted")
    memory.learning.follow()

    (row,) = memory.store.digests.progress()
    assert row[1] == 0.0


def test_erasing_an_episode_erases_what_only_it_showed_and_its_words(memory: Memory) -> None:
    kept = record(memory, "mend the login", fixing("KeyError: user"))
    erased = record(memory, "mend the logout page", fixing("TypeError: secret_name", "private.py"))
    memory.learning.follow()
    playbook = memory.advice.playbook(Wanted("mend the logout page"))
    assert erased.id in {source.episode_id for source in playbook.sources}

    memory.episodes.delete(erased.id)
    memory.learning.follow()

    left = patterns(memory)
    assert "recover from TypeError: secret_name" not in left
    assert left["recover from KeyError: user"].seen == Tally(1, 1.0)
    assert [each.episode_id for each in left["recover from KeyError: user"].evidence] == [kept.id]
    assert memory.store.recommendations.list("playbook", 10) == []
    with memory.store.database.read() as session:
        for table in ("pattern_identities", "evidence", "failures", "recommendations"):
            assert not [row for row in session.rows(f"SELECT * FROM {table}") if "secret_name" in str(row)]


ERRORS = [LONG.format("user"), LONG.format("name"), LONG.format("mail"), "TypeError: no", "KeyError: other"]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.permutations(range(5)), st.lists(st.sampled_from(ERRORS), min_size=5, max_size=5))
def test_merging_does_not_depend_on_the_order_of_episodes(
    open_memory: OpenMemory, order: list[int], errors: list[str]
) -> None:
    outcomes: list[Outcome] = [
        Success(evidence="user"),
        Failure(reason="no"),
        Success(evidence="user"),
        Success(evidence="user"),
        Failure(reason="no"),
    ]

    def learnt(project: str, numbers: Sequence[int]) -> dict[str, object]:
        memory = open_memory(project)
        for page in [memory.episodes.list(limit=100).episodes]:
            for row in page:
                memory.episodes.delete(row.id)
        for number in numbers:
            record(memory, f"task {number} about {number * 'x'}", fixing(errors[number]), outcomes[number])
        memory.learning.follow()
        return {
            title: (
                each.kind,
                each.seen,
                sorted(map(title_of, each.also)),
                sorted((evidence.task, evidence.share, repr(evidence.detail)) for evidence in each.evidence),
            )
            for title, each in patterns(memory).items()
        }

    assert learnt("one", range(5)) == learnt("other", order)


def test_two_errors_of_one_episode_that_are_one_pattern_count_once(memory: Memory) -> None:
    steps = [
        bash("pytest a.py", StepError(LONG.format("user"))),
        bash("pytest b.py", StepError(LONG.format("name"))),
        edit("a.py"),
        bash("pytest a.py"),
    ]

    record(memory, "mend both", steps, Failure(reason="half"))

    (found,) = patterns(memory, kind="error_recovery").values()
    assert (found.seen, len(found.also)) == (Tally(1, 1.0), 1)


def test_the_reward_difference_compares_with_all_other_episodes(memory: Memory) -> None:
    with_it = record(memory, "mend the login", fixing("KeyError: user"))
    without = record(memory, "look around", [bash("ls src")], Failure(reason="no"))

    found = patterns(memory)["recover from KeyError: user"]

    assert with_it.reward is not None
    assert without.reward is not None
    assert found.reward_difference == pytest.approx(with_it.reward.total - without.reward.total)


def test_a_pattern_ages_retires_and_comes_back_when_seen_again(memory: Memory, clock: FrozenClock) -> None:
    record(memory, "mend the login", fixing("KeyError: user"))
    clock.moment += 400 * DAY

    would = memory.learning.aged()
    assert "recover from KeyError: user" in {title_of(each.pattern.definition) for each in would}
    assert "recover from KeyError: user" in patterns(memory)
    memory.learning.decay()
    assert patterns(memory) == {}
    assert memory.recommender.search("KeyError user pytest", 5) == []
    assert "recover from KeyError: user" in patterns(memory, include_retired=True)

    record(memory, "mend the logout page", fixing("KeyError: user"))

    assert patterns(memory)["recover from KeyError: user"].seen == Tally(2, 2.0)


def test_an_episode_that_repeats_another_is_linked_and_kept(memory: Memory, clock: FrozenClock) -> None:
    first = record(memory, "Shopping cart loses its items when the session expires", [])
    clock.moment += 1
    other = record(memory, "Rename the orders table", [])
    clock.moment += 1
    episode, _ = memory.episodes.start("shopping  cart loses its items when the session expires!")

    done = memory.learning.complete(episode.id, Success(evidence="user"))

    assert done.duplicate_of == first.id
    assert list(memory.relationships.list(episode.id)) == [Relationship("duplicates", episode.id, first.id)]
    assert list(memory.relationships.list(other.id)) == []
    assert memory.episodes.get(episode.id).status == "completed"


def test_nothing_learnt_crosses_the_wall(open_memory: OpenMemory) -> None:
    here, there = open_memory("here"), open_memory("there")
    record(here, "mend the login", fixing("KeyError: user"))

    there.learning.follow()

    assert patterns(there) == {}
    assert there.advice.playbook(Wanted("mend the login")).message == "nothing relevant is remembered"
    assert there.store.digests.latest_failures(5) == []
    assert there.store.digests.runs.of_subjects([("pytest", "")]) == []


def test_a_busy_store_delays_learning_and_never_completing(open_memory: OpenMemory) -> None:
    memory = open_memory(busy_timeout_s=0.05)
    episode, _ = memory.episodes.start("mend the login")
    memory.episodes.append(episode.id, fixing("KeyError: user"))
    complete: Callable[[str, Outcome], object] = memory.episodes.complete
    blocker = open_memory(busy_timeout_s=5.0)

    def completes_then_is_locked_out(episode_id: str, outcome: Outcome) -> object:
        found = complete(episode_id, outcome)
        lock.__enter__()
        return found

    lock = blocker.store.database.write()
    memory.learning._episodes = Locked(completes_then_is_locked_out)  # type: ignore[assignment]  # noqa: SLF001 - the lock must come in between
    done = memory.learning.complete(episode.id, Success(evidence="user"))
    lock.__exit__(None, None, None)

    assert "busy" in done.pending
    assert memory.episodes.get(episode.id).status == "completed"
    memory.learning.follow()
    assert "recover from KeyError: user" in patterns(memory)


class Locked:
    """Episodes whose completion is followed by another process's lock."""

    def __init__(self, complete: Callable[[str, Outcome], object]) -> None:
        self.complete = complete


def test_a_pattern_survives_a_round_trip_as_json(memory: Memory) -> None:
    record(memory, "mend the login", fixing("KeyError: user"))

    for each in patterns(memory).values():
        assert msgspec.json.decode(msgspec.json.encode(each), type=Pattern) == each


def test_pages_of_patterns_show_each_once(memory: Memory) -> None:
    for number in range(4):
        record(memory, f"task {number * 'x'} of its own", fixing(f"KeyError: name{number * 'x'}", f"file{number}.py"))
    whole = memory.store.patterns.list(PatternFilter(), limit=500, cursor=None).patterns

    seen: list[Pattern] = []
    cursor = None
    for _ in whole:
        page = memory.store.patterns.list(PatternFilter(), limit=2, cursor=cursor)
        seen += page.patterns
        cursor = page.next_cursor
        if cursor is None:
            break

    assert seen == list(whole)
    assert cursor is None


def test_a_damaged_pattern_does_not_keep_learning_from_going_on(memory: Memory) -> None:
    record(memory, "mend the login", fixing("KeyError: user"))
    with memory.store.database.write() as session:
        session.run("UPDATE pattern_identities SET checksum = checksum + 1 WHERE kind = 'error_recovery'")

    done = record(memory, "mend the order page", fixing("KeyError: order", "b.py"))

    assert done.status == "completed"
    assert "recover from KeyError: order" in patterns(memory)


def test_an_error_that_a_damaged_pattern_holds_is_learnt_again_without_a_double(memory: Memory) -> None:
    record(memory, "mend the login", fixing("KeyError: user"))
    with memory.store.database.write() as session:
        session.run("UPDATE pattern_identities SET checksum = checksum + 1 WHERE kind = 'error_recovery'")

    record(memory, "mend the order page", fixing("KeyError: user", "b.py"))

    with memory.store.database.read() as session:
        assert session.value("SELECT count(*) FROM patterns WHERE kind = 'error_recovery'") == 1
        assert session.value("SELECT uses FROM patterns WHERE kind = 'error_recovery'") == 2
        damaged = session.value("SELECT d.id FROM documents d JOIN patterns p USING (key) WHERE p.kind LIKE 'error%'")
    with pytest.raises(DamagedError, match=f"pattern {damaged} does not match its checksum"):
        memory.store.patterns.get(damaged)
