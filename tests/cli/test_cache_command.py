"""`memory-cli cache`: what it holds, clearing, filling, and comparing it with the store."""

import zlib

import pytest

from memory_mcp.memory import Memory
from memory_mcp.models.episodes import Step
from tests.cli.conftest import Run, as_json
from tests.conftest import OpenMemory

HEAD = 36  # bytes of an entry before the episode itself: a checksum and four numbers


@pytest.fixture
def memory(open_memory: OpenMemory) -> Memory:
    return open_memory("desk")


def fill(memory: Memory, count: int = 3) -> list[str]:
    ids = [memory.episodes.start(f"task number {number}")[0].id for number in range(count)]
    for episode_id in ids:
        memory.episodes.append(episode_id, [Step("bash", "ls")])
    return ids


def test_an_unused_cache_says_so(run: Run) -> None:
    assert "not yet" in run("cache", "stats").output
    assert as_json(run("cache", "verify", "--json"))["episodes"] == 0


def test_warming_fills_it_and_verifying_finds_it_right(run: Run, memory: Memory) -> None:
    fill(memory)

    warmed = as_json(run("cache", "warm", "--json"))
    verified = as_json(run("cache", "verify", "--json"))
    stats = as_json(run("cache", "stats", "--json"))

    assert warmed["episodes"] == 3
    assert verified == {
        "episodes": 3, "outdated": 0, "wrong": 0, "left_over": 0,
        "vectors": warmed["vectors"], "wrong_vectors": 0,
    }  # fmt: skip
    assert stats["files"]["entries"]["episodes"] == 3
    assert stats["episodes"]["bytes"] > 0
    assert "3 episodes compared: 0 wrong" in run("cache", "verify").output


def test_clearing_empties_it(run: Run, memory: Memory) -> None:
    fill(memory)
    run("cache", "warm")

    assert run("cache", "clear").output == "cleared\n"
    assert as_json(run("cache", "stats", "--json"))["files"]["entries"]["episodes"] == 0


def test_an_entry_that_lies_fails_the_comparison(run: Run, memory: Memory) -> None:
    first, second, third = fill(memory)
    run("cache", "warm")
    cache = memory.store.cache
    assert cache
    with cache.read() as pages:
        entry = bytes(pages.get("episodes", first.encode()) or b"")
        other = bytes(pages.get("episodes", second.encode()) or b"")
    lie = entry[4:HEAD] + other[HEAD:]
    cache.write(lambda pages: pages.put("episodes", first.encode(), zlib.crc32(lie).to_bytes(4, "little") + lie))
    cache.write(lambda pages: pages.put("episodes", b"0" * 32, entry))
    with memory.store.database.write() as session:
        session.run("UPDATE documents SET revision = revision + 1 WHERE id = ?", (third,))

    failed = run("cache", "verify", code=1)

    assert "4 episodes compared: 1 wrong, 1 of erased ones, 1 outdated" in failed.output
    assert "clear it with 'memory-cli cache clear'" in failed.output
    run("cache", "clear")
    assert as_json(run("cache", "verify", "--json"))["wrong"] == 0


def test_vectors_that_differ_from_the_store_fail_the_comparison(run: Run, memory: Memory) -> None:
    fill(memory)
    run("cache", "warm")
    before = as_json(run("cache", "verify", "--json"))
    with memory.store.database.write() as session:
        session.run("UPDATE vectors SET vector = zeroblob(length(vector)) WHERE key = 1")

    after = as_json(run("cache", "verify", "--json", code=1))

    assert (before["vectors"], before["wrong_vectors"]) == (3, 0)
    assert (after["vectors"], after["wrong_vectors"]) == (3, 1)


def test_a_cache_that_is_switched_off_cannot_be_asked(run: Run) -> None:
    failed = run("--set", "cache.enabled=false", "cache", "stats", code=1)

    assert failed.exception is not None
    assert "the cache is switched off; set cache.enabled to use it" in str(failed.exception)
    assert "switched off by cache.enabled" in run("--set", "cache.enabled=false", "health").output
