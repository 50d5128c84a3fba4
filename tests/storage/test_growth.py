"""What an agent does all the time reads along an index: no statement of it looks at every record."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from memory_mcp.episodes.lifecycle import Changes
from memory_mcp.memory import Memory
from memory_mcp.models.episodes import Episode, EpisodeFilter, Step, StepError, Success
from memory_mcp.models.recall import Query

STEP = Step("bash", "pytest tests/test_login.py", result=StepError("KeyError: 'id'"))
SMALL = {"projects", "vector_sets", "followers", "CONSTANT", "keywords", "keyword_counts", "p"}
SMALL |= {"json_each", "w", "k"}  # lists that are handed in, and what a search has found


@contextmanager
def statements(memory: Memory) -> Iterator[list[tuple[str, Any]]]:
    """Collect what the connection of this thread runs."""
    found: list[tuple[str, Any]] = []
    connection = memory.store.database._pool.own()  # noqa: SLF001 - nothing else shows the statements

    def note(_: object, sql: str, bindings: Any) -> bool:
        found.append((sql, bindings))
        return True

    connection.exec_trace = note
    try:
        yield found
    finally:
        connection.exec_trace = None


def scans(memory: Memory, found: list[tuple[str, Any]]) -> list[str]:
    """Return the parts of query plans that look at a whole table."""
    connection = memory.store.database._pool.own()  # noqa: SLF001 - as above
    bad = []
    for sql, bindings in found:
        if sql.split()[0] not in {"SELECT", "INSERT", "UPDATE", "DELETE", "WITH"}:
            continue
        if sql.endswith("LIMIT 1"):  # the newest, read from the end
            continue
        plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}", bindings)]
        bad += [
            f"{line}: {sql}"
            for line in plan
            if line.startswith("SCAN ") and "INDEX" not in line and line.split()[1] not in SMALL and "(" not in line[:6]
        ]
    return bad


ACTIONS: dict[str, Callable[[Memory, Episode], object]] = {
    "add": lambda memory, _: memory.episodes.start("a new task"),
    "append": lambda memory, episode: memory.episodes.append(episode.id, [STEP]),
    "complete": lambda memory, episode: memory.learning.complete(episode.id, Success("done")),
    "get": lambda memory, episode: memory.episodes.get(episode.id),
    "update": lambda memory, episode: memory.episodes.update(episode.id, Changes(add_tags=("new",))),
    "delete": lambda memory, episode: memory.episodes.delete(episode.id),
    "list": lambda memory, _: memory.episodes.list(limit=20),
    "list filtered": lambda memory, _: memory.episodes.list(EpisodeFilter(status="completed", language="rust")),
    "note": lambda memory, _: memory.notes.add("a fact"),
    "notes": lambda memory, _: memory.notes.list(),
    "search": lambda memory, _: memory.recall.search(Query("mend the login")),
    "search all": lambda memory, _: memory.recall.search(Query("mend the login", scope="all")),
}


@pytest.mark.parametrize("name", ACTIONS)
def test_no_statement_of_everyday_use_scans_a_table(memory: Memory, name: str) -> None:
    for number in range(5):
        memory.learning.complete(memory.episodes.start(f"earlier task {number}")[0].id, Success("done"))
    episode, _ = memory.episodes.start("mend the login")
    memory.recall.search(Query("warm"))

    with statements(memory) as found:
        ACTIONS[name](memory, episode)

    assert found
    assert scans(memory, found) == []
