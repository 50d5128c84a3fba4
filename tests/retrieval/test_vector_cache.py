"""The vector cache against the database: the same documents, the same cosines, whatever happened in between."""

import random
import shutil
import threading
from collections.abc import Callable
from typing import get_args

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memory_mcp.episodes.lifecycle import Changes
from memory_mcp.memory import Memory
from memory_mcp.models.episodes import Context, EpisodeFilter, Failure, OutcomeType, Status, Success
from memory_mcp.models.recall import Kind, Query, Scope
from memory_mcp.retrieval.blocks import Layout
from memory_mcp.retrieval.vectors import cosines, rank
from memory_mcp.storage import search_index
from memory_mcp.storage.search_index import Sight
from tests.conftest import OpenMemory
from tests.fakes import FrozenClock, SlowProvider

QUESTION = np.linspace(-1, 1, 8).astype(np.float32)
DOMAINS, LANGUAGES, TAGS = ("web", "data", ""), ("python", "rust"), ("red", "green", "blue")


def ready(memory: Memory, fold_at: int = 1) -> Memory:
    """Give a memory a small model whose vectors are folded into the cache at once."""
    memory.providers[:] = [SlowProvider()]
    memory.recall.vectors.fold_at = fold_at
    return memory


def embed(memory: Memory) -> None:
    memory.index.follow_vectors(memory.providers[0], patience_s=60)


def same_as_the_database(memory: Memory, sight: Sight) -> int:
    """Compare what the cache and one snapshot of the database say; return how many documents that were."""
    with memory.store.database.read() as session:
        vector_set = search_index.find_vector_set(session, "fake:slow")
    assert vector_set
    vectors = memory.recall.vectors
    with vectors.opened(vector_set, Layout(8, in_columns=False)) as base, memory.store.database.read() as session:
        found = dict(rank(vectors.parts(session, base, vector_set, sight), QUESTION, 10_000))
        condition, bindings = sight.condition()
        keys = session.rows(
            f"SELECT d.key FROM documents d LEFT JOIN episodes e ON e.key = d.key WHERE {condition}", bindings
        )
        expected = cosines(search_index.read_vectors(session, vector_set.key, [key for (key,) in keys]), QUESTION)
    assert found == pytest.approx(expected, abs=1e-5)
    return len(found)


def sight_of(memory: Memory, dice: random.Random) -> Sight:
    def maybe(*values: object) -> object:
        return dice.choice(values) if dice.random() < 0.3 else None

    now = memory.clock.now()
    chosen = EpisodeFilter(
        status=maybe(*get_args(Status)),  # type: ignore[arg-type]  # one of its values
        outcome=maybe(*get_args(OutcomeType)),  # type: ignore[arg-type]  # as above
        domain=maybe(*DOMAINS),  # type: ignore[arg-type]  # as above
        language=maybe(*LANGUAGES),  # type: ignore[arg-type]  # as above
        tags=tuple(tag for tag in TAGS if dice.random() < 0.2),
        since=maybe(now - 5, now),  # type: ignore[arg-type]  # as above
        until=maybe(now - 3, now + 1),  # type: ignore[arg-type]  # as above
    )
    kinds: tuple[Kind, ...] = dice.choice([("episode", "note"), ("episode",), ("note",), ("pattern",)])
    return Sight(memory.store.wall, dice.choice(get_args(Scope)), chosen, kinds, now)


