"""This module asks an OpenAI-compatible endpoint for vectors; `openai` is imported on first use."""

import importlib
from collections.abc import Sequence
from functools import cached_property
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np

from memory_mcp.config.settings import EmbeddingSettings
from memory_mcp.embeddings.provider import Rarity, Vector, normalised
from memory_mcp.errors import ProviderError

if TYPE_CHECKING:
    from openai import OpenAI


class RemoteProvider:
    """Vectors over HTTP, in batches, with a timeout and the client's own retry and exponential backoff."""

    is_instant = False
    is_lexical = False
    relevance_weight = 2.0
    unrelated_cosine = 0.17

    def __init__(self, settings: EmbeddingSettings) -> None:
        self._settings = settings
        self._dimension = settings.dimension
        suffix = f":{settings.dimension}" if settings.dimension else ""
        self.model = f"openai:{settings.base_url.rstrip('/') or 'api.openai.com'}:{settings.model}{suffix}"

    @property
    def dimension(self) -> int:
        """Length of the vectors; asks the endpoint once if the setting leaves it open."""
        if not self._dimension:
            self._dimension = int(self.embed_documents(["dimension"]).shape[1])
        return self._dimension

    def embed_documents(self, texts: Sequence[str]) -> Vector:
        """Return one row per text."""
        size = self._settings.batch_size
        batches = [self._request(list(texts[start : start + size])) for start in range(0, len(texts), size)]
        return normalised(np.concatenate(batches)) if batches else np.zeros((0, self.dimension), dtype=np.float32)

    def embed_query(self, text: str, rarity: Rarity) -> Vector:  # noqa: ARG002 - the model weighs words itself
        """Return the vector of a question."""
        row: Vector = self.embed_documents([text])[0]
        return row

    def _request(self, texts: list[str]) -> Vector:
        openai = _openai()
        given = {"dimensions": self._settings.dimension} if self._settings.dimension else {}
        try:
            answer = self._client.embeddings.create(
                model=self._settings.model,
                input=[text or " " for text in texts],
                encoding_format="float",
                **given,  # type: ignore[arg-type]  # one optional integer
            )
        except openai.OpenAIError as error:
            raise ProviderError(f"{self.model} did not answer: {error}") from error
        rows = [item.embedding for item in sorted(answer.data, key=lambda item: item.index)]
        matrix = np.array(rows, dtype=np.float32)
        if matrix.ndim != 2 or len(matrix) != len(texts):  # noqa: PLR2004 - a matrix
            raise ProviderError(f"{self.model} answered {len(rows)} vectors of uneven length for {len(texts)} texts")
        if self._dimension and matrix.shape[1] != self._dimension:
            raise ProviderError(f"{self.model} answered dimension {matrix.shape[1]}, expected {self._dimension}")
        return matrix

    @cached_property
    def _client(self) -> "OpenAI":
        """The client; without a key in the settings it takes OPENAI_API_KEY, and a local endpoint needs none."""
        try:
            return self._connected(self._settings.api_key or None)
        except _openai().OpenAIError as error:
            if self._settings.base_url:
                return self._connected("none")
            raise ProviderError(
                f"{self.model} needs a key: set embeddings.api_key, or OPENAI_API_KEY in the environment"
            ) from error

    def _connected(self, api_key: str | None) -> "OpenAI":
        client: OpenAI = _openai().OpenAI(
            api_key=api_key,
            base_url=self._settings.base_url or None,
            timeout=self._settings.timeout_s,
            max_retries=self._settings.retries,
        )
        return client


def _openai() -> ModuleType:
    """Import the client library on first use: half a second that only this provider should cost."""
    return importlib.import_module("openai")
