"""Calls run beside each other where one is slow, and none begins after the end."""

import threading

from memory_mcp.server.stdio.workers import Workers
from tests.server.conftest import LIMIT_S


def test_calls_that_wait_for_each_other_run_at_the_same_time() -> None:
    workers = Workers(8)
    together = threading.Barrier(8)

    def meet() -> None:
        together.wait(LIMIT_S)

    for _ in range(8):
        workers.submit(meet, 1)

    assert workers.finish(LIMIT_S)
    assert not together.broken


def test_every_call_of_many_runs_once() -> None:
    workers = Workers(4)
    done: list[int] = []

    for number in range(2_000):
        workers.submit(lambda number=number: done.append(number), 1)  # type: ignore[misc]  # bound

    assert workers.finish(LIMIT_S)
    assert sorted(done) == list(range(2_000))


def test_what_has_not_begun_at_the_end_does_not_run() -> None:
    workers = Workers(1)
    begun, may_end = threading.Event(), threading.Event()
    done: list[str] = []

    def first() -> None:
        begun.set()
        assert may_end.wait(LIMIT_S)
        done.append("first")

    workers.submit(first, 1)
    workers.submit(lambda: done.append("second"), 1)
    assert begun.wait(LIMIT_S)
    workers.stop()
    workers.submit(lambda: done.append("third"), 1)
    may_end.set()

    assert workers.finish(LIMIT_S)
    assert done == ["first"]
