"""The order of a replay, and which runs are one task and never know of each other."""

from itertools import pairwise

from memory_cli.replay.runs import found_in, in_order, own_runs
from memory_mcp.importers.records import EpisodeRecord
from memory_mcp.memory import Memory
from memory_mcp.models.relationships import Relationship
from tests.conftest import OpenMemory
from tests.replay.histories import HOUR, START, SUBJECTS, found, ordered, ran

STEP = ran("pytest")


def test_runs_go_in_the_order_of_time_and_those_without_steps_are_left_out() -> None:
    runs = ordered(found("b", SUBJECTS[0], STEP, at=2), found("a", SUBJECTS[1], STEP, at=1), found("c", SUBJECTS[2]))

    assert [run.name for run in runs] == ["a", "b"]
    assert [run.started_at for run in runs] == [START + HOUR, START + 2 * HOUR]


def test_runs_of_one_time_keep_the_order_in_which_they_were_read_an_hour_apart() -> None:
    runs = ordered(*(found(name, SUBJECTS[at], STEP) for at, name in enumerate("cab")))

    assert [run.name for run in runs] == ["c", "a", "b"]
    assert [run.started_at - runs[0].started_at for run in runs] == [0, HOUR, 2 * HOUR]
    assert all(run.ended_at < following.started_at for run, following in pairwise(runs))


def test_runs_are_one_task_by_a_tie_or_by_nearly_the_same_words() -> None:
    runs = ordered(
        found("a", SUBJECTS[0], STEP, at=1, ties=("issue shop__shop-1",)),
        found("b", SUBJECTS[1], STEP, at=2),
        found("c", SUBJECTS[2], STEP, at=3, ties=("issue shop__shop-1",)),
        found("d", SUBJECTS[1].upper() + "!", STEP, at=4),
    )

    assert [(run.task, sorted(run.apart)) for run in runs] == [("a", []), ("b", []), ("a", ["a"]), ("b", ["b"])]


def test_a_later_run_does_not_join_two_tasks_after_the_fact() -> None:
    members = [
        found("a", SUBJECTS[0], STEP, at=1, ties=("one",)),
        found("b", SUBJECTS[1], STEP, at=2, ties=("other",)),
        found("c", SUBJECTS[2], STEP, at=3, ties=("one", "other")),
    ]

    assert [sorted(run.apart) for run in ordered(*members)] == [[], [], ["a", "b"]]
    assert [sorted(run.apart) for run in ordered(*members, hindsight=True)] == [["a", "b", "c"]] * 3


def test_damaged_episodes_of_ones_own_are_left_out_and_counted(memory: Memory, open_memory: OpenMemory) -> None:
    kept, lost, half_lost = (memory.episodes.start(task)[0] for task in ("kept", "lost", "half lost"))
    for each in (kept, lost, half_lost):
        memory.episodes.append(each.id, [STEP])
    with memory.store.database.write() as session:
        session.run("UPDATE episodes SET task = 'host' WHERE task = 'lost'")
        key, _ = memory.store.episodes.place(session, half_lost.id)
        session.run("UPDATE steps SET action = 'other' WHERE episode_key = ?", (key,))

    found_runs, damaged = own_runs(open_memory())

    assert ([each.name for each in found_runs], damaged) == ([kept.id], 2)


def test_linked_episodes_of_ones_own_are_one_task(memory: Memory) -> None:
    first, _ = memory.episodes.start(SUBJECTS[0])
    second, _ = memory.episodes.start(SUBJECTS[1])
    third, _ = memory.episodes.start(SUBJECTS[2])
    for each in (first, second, third):
        memory.episodes.append(each.id, [STEP])
    memory.relationships.add(
        [Relationship("follows", second.id, first.id), Relationship("references", third.id, first.id)]
    )

    groups = {run.name: run.task for run in in_order(own_runs(memory)[0])[memory.project]}

    assert groups[first.id] == groups[second.id] != groups[third.id]


def test_parts_and_side_chains_of_a_session_are_one_task_and_so_are_runs_of_an_issue() -> None:
    episode = found("x", SUBJECTS[0], STEP).episode
    part = found_in(EpisodeRecord("s#2", episode, parent=None, follows="s"), "shop")
    chain = found_in(EpisodeRecord("agent-7", episode, parent="s"), "shop")
    run = found_in(EpisodeRecord("second_run/shop__shop-12", episode), "shop")

    assert "session s" in part.ties
    assert "session s" in chain.ties
    assert "issue shop__shop-12" in run.ties
