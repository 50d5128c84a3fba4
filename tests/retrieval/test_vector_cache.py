"""The vector cache against the database: the same documents, the same cosines, whatever happened in between."""

import random
import shutil
import threading

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memory_mcp.memory import Memory
from memory_mcp.models.episodes import EpisodeFilter
from memory_mcp.models.recall import Query
from memory_mcp.retrieval.blocks import Layout
from memory_mcp.retrieval.vectors import rank
from memory_mcp.storage import search_index
from memory_mcp.storage.sights import Sight
from tests.conftest import OpenMemory
from tests.fakes import FrozenClock
from tests.lives import QUESTION, Life, embed, ready, same_as_the_database, sight_of


@pytest.mark.long
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
    lives = [Life(memory, dice) for memory in (here, here, there)]
    for _ in range(60):
        clock.moment += dice.randrange(3)
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
            keys = [key for key in pages.keys("vectors") if not key.endswith((b"contents", b"dead"))]
            return len(keys), sum(len(pages.get("vectors", key) or b"") for key in keys)

    assert size()[0] <= 7
    for gone in ids[:60]:
        memory.episodes.delete(gone)
        embed(memory)
        same_as_the_database(memory, everything(memory))
    blocks, held = size()
    assert blocks <= 4
    row = 8 * 4 + 8 * 8 + 8  # floats, fields, signs
    assert held <= 2 * 4 * row + blocks * 16, "at most twice the four that live"


def test_without_the_shared_cache_the_process_keeps_its_own(open_memory: OpenMemory) -> None:
    memory = filled(ready(open_memory(cache={"enabled": False})))

    assert same_as_the_database(memory, everything(memory)) == 40
    assert memory.similarity.vectors.private_bytes > 40 * 8 * 4
    assert not memory.places.cache.exists()


def test_a_cache_that_fails_in_mid_use_costs_nothing_but_time(open_memory: OpenMemory) -> None:
    memory = filled(ready(open_memory()))
    found = [hit.id for hit in memory.recall.search(Query("task number 7 iii")).hits]
    cache = memory.store.cache
    assert cache
    with cache.read() as pages:
        torn = [key for key in pages.keys("vectors") if not key.endswith(b"contents")]
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
    vectors = memory.similarity.vectors
    with vectors.opened(vector_set, Layout(8, in_columns=False)) as base, memory.store.database.read() as session:
        assert search_index.head(session) == 40
        newer = threading.Thread(target=lambda: (filled(memory, 1), same_as_the_database(memory, sight)))
        newer.start()
        newer.join()
        found = rank(vectors.parts(session, base, vector_set, sight), QUESTION, 100)

    assert len(found) == 40
    assert same_as_the_database(memory, sight) == 41
