"""Three processes write and three read the same memory: what the caches say is what the store says, every time."""

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from memory_mcp.errors import NotFoundError
from memory_mcp.memory import Memory
from tests.lives import Life, embed, ready, same_as_the_database, sight_of

WRITERS, READERS, CHANGES = 3, 3, 1_200
LIMIT_S = 240


def opened(home: Path, number: int) -> Memory:
    environment = {**os.environ, "MEMORY_MCP_HOME": str(home), "MEMORY_MCP_PROJECT_NAME": ("here", "there")[number % 2]}
    memory = ready(Memory.open(environment, home, actor="test"), fold_at=40)
    assert memory.store.cache
    memory.store.cache.open()
    return memory


def write(home: Path, number: int) -> None:
    dice = random.Random(number)  # noqa: S311 - a seed, not a secret
    with opened(home, number) as memory:
        life = Life(memory, dice, valid_us=100_000)
        for _ in range(CHANGES):
            life.step()
            if dice.random() < 0.1:
                embed(memory)
        embed(memory)
    print(json.dumps({"changes": CHANGES}))  # noqa: T201 - told to the test


def compare(home: Path, number: int) -> None:
    """Compare episodes and vectors with the store, each within one snapshot, until the writers are done."""
    dice = random.Random(100 + number)  # noqa: S311 - as above
    episodes = vectors = 0
    with opened(home, number) as memory:
        while not (home / "done").exists():
            episodes += sum(compare_episodes(memory, dice))
            with memory.store.database.read() as session:
                has_vectors = session.value("SELECT count(*) FROM vector_sets WHERE ready_at IS NOT NULL")
            if has_vectors:
                same_as_the_database(memory, sight_of(memory, dice))
                vectors += 1
        hot, cached = memory.store.episodes.hot, memory.similarity.vectors
        told: dict[str, Any] = {
            "episodes": episodes,
            "vectors": vectors,
            "hits": hot.hits,
            "cache_hits": hot.cache_hits,
        }
        state = memory.store.cache.state() if memory.store.cache else None
        told |= {"trouble": state.trouble if state else "off", "rebuilt": list(state.rebuilt) if state else []}
    print(json.dumps({**told, "misses": hot.misses, "folds": cached.folds}))  # noqa: T201 - told to the test


def compare_episodes(memory: Memory, dice: random.Random) -> Iterator[int]:
    with memory.store.database.read() as session:
        visible = memory.store.wall.visible()
        rows = session.rows(
            f"SELECT d.key, d.id, e.step_count FROM documents d JOIN episodes e ON e.key = d.key WHERE {visible}"
        )
        some = dice.sample(rows, min(len(rows), 5))
        keys = [key for key, _, _ in some]
        assert memory.store.episodes.load_hot(session, keys) == memory.store.episodes.load_many(session, keys)
        yield len(keys)
    for _, episode_id, steps in some:
        try:
            assert len(memory.episodes.get(episode_id).steps) >= steps, "an older state than the call could have seen"
        except NotFoundError:
            continue  # erased since
        yield 1


@pytest.mark.long
def test_every_answer_is_the_stores_own_while_others_write(tmp_path: Path) -> None:
    home = tmp_path / "home"
    opened(home, 0).close()

    def start(role: str, number: int) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "tests.test_coherence", role, str(home), str(number)]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    readers = [start("read", number) for number in range(READERS)]
    writers = [start("write", number) for number in range(WRITERS)]
    outcomes = [process.communicate(timeout=LIMIT_S) for process in writers]
    (home / "done").touch()
    outcomes += [process.communicate(timeout=LIMIT_S) for process in readers]

    assert [process.returncode for process in (*writers, *readers)] == [0] * 6, [errors for _, errors in outcomes]
    told: list[dict[str, Any]] = [json.loads(output) for output, _ in outcomes[WRITERS:]]
    assert all(each["episodes"] > 100 and each["vectors"] > 20 for each in told), told
    assert sum(each["cache_hits"] for each in told) > 0, told
    assert sum(each["folds"] for each in told) > 0, told


if __name__ == "__main__":
    {"write": write, "read": compare}[sys.argv[1]](Path(sys.argv[2]), int(sys.argv[3]))