class Life:
    """Random changes to a memory, each as a user could make it."""

    def __init__(self, memory: Memory, clock: FrozenClock, dice: random.Random) -> None:
        self.memory, self.clock, self.dice = memory, clock, dice
        self.episodes: list[str] = []
        self.notes: list[str] = []

    def step(self) -> None:
        self.clock.moment += self.dice.randrange(3)
        moves: list[Callable[[], object]] = [self.start, self.start, self.note]
        if self.episodes:
            moves += [self.update, self.complete, self.erase]
        if self.notes:
            moves += [self.supersede, self.forget]
        self.dice.choice(moves)()

    def start(self) -> None:
        dice = self.dice
        tags = tuple(tag for tag in TAGS if dice.random() < 0.4)
        place = Context(domain=dice.choice(DOMAINS), language=dice.choice(LANGUAGES), tags=tags)
        task = "".join(dice.choices("etaoinsr ", k=30)) + "x" * dice.choice((1, 1, 2_500))
        episode, _ = self.memory.episodes.start(task, context=place, is_global=dice.random() < 0.2)
        self.episodes.append(episode.id)

    def note(self) -> None:
        valid_until = self.clock.moment + 4 if self.dice.random() < 0.3 else None
        note, _ = self.memory.notes.add("".join(self.dice.choices("etaoinsr ", k=30)) + "x", valid_until=valid_until)
        self.notes.append(note.id)

    def supersede(self) -> None:
        old = self.notes.pop(self.dice.randrange(len(self.notes)))
        note, _ = self.memory.notes.add("a newer fact" + "o" * self.dice.randrange(9), supersedes=old)
        self.notes.append(note.id)

    def forget(self) -> None:
        self.memory.notes.delete(self.notes.pop(self.dice.randrange(len(self.notes))))

    def update(self) -> None:
        changes = Changes(domain=self.dice.choice(DOMAINS), add_tags=("red",), is_global=self.dice.random() < 0.3)
        self.memory.episodes.update(self.dice.choice(self.episodes), changes)

    def complete(self) -> None:
        chosen = self.dice.choice(self.episodes)
        if self.memory.episodes.get(chosen).outcome is None:
            self.memory.episodes.complete(chosen, Success("done") if self.dice.random() < 0.5 else Failure("not done"))

    def erase(self) -> None:
        self.memory.episodes.delete(self.episodes.pop(self.dice.randrange(len(self.episodes))))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10_000), lazy=st.booleans(), shared=st.booleans())
def test_the_cache_says_what_the_database_says(
    open_memory: OpenMemory,
    clock: FrozenClock,
    seed: int,
    lazy: bool,  # noqa: FBT001 - hypothesis fills it in
    shared: bool,  # noqa: FBT001 - as above
) -> None:
    dice = random.Random(seed)  # noqa: S311 - a seed, not a secret
    cache = {"enabled": shared}
    here = ready(open_memory("here", cache=cache), fold_at=15 if lazy else 1)
    there = ready(open_memory("there", cache=cache), fold_at=40)
    lives = [Life(memory, clock, dice) for memory in (here, here, there)]
    for _ in range(60):
        dice.choice(lives).step()
        if dice.random() < 0.6:
            embed(here)
        if dice.random() < 0.3:
            embed(here)
            same_as_the_database(dice.choice((here, there)), sight_of(here, dice))
    embed(there)
    for memory in (here, there):
        for _ in range(10):
            same_as_the_database(memory, sight_of(memory, dice))


def filled(memory: Memory, count: int = 40) -> Memory:
    for number in range(count):
        memory.episodes.start(f"task number {number} " + "aeiou"[number % 5] * number)
    embed(memory)
    return memory


def everything(memory: Memory) -> Sight:
    return Sight(memory.store.wall, "project", EpisodeFilter(), ("episode", "note"), memory.clock.now())


def test_a_fresh_process_ranks_without_reading_the_vectors_from_the_database(open_memory: OpenMemory) -> None:
    writer = filled(ready(open_memory()))
    assert same_as_the_database(writer, everything(writer)) == 40
    with writer.store.database.write() as session:
        session.run("UPDATE vectors SET vector = zeroblob(length(vector))")
    reader = ready(open_memory())

    with pytest.raises(AssertionError):
        same_as_the_database(reader, everything(reader))


def test_adding_one_episode_leaves_the_blocks_as_they_are(open_memory: OpenMemory) -> None:
    memory = filled(ready(open_memory(), fold_at=10))
    same_as_the_database(memory, everything(memory))
    cache = memory.store.cache
    assert cache

    def block_keys() -> set[bytes]:
        with cache.read() as pages:
            return set(pages.keys("vectors"))

    before = block_keys()
    memory.episodes.start("one more")
    embed(memory)

    assert same_as_the_database(memory, everything(memory)) == 41
    assert block_keys() == before


