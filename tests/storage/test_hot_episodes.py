"""Hot episodes: never an older state than the store's, kept as long as there is room."""

import json
import os
import shutil
import subprocess
import sys
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memory_mcp.episodes.lifecycle import Changes
from memory_mcp.errors import CacheError, NotFoundError
from memory_mcp.memory import Memory
from memory_mcp.models.episodes import Context, Episode, Step, StepError, StepSuccess, Success
from memory_mcp.monitoring.health import check
from tests.conftest import OpenMemory
from tests.fakes import DAY, FrozenClock

STEPS = [Step("bash", f"step {number}", {"n": number}, StepSuccess("done"), 1, 7) for number in range(5)]


def warm(memory: Memory) -> Memory:
    """Let this process use the shared cache, as a server does."""
    assert memory.store.cache
    assert memory.store.cache.write(lambda _: None)
    return memory


def started(memory: Memory, task: str) -> Episode:
    """Start an episode that has steps, so that it is kept in the shared cache too."""
    episode, _ = memory.episodes.start(task)
    memory.episodes.append(episode.id, STEPS)
    return memory.episodes.get(episode.id)


def read_plainly(memory: Memory, episode_id: str) -> Episode:
    """Read an episode from the database alone."""
    with memory.store.database.read() as session:
        key = session.value("SELECT key FROM documents WHERE id = ?", (episode_id,))
        found = memory.store.episodes.load_many(session, [key])[key]
    assert isinstance(found, Episode)
    return found


def test_an_episode_read_twice_is_decoded_once(memory: Memory) -> None:
    episode, _ = memory.episodes.start("read me twice")

    assert memory.episodes.get(episode.id) is memory.episodes.get(episode.id)
    assert memory.store.episodes.hot.misses == 0


def test_a_fresh_process_reads_what_another_kept(open_memory: OpenMemory) -> None:
    writer = warm(open_memory())
    episode, _ = writer.episodes.start("kept by the writer")
    writer.episodes.append(episode.id, STEPS)

    reader = warm(open_memory())

    assert reader.episodes.get(episode.id) == read_plainly(writer, episode.id)
    assert (reader.store.episodes.hot.cache_hits, reader.store.episodes.hot.misses) == (1, 0)


def test_every_change_by_another_process_is_seen_at_once(open_memory: OpenMemory) -> None:
    here, there = warm(open_memory()), warm(open_memory())
    episode, _ = here.episodes.start("changed elsewhere")

    there.episodes.append(episode.id, STEPS)
    assert len(here.episodes.get(episode.id).steps) == 5
    there.episodes.update(episode.id, Changes(add_tags=("new",)))
    assert here.episodes.get(episode.id).context.tags == ("new",)
    there.episodes.complete(episode.id, Success("well done"))
    assert here.episodes.get(episode.id).outcome == Success("well done")
    there.episodes.delete(episode.id)
    with pytest.raises(NotFoundError):
        here.episodes.get(episode.id)


