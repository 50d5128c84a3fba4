"""An export holds everything, and an import of it gives the same memory back."""

import json
import random
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memory_mcp.errors import ImporterError
from memory_mcp.importers.archives import Opened, export_lines, import_export, is_export
from memory_mcp.importers.taking_in import Summary
from memory_mcp.memory import Memory
from memory_mcp.models.conversations import Message
from memory_mcp.models.episodes import (
    Context,
    Failure,
    Outcome,
    PartialSuccess,
    Source,
    Step,
    StepError,
    StepSuccess,
    Success,
)
from memory_mcp.models.patterns import PatternFilter
from memory_mcp.models.recall import Query
from memory_mcp.models.recommendations import Wanted
from memory_mcp.models.relationships import Relationship
from memory_mcp.models.snapshots import FileState, Snapshot
from memory_mcp.storage.snapshot_store import read_snapshots, write_snapshot
from tests.conftest import OpenMemory
from tests.fakes import DAY, FrozenClock


def live(memory: Memory, clock: FrozenClock, seed: int, episodes: int = 12) -> None:
    """Let a memory live through everything that it can hold."""
    dice = random.Random(seed)  # noqa: S311 - a life to replay
    ids = []
    for number in range(episodes):
        clock.moment += DAY // 24
        context = Context(domain=dice.choice(["", "billing"]), language="python", tags=tuple(dice.sample("abc", 2)))
        episode, _ = memory.episodes.start(
            f"repair module {number % 4}", task_type="bug_fix", context=context, is_global=dice.random() < 0.1
        )
        ids.append(episode.id)
        steps = [
            Step("bash", f"pytest tests/{number % 3}", result=StepError(f"KeyError: 'x{number % 3}'"), latency_ms=12.5),
            Step("edit", "mend it", {"file": f"src/{number % 3}.py", "lines": [1, 2]}, StepSuccess()),
            Step("bash", f"pytest tests/{number % 3}", result=StepSuccess("1 passed")),
        ]
        memory.episodes.append(episode.id, steps)
        if number == 5:
            memory.handoffs.checkpoint(episode.id, note="half done", next_steps=["write the test"])
        if number % 5 != 4:
            given = memory.advice.patterns(Wanted(f"repair module {number}"), episode_id=episode.id)
            memory.advice.recall(Query("repair the module"), episode_id=episode.id)
            outcomes: list[Outcome] = [Success("mended"), Failure("gave up"), PartialSuccess("half", ("a",), ("b",))]
            memory.learning.complete(episode.id, dice.choice(outcomes))
            if given.recommendation_id:
                memory.advice.judge("helped", recommendation_id=given.recommendation_id, rating=4, note="good")
    memory.relationships.add([Relationship("follows", ids[1], ids[0]), Relationship("related_to", ids[2], ids[3])])
    old, _ = memory.notes.add("the build needs node 20", tags=["build"], importance=0.9, source="ann")
    memory.notes.add("the build needs node 22", supersedes=old.id, valid_until=clock.moment + 90 * DAY)
    memory.conversations.remember(
        "standup", [Message("ann", "deploy is stuck", 5), Message("bob", "drain it", 6, is_marked=True)]
    )
    playbook = memory.advice.playbook(Wanted("repair module 2"))
    memory.advice.judge("hindered", recommendation_id=playbook.id)
    found = memory.store.patterns.list(PatternFilter(), limit=5, cursor=None).patterns
    memory.store.patterns.retire([found[-1].id], clock.moment)
    memory.learning.follow()


def exported(memory: Memory, path: Path) -> Path:
    path.write_bytes(b"".join(export_lines(memory.store, memory.clock)))
    return path


def taken_in(memory: Memory, path: Path, *, dry_run: bool = False) -> Summary:
    opened = Opened(memory.store, memory.learning, memory.decisions)
    return import_export(lambda _: opened, path, lambda _: None, dry_run=dry_run)


def content(path: Path) -> list[str]:
    """Return the lines of an export without the header and the order."""
    return sorted(path.read_text(encoding="utf-8").splitlines()[1:])


