"""This module makes the real parts that tests share."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from memory_mcp.config.places import places
from memory_mcp.config.settings import (
    CacheSettings,
    EmbeddingSettings,
    LearningSettings,
    RecallSettings,
    ServerSettings,
    Settings,
    StoreSettings,
)
from memory_mcp.memory import Memory
from tests.fakes import FrozenClock

OpenMemory = Callable[..., Memory]


@pytest.fixture
def clock() -> FrozenClock:
    """A clock that stands still."""
    return FrozenClock()


@pytest.fixture
def open_memory(tmp_path: Path, clock: FrozenClock) -> Iterator[OpenMemory]:
    """Open the memory of a project in this test's own directory, as often as wanted."""
    yield from _opener(tmp_path / "home", clock)


@pytest.fixture
def another_home(tmp_path: Path, clock: FrozenClock) -> Iterator[OpenMemory]:
    """Open a memory in another file."""
    yield from _opener(tmp_path / "another", clock)


def _opener(home: Path, clock: FrozenClock) -> Iterator[OpenMemory]:
    opened: list[Memory] = []

    def opener(
        project: str = "here",
        provider: str = "hash",
        busy_timeout_s: float = 10.0,
        toolsets: tuple[str, ...] = (),
        withhold_share: float = 0.0,
        recall: dict[str, Any] | None = None,
        cache: dict[str, Any] | None = None,
    ) -> Memory:
        settings = Settings(
            store=StoreSettings(home=str(home), busy_timeout_s=busy_timeout_s),
            embeddings=EmbeddingSettings(provider=provider),  # type: ignore[arg-type]  # a literal chosen by the test
            cache=CacheSettings(**(cache or {})),
            server=ServerSettings(toolsets=toolsets),
            recall=RecallSettings(**(recall or {})),
            learning=LearningSettings(withhold_share=withhold_share),
        )
        where = places(settings, settings_file=home / "memory-cli.toml")
        opened.append(Memory(settings, where, project, actor="test", clock=clock))
        return opened[-1]

    yield opener
    for memory in opened:
        memory.close()


@pytest.fixture
def memory(open_memory: OpenMemory) -> Memory:
    """An open memory of the project `here`."""
    return open_memory()