def test_a_change_by_a_process_without_the_cache_is_seen_too(open_memory: OpenMemory) -> None:
    here = warm(open_memory())
    episode, _ = here.episodes.start("changed by the terminal")
    environment = {**os.environ, "MEMORY_MCP_HOME": str(here.places.home), "MEMORY_MCP_PROJECT_NAME": "here"}

    command = [sys.executable, "-m", "memory_cli.app", "tag", "add", episode.id, "mark"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert here.episodes.get(episode.id).context.tags == ("mark",)


def test_an_erased_episode_leaves_the_shared_cache(open_memory: OpenMemory) -> None:
    writer, other = warm(open_memory()), warm(open_memory())
    episode = started(writer, "to be erased")
    cache = writer.store.cache
    assert cache
    with cache.read() as pages:
        assert pages.keys("episodes") == [episode.id.encode()]

    other.episodes.delete(episode.id)

    with cache.read() as pages:
        assert pages.keys("episodes") == []
        assert pages.keys("ages") == []


def test_the_wall_holds_for_what_is_hot(open_memory: OpenMemory) -> None:
    mine, theirs = warm(open_memory("mine")), warm(open_memory("theirs"))
    episode, _ = mine.episodes.start("behind a wall")
    mine.episodes.get(episode.id)

    with pytest.raises(NotFoundError):
        theirs.episodes.get(episode.id)


def test_the_longest_unused_leave_when_room_is_short(open_memory: OpenMemory, clock: FrozenClock) -> None:
    memory = warm(open_memory(cache={"episodes_mb": 1}))
    ids = []
    for number in range(40):
        clock.moment += 1
        episode, _ = memory.episodes.start(f"number {number}")
        memory.episodes.append(episode.id, [Step("bash", "cat", result=StepSuccess("x" * 50_000))])
        ids.append(episode.id)

    counts = memory.store.episodes.hot.counts()
    assert counts
    assert counts.bytes <= 1 << 20
    assert counts.evictions > 10
    cache = memory.store.cache
    assert cache
    with cache.read() as pages:
        kept = {key.decode() for key in pages.keys("episodes")}
    assert kept == set(ids[-len(kept) :])


def test_what_nobody_read_for_long_leaves(open_memory: OpenMemory, clock: FrozenClock) -> None:
    memory = warm(open_memory(cache={"keep_days": 2}))
    old = started(memory, "old")
    clock.moment += 3 * DAY
    new = started(memory, "new")

    cache = memory.store.cache
    assert cache
    with cache.read() as pages:
        assert pages.keys("episodes") == [new.id.encode()]
    assert memory.episodes.get(old.id).task == "old"


def test_an_entry_with_a_flipped_bit_is_not_served(open_memory: OpenMemory) -> None:
    writer, reader = warm(open_memory()), warm(open_memory())
    episode = started(writer, "whole")
    cache = writer.store.cache
    assert cache
    with cache.read() as pages:
        value = bytearray(pages.get("episodes", episode.id.encode()) or b"")
    value[-1] ^= 1
    cache.write(lambda pages: pages.put("episodes", episode.id.encode(), bytes(value)))

    assert reader.episodes.get(episode.id) == episode
    reader.episodes.get(episode.id)
    assert cache.write(lambda _: None)
    assert cache.rebuilt == ["an episode in it did not match its checksum"]


def test_a_store_restored_from_a_copy_is_not_answered_from_its_future(open_memory: OpenMemory) -> None:
    memory = warm(open_memory())
    kept = started(memory, "in the copy")
    copy = memory.places.home / "copy.db"
    memory.store.database.backup_to(copy)
    memory.episodes.update(kept.id, Changes(task="after the copy"))
    path = memory.places.store
    memory.close()
    path.write_bytes(copy.read_bytes())

    restored = warm(open_memory())
    other, _ = restored.episodes.start("another future")

    assert restored.episodes.get(kept.id).task == "in the copy"
    assert restored.episodes.get(other.id) == other
    cache = restored.store.cache
    assert cache
    cache.write(lambda _: None)
    assert cache.rebuilt == ["the store was restored from a copy"]


def test_health_tells_of_a_cache_that_was_rebuilt_and_of_one_that_cannot_be_used(open_memory: OpenMemory) -> None:
    memory = warm(open_memory())
    started(memory, "kept")

    def told() -> tuple[str, str]:
        found = check(memory.store, lambda: memory.providers).checks
        return next((each.status, each.detail) for each in found if each.name == "cache")

    assert told()[1].startswith("1 episodes and ")
    (memory.places.cache / "hot" / "writer.lock").write_bytes(b"!")
    memory.store.cache.discard("it was doubted")  # type: ignore[union-attr]  # the fixture has one
    assert "rebuilt: it was doubted" in told()[1]
    shutil.rmtree(memory.places.cache)
    memory.places.cache.write_text("no directory")
    with pytest.raises(CacheError):
        memory.store.cache.clear()  # type: ignore[union-attr]  # as above
    status, detail = told()
    assert status == "degraded"
    assert detail.startswith("not in use, answers come from the store alone: ")
    assert memory.episodes.list().episodes, "and they do"


def test_health_says_that_the_cache_cannot_be_made_before_anything_has_tried(open_memory: OpenMemory) -> None:
    memory = open_memory()
    memory.places.cache.write_text("no directory")

    found = next(each for each in check(memory.store, lambda: memory.providers).checks if each.name == "cache")

    assert found.status == "degraded"
    assert found.detail.endswith("cache is no directory that can be written")


texts = st.text(max_size=20)
results = st.none() | st.builds(StepSuccess, texts) | st.builds(StepError, texts)
parameters = st.dictionaries(texts, st.none() | st.booleans() | st.integers(-(2**53), 2**53) | texts, max_size=3)
steps = st.builds(
    Step,
    tool=st.just("bash") | st.text("a.-_é", min_size=1, max_size=8),
    action=st.text("ab /.é", min_size=1, max_size=20).filter(str.strip),
    parameters=parameters,
    result=results,
    latency_ms=st.none() | st.floats(0, 1e6) | st.integers(0, 1000),
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(steps, min_size=1, max_size=3), max_size=4), st.booleans())
def test_what_is_hot_is_what_the_store_would_give(
    open_memory: OpenMemory,
    batches: list[list[Any]],
    completes: bool,  # noqa: FBT001 - hypothesis fills it in
) -> None:
    memory, other = warm(open_memory()), warm(open_memory())
    episode, _ = memory.episodes.start("any episode", context=Context(tags=("b", "a", "b")))
    for batch in batches:
        memory.episodes.append(episode.id, batch)
        plain = read_plainly(memory, episode.id)
        assert memory.episodes.get(episode.id) == plain
        assert other.episodes.get(episode.id) == plain
        assert json.loads(msgspec.json.encode(other.episodes.get(episode.id))) == json.loads(msgspec.json.encode(plain))
    if completes:
        memory.episodes.complete(episode.id, Success("done"))
        assert other.episodes.get(episode.id) == memory.episodes.get(episode.id) == read_plainly(memory, episode.id)
