"""This module holds the few stand-ins that tests need: a clock that can be set and a provider that can fail."""

from collections.abc import Sequence

import numpy as np

from memory_mcp.embeddings.provider import Rarity, Vector
from memory_mcp.errors import ProviderError

DAY = 86_400_000_000


class FrozenClock:
    """Time moves only when told, identifiers count up."""

    def __init__(self, now: int = 1_700_000_000_000_000) -> None:
        self.moment = now
        self._ids = 0

    def now(self) -> int:
        """Return the time it was set to."""
        return self.moment

    def new_id(self) -> str:
        """Return the next identifier."""
        self._ids += 1
        return f"{self._ids:032x}"


class SlowProvider:
    """A model like a remote one: not instant, and it may refuse."""

    is_instant = False
    is_lexical = False
    relevance_weight = 1.0
    unrelated_cosine = 0.0

    def __init__(self, model: str = "fake:slow", dimension: int = 8) -> None:
        self.model = model
        self.dimension = dimension
        self.refuses = False

    def embed_documents(self, texts: Sequence[str]) -> Vector:
        """Count letters."""
        if self.refuses:
            raise ProviderError(f"{self.model} did not answer: refused")
        rows = [[text.lower().count(letter) + 1.0 for letter in "etaoinsr"] for text in texts]
        matrix = np.array(rows, dtype=np.float32).reshape(len(texts), self.dimension)
        scaled: Vector = matrix / np.linalg.norm(matrix, axis=1, keepdims=True)
        return scaled

    def embed_query(self, text: str, rarity: Rarity) -> Vector:  # noqa: ARG002 - like a real model
        """Count letters."""
        row: Vector = self.embed_documents([text])[0]
        return row