def test_an_import_of_an_export_gives_the_same_memory_back(
    open_memory: OpenMemory, clock: FrozenClock, tmp_path: Path, another_home: OpenMemory
) -> None:
    memory = open_memory()
    live(memory, clock, seed=1)
    first = exported(memory, tmp_path / "first.jsonl")
    other = another_home()

    summary = taken_in(other, first)

    second = exported(other, tmp_path / "second.jsonl")
    kinds = {json.loads(line)["line"] for line in content(first)}
    assert kinds == {"episode", "note", "relationship", "pattern", "handoff", "recommendation", "feedback"}
    assert content(second) == content(first)
    assert (summary.bad, summary.known) == (0, 0)
    question = Query("drain the stuck deploy")
    assert [hit.id for hit in other.recall.search(question).hits] == [
        hit.id for hit in memory.recall.search(question).hits
    ]
    one, two = (each.store.patterns.list(PatternFilter(), limit=50, cursor=None).patterns for each in (memory, other))
    assert {each.id: (each.definition, each.seen, each.followed) for each in two} == {
        each.id: (each.definition, each.seen, each.followed) for each in one
    }


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(2, 10_000))
def test_any_life_survives_the_round_trip(
    seed: int, open_memory: OpenMemory, clock: FrozenClock, tmp_path: Path, another_home: OpenMemory
) -> None:
    memory, other = open_memory(f"p{seed}"), another_home(f"p{seed}")
    if memory.store.counts()["episodes"] and memory.episodes.list().episodes:
        return  # a seed that hypothesis tries again
    live(memory, clock, seed, episodes=8)
    first = exported(memory, tmp_path / "first.jsonl")

    taken_in(other, first)

    assert content(exported(other, tmp_path / "second.jsonl")) == content(first)


def test_a_second_import_changes_nothing(
    open_memory: OpenMemory, clock: FrozenClock, tmp_path: Path, another_home: OpenMemory
) -> None:
    memory, other = open_memory(), another_home()
    live(memory, clock, seed=1)
    path = exported(memory, tmp_path / "first.jsonl")
    taken_in(other, path)
    before = {name: count for name, count in other.store.counts().items() if name not in {"changes", "audit_events"}}

    again = taken_in(other, path)

    assert again.imported == 0
    assert again.known == again.read
    after = {name: count for name, count in other.store.counts().items() if name not in {"changes", "audit_events"}}
    assert after == before


def test_a_rehearsal_counts_and_stores_nothing(
    open_memory: OpenMemory, clock: FrozenClock, tmp_path: Path, another_home: OpenMemory
) -> None:
    memory, other = open_memory(), another_home()
    live(memory, clock, seed=1)

    summary = taken_in(other, exported(memory, tmp_path / "first.jsonl"), dry_run=True)

    assert summary.imported == 15
    assert other.store.counts()["episodes"] == 0


def test_what_another_project_of_the_same_memory_has_is_reported(
    open_memory: OpenMemory, clock: FrozenClock, tmp_path: Path
) -> None:
    memory = open_memory()
    live(memory, clock, seed=1)
    path = exported(memory, tmp_path / "first.jsonl")

    summary = taken_in(open_memory("there"), path)

    assert summary.imported == 0
    assert summary.bad == 15
    assert "project here of this memory has it already" in summary.reports[0].reason


def test_bad_lines_are_reported_and_the_rest_is_taken_in(
    open_memory: OpenMemory, tmp_path: Path, another_home: OpenMemory
) -> None:
    memory = open_memory()
    memory.notes.add("kept")
    path = exported(memory, tmp_path / "first.jsonl")
    path.write_text(path.read_text(encoding="utf-8") + 'no json\n{"line": "wonder"}\n', encoding="utf-8")

    summary = taken_in(another_home(), path)

    assert (summary.imported, summary.bad) == (1, 2)
    assert is_export(path)
    assert not is_export(tmp_path / "absent")


def test_an_export_of_an_unknown_format_is_refused(memory: Memory, tmp_path: Path) -> None:
    path = tmp_path / "new.jsonl"
    header = {"line": "header", "format": "memory-mcp export 9", "version": "9", "project": "p", "exported_at": 1}
    path.write_text(json.dumps(header), encoding="utf-8")

    with pytest.raises(ImporterError, match="says 'memory-mcp export 9' and only 'memory-mcp export 1' can be read"):
        taken_in(memory, path)


def test_the_source_of_a_record_and_the_state_of_its_files_survive(
    open_memory: OpenMemory, tmp_path: Path, another_home: OpenMemory
) -> None:
    memory, other = open_memory(), another_home()
    episode = memory.episodes.draft("imported")
    memory.store.episodes.insert(msgspec.structs.replace(episode, source=Source("git", "abc")))

    with memory.store.database.write() as session:
        snapshot = Snapshot("c" * 40, "main", {"a.py": FileState("b" * 40, 3, 4)}, 5)
        write_snapshot(session, memory.store.writer, memory.store.episodes.place(session, episode.id)[0], snapshot)

    taken_in(other, exported(memory, tmp_path / "first.jsonl"))

    assert other.episodes.sources("git") == {"abc": episode.id}
    with other.store.database.read() as session:
        key, _ = other.store.episodes.place(session, episode.id)
        assert read_snapshots(session, [key]) == {key: snapshot}
