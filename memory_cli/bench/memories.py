"""This module fills scratch memories of any size for the benchmarks."""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from msgspec import Struct

from memory_cli.bench.synthetic import Vocabulary
from memory_cli.opening import scratch_environ
from memory_mcp.config.places import places
from memory_mcp.config.settings import EmbeddingSettings, RecallSettings, Settings, StoreSettings
from memory_mcp.embeddings.minilm import MiniLmProvider
from memory_mcp.embeddings.provider import normalised
from memory_mcp.memory import Memory
from memory_mcp.retrieval.blocks import STORED_TYPE, dump_vectors
from memory_mcp.storage import search_index

PROJECT = "benchmark"
HASHED = EmbeddingSettings(provider="hash")
PLAIN = RecallSettings()
_BATCH = 500
Progress = Callable[[int], None]


class Filled(Struct, frozen=True):
    """A filled memory, what it was made of, and how long that took."""

    home: Path
    size: int
    vocabulary: Vocabulary
    stored_s: float
    indexed_s: float

    def environ(self, environ: dict[str, str], provider: str = "hash", model: Path | None = None) -> dict[str, str]:
        """Return the environment for a process on this memory."""
        return {
            **scratch_environ(environ, self.home, PROJECT),
            "MEMORY_MCP_EMBEDDINGS_PROVIDER": provider,
            "MEMORY_MCP_EMBEDDINGS_MODEL_DIRECTORY": str(model or ""),
        }


def open_at(home: Path, embeddings: EmbeddingSettings = HASHED, recall: RecallSettings = PLAIN) -> Memory:
    """Open the memory of a directory."""
    settings = Settings(store=StoreSettings(home=str(home)), embeddings=embeddings, recall=recall)
    return Memory(settings, places(settings, settings_file=home / "none"), PROJECT, actor="bench")


def scratch() -> "tempfile.TemporaryDirectory[str]":
    """Make a directory that is removed afterwards."""
    return tempfile.TemporaryDirectory(prefix="memory-mcp-bench-")


def filled(directory: str, size: int, vocabulary: Vocabulary, progress: Progress) -> Filled:
    """Fill a memory with synthetic episodes and index it."""
    home = Path(directory)
    with open_at(home) as memory:
        started = time.perf_counter()
        for start in range(0, size, _BATCH):
            count = min(_BATCH, size - start)
            memory.episodes.record(list(vocabulary.episodes(start, count)))
            progress(count)
        stored = time.perf_counter() - started
        memory.index.follow_for_search(0)
        while memory.index.keywords.merge():  # as a server does in the background
            pass
        indexed = time.perf_counter() - started - stored
        with memory.store.database.write() as session:
            # learning is another benchmark's, and would run beside all others
            memory.store.digests.reach(session, search_index.head(session))
    return Filled(home, size, vocabulary, stored, indexed)


def add_sentence_vectors(home: Path) -> None:
    """Give every record vectors of the sentence model's size, projected from its hashed ones.

    Embedding a hundred thousand texts takes an hour; what is measured here depends on their number and length alone.
    """
    with open_at(home) as memory:
        database = memory.store.database
        with database.write() as session:
            hashed = search_index.find_vector_set(session, "hash:2048")
            assert hashed is not None  # noqa: S101 - `filled` has made it
            search_index.create_vector_set(session, MiniLmProvider.model, MiniLmProvider.dimension)
            target = search_index.find_vector_set(session, MiniLmProvider.model)
            assert target is not None  # noqa: S101 - made one line above
        with database.read() as session:
            head = search_index.head(session)
            keys = [key for key, _ in search_index.latest_changes(session, 0, head, head)]
        mixing = np.random.default_rng(1).normal(size=(hashed.dimension, target.dimension)).astype(np.float32)
        for start in range(0, len(keys), _BATCH):
            with database.write() as session:
                rows = search_index.read_vectors(session, hashed.key, keys[start : start + _BATCH])
                vectors = {}
                for key, packed in rows:
                    whole = np.frombuffer(packed, dtype=STORED_TYPE).reshape(-1, hashed.dimension)
                    vectors[key] = dump_vectors(normalised(whole.astype(np.float32) @ mixing))
                following = search_index.find_vector_set(session, MiniLmProvider.model)
                assert following is not None  # noqa: S101 - as above
                done = head if start + _BATCH >= len(keys) else following.followed
                search_index.write_vectors(session, following, vectors, done, memory.clock)