def test_blocks_stay_few_and_dead_rows_do_not_pile_up(open_memory: OpenMemory) -> None:
    memory = ready(open_memory())
    for _ in range(64):
        filled(memory, 1)
        same_as_the_database(memory, everything(memory))
    ids = [row.id for row in memory.episodes.list(limit=100).episodes]
    cache = memory.store.cache
    assert cache

    def size() -> tuple[int, int]:
        with cache.read() as pages:
            keys = [key for key in pages.keys("vectors") if key.endswith(b"vectors")]
            return len(keys), sum(len(pages.get("vectors", key) or b"") for key in keys)

    assert size()[0] <= 7
    for gone in ids[:60]:
        memory.episodes.delete(gone)
        embed(memory)
        same_as_the_database(memory, everything(memory))
    blocks, held = size()
    assert blocks <= 4
    assert held <= 2 * 4 * 8 * 4 * 2, "at most twice the four that live, of 8 floats each"


def test_without_the_shared_cache_the_process_keeps_its_own(open_memory: OpenMemory) -> None:
    memory = filled(ready(open_memory(cache={"enabled": False})))

    assert same_as_the_database(memory, everything(memory)) == 40
    assert memory.recall.vectors.private_bytes > 40 * 8 * 4
    assert not memory.places.cache.exists()


def test_a_cache_that_fails_in_mid_use_costs_nothing_but_time(open_memory: OpenMemory) -> None:
    memory = filled(ready(open_memory()))
    found = [hit.id for hit in memory.recall.search(Query("task number 7 iii")).hits]
    cache = memory.store.cache
    assert cache
    with cache.read() as pages:
        torn = [key for key in pages.keys("vectors") if key.endswith(b"signs")]
    cache.write(lambda pages: pages.delete("vectors", torn[0]))

    again = [hit.id for hit in memory.recall.search(Query("task number 7 iii")).hits]

    assert again == found
    assert same_as_the_database(memory, everything(memory)) == 40


def test_removing_the_cache_between_searches_changes_no_answer(open_memory: OpenMemory) -> None:
    memory = filled(ready(open_memory()))
    found = memory.recall.search(Query("task number 7 iii")).hits
    shutil.rmtree(memory.places.cache)

    assert memory.recall.search(Query("task number 7 iii")).hits == found
    assert same_as_the_database(ready(open_memory()), everything(memory)) == 40


def test_vectors_that_were_made_anew_replace_the_old_ones(open_memory: OpenMemory) -> None:
    memory = filled(ready(open_memory()))
    same_as_the_database(memory, everything(memory))
    memory.store.delete_vector_set("fake:slow")
    embed(memory)
    with memory.store.database.write() as session:
        session.run("UPDATE vectors SET vector = (SELECT vector FROM vectors ORDER BY key DESC LIMIT 1)")

    with pytest.raises(AssertionError):
        same_as_the_database(memory, everything(memory))


def test_a_snapshot_older_than_what_another_thread_saw_gets_its_own_state(open_memory: OpenMemory) -> None:
    memory = filled(ready(open_memory(), fold_at=10))
    sight = everything(memory)
    with memory.store.database.read() as session:
        vector_set = search_index.find_vector_set(session, "fake:slow")
    assert vector_set
    vectors = memory.recall.vectors
    with vectors.opened(vector_set, Layout(8, in_columns=False)) as base, memory.store.database.read() as session:
        assert search_index.head(session) == 40
        newer = threading.Thread(target=lambda: (filled(memory, 1), same_as_the_database(memory, sight)))
        newer.start()
        newer.join()
        found = rank(vectors.parts(session, base, vector_set, sight), QUESTION, 100)

    assert len(found) == 40
    assert same_as_the_database(memory, sight) == 41
