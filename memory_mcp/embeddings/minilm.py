"""This module runs the sentence model all-MiniLM-L6-v2 in numpy."""

import json
import mmap
import struct
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from memory_mcp.embeddings.provider import Rarity, Vector, normalised
from memory_mcp.embeddings.wordpiece import WordPiece
from memory_mcp.errors import ProviderError

_LAYERS = 6
_HEADS = 12
_SCALE = np.float32(1 / np.sqrt(384 // _HEADS))
_LONGEST = 256  # sentence_bert_config.json: max_seq_length
_EPSILON = np.float32(1e-12)
_FEW_TOKENS = 32  # up to here BLAS is faster with the matrix first; 8 tokens 0.23 instead of 0.29 ms, 128 the other way
_TOKENS_PER_BATCH = 2_048  # keeps activations inside the cache: 1,000 texts of 512 characters ran fastest here


class MiniLmProvider:
    """A local sentence model: 6 transformer layers, mean pooling, unit length; loaded on first use."""

    dimension = 384
    model = "minilm:all-MiniLM-L6-v2"
    is_instant = False
    is_lexical = False
    relevance_weight = 2.0
    unrelated_cosine = 0.17

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._loading = threading.Lock()
        self._loaded: tuple[dict[str, Vector], WordPiece] | None = None

    def embed_documents(self, texts: Sequence[str]) -> Vector:
        """Return one row per text; texts of like length run together."""
        _, tokenizer = self._load()
        encoded = [tokenizer.encode(text, longest=_LONGEST) for text in texts]
        order = sorted(range(len(texts)), key=lambda at: len(encoded[at]))
        vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        batch: list[int] = []
        for at in order:
            if batch and (len(batch) + 1) * len(encoded[at]) > _TOKENS_PER_BATCH:
                vectors[batch] = self._forward([encoded[member] for member in batch])
                batch = []
            batch.append(at)
        if batch:
            vectors[batch] = self._forward([encoded[member] for member in batch])
        return vectors

    def embed_query(self, text: str, rarity: Rarity) -> Vector:  # noqa: ARG002 - a sentence model weighs words itself
        """Return the vector of a question."""
        row: Vector = self.embed_documents([text])[0]
        return row

    def load(self) -> None:
        """Read the weights now instead of at the first text."""
        self._load()

    def _load(self) -> tuple[dict[str, Vector], WordPiece]:
        with self._loading:
            if self._loaded is None:
                try:
                    weights = _read_safetensors(self._directory / "model.safetensors")
                    self._loaded = (weights, WordPiece(self._directory / "vocab.txt"))
                except (OSError, ValueError, KeyError) as error:
                    raise ProviderError(
                        f"the sentence model in {self._directory} cannot be read ({error}); "
                        "'memory-cli model install' puts a fresh one there"
                    ) from error
            return self._loaded

    def _forward(self, encoded: list[list[int]]) -> Vector:
        weights, _ = self._load()
        length = max(map(len, encoded))
        ids = np.array([row + [0] * (length - len(row)) for row in encoded])
        mask = np.array([[1.0] * len(row) + [0.0] * (length - len(row)) for row in encoded], dtype=np.float32)
        hidden = (
            weights["embeddings.word_embeddings.weight"][ids]
            + weights["embeddings.position_embeddings.weight"][:length]
            + weights["embeddings.token_type_embeddings.weight"][0]
        )
        hidden = _layer_norm(hidden, weights, "embeddings.LayerNorm")
        bias = ((1 - mask) * np.float32(-1e9))[:, None, None, :]
        for layer in range(_LAYERS):
            hidden = _layer(hidden, bias, weights, f"encoder.layer.{layer}")
        pooled = (hidden * mask[:, :, None]).sum(axis=1) / mask.sum(axis=1, keepdims=True)
        return normalised(pooled)


def _layer(hidden: Vector, bias: Vector, weights: dict[str, Vector], name: str) -> Vector:
    """Apply self-attention and the feed-forward block, each with its residual and layer norm."""
    batch, length, width = hidden.shape
    flat = hidden.reshape(batch * length, width)
    projected: list[Vector] = [
        _linear(flat, weights, f"{name}.attention.self.{part}")
        .reshape(batch, length, _HEADS, width // _HEADS)
        .transpose(0, 2, 1, 3)
        for part in ("query", "key", "value")
    ]
    query, key, value = projected
    query *= _SCALE
    scores = query @ key.transpose(0, 1, 3, 2) + bias
    scores -= scores.max(axis=-1, keepdims=True)
    np.exp(scores, out=scores)
    scores /= scores.sum(axis=-1, keepdims=True)
    weighted: Vector = np.matmul(scores, value, dtype=np.float32)
    mixed = weighted.transpose(0, 2, 1, 3).reshape(batch * length, width)
    attended = _layer_norm(
        flat + _linear(mixed, weights, f"{name}.attention.output.dense"), weights, f"{name}.attention.output.LayerNorm"
    )
    inner = _gelu(_linear(attended, weights, f"{name}.intermediate.dense"))
    final = _layer_norm(attended + _linear(inner, weights, f"{name}.output.dense"), weights, f"{name}.output.LayerNorm")
    return final.reshape(batch, length, width)


def _linear(values: Vector, weights: dict[str, Vector], name: str) -> Vector:
    matrix = weights[f"{name}.weight"]  # shape (out, in), as it lies in the file
    few = len(values) <= _FEW_TOKENS
    product: Vector = np.ascontiguousarray((matrix @ values.T).T) if few else values @ matrix.T
    product += weights[f"{name}.bias"]
    return product


def _layer_norm(values: Vector, weights: dict[str, Vector], name: str) -> Vector:
    centred = values - values.mean(axis=-1, keepdims=True)
    variance = np.square(centred).mean(axis=-1, keepdims=True)
    centred /= np.sqrt(variance + _EPSILON)
    scaled: Vector = centred * weights[f"{name}.weight"] + weights[f"{name}.bias"]
    return scaled


def _gelu(values: Vector) -> Vector:
    """Gaussian error linear unit; erf by Abramowitz and Stegun 7.1.26 (error below 1.5e-7), since numpy has none."""
    scaled = np.abs(values) * np.float32(0.7071067811865476)
    t = 1 / (1 + np.float32(0.3275911) * scaled)
    series = np.full_like(t, 1.061405429)
    for coefficient in (-1.453152027, 1.421413741, -0.284496736, 0.254829592):
        series *= t
        series += np.float32(coefficient)
    series *= t
    series *= np.exp(-np.square(scaled))  # 1 - erf(|x| / sqrt 2)
    half: Vector = values * np.where(values >= 0, 2 - series, series) * np.float32(0.5)
    return half


def _read_safetensors(path: Path) -> dict[str, NDArray[np.float32]]:
    """Map the file and view its float32 tensors (format: 8 bytes of header length, JSON header, raw data).

    They are used as they lie: transposing them and joining query, key and value took 42 ms of each start and 55 MB of
    each process, and no title was faster for it.
    """
    with path.open("rb") as file:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    (header_length,) = struct.unpack("<Q", mapped[:8])
    header = json.loads(mapped[8 : 8 + header_length])
    tensors: dict[str, NDArray[np.float32]] = {}
    for name, entry in header.items():
        if name != "__metadata__" and entry["dtype"] == "F32":
            start, end = (8 + header_length + offset for offset in entry["data_offsets"])
            raw = np.frombuffer(mapped, dtype="<f4", count=(end - start) // 4, offset=start)
            tensors[name] = raw.reshape(entry["shape"])
    return tensors
