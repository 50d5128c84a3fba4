"""This module makes vectors from hashed words and character n-grams; it needs no model."""

import math
import zlib
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from memory_mcp.embeddings.provider import Rarity, Vector, normalised
from memory_mcp.embeddings.words import STOP_WORDS, words

_GRAM_LENGTHS = (3, 4, 5)
# length of all n-grams of a word together, beside 1 for the word itself; recall@10 on llm and sqlite-utils was 0.405
# and 0.439 with 0.25, 0.412 and 0.439 with 0.5, 0.407 and 0.449 with 1, which also sees through misspelt words best
_GRAM_SHARE = 1.0


class HashProvider:
    """Signed feature hashing (Weinberger et al. 2009) of words and their 3-to-5-grams.

    Rarity acts on the query side only, so stored vectors never change when the store grows.
    """

    is_instant = True
    is_lexical = True
    relevance_weight = 2.0
    unrelated_cosine = 0.0

    def __init__(self, dimension: int = 2048) -> None:
        self.dimension = dimension
        self.model = f"hash:{dimension}"

    def embed_documents(self, texts: Sequence[str]) -> Vector:
        """Return one row per text; a word seen n times counts 1 + ln n."""
        matrix = np.zeros((len(texts), self.dimension), dtype=np.float32)
        for row, text in zip(matrix, texts, strict=True):
            counts = Counter(word for word in words(text) if word not in STOP_WORDS)
            for word, count in counts.items():
                places, values = _features(word, self.dimension)
                row[places] += values * np.float32(1 + math.log(count))
        return normalised(matrix)

    def embed_query(self, text: str, rarity: Rarity) -> Vector:
        """Return the vector of a question whose words weigh by their rarity."""
        vector = np.zeros(self.dimension, dtype=np.float32)
        for word in dict.fromkeys(words(text)):
            if word not in STOP_WORDS:
                places, values = _features(word, self.dimension)
                vector[places] += values * np.float32(rarity(word))
        return normalised(vector)


@lru_cache(maxsize=50_000)
def _features(word: str, dimension: int) -> tuple[NDArray[np.int64], Vector]:
    """Return the places and signed weights of a word, each place once."""
    padded = f"<{word}>"
    grams = {padded[at : at + size] for size in _GRAM_LENGTHS for at in range(len(padded) - size + 1)} - {padded}
    weights = {word: 1.0} | dict.fromkeys((f"#{gram}" for gram in grams), _GRAM_SHARE / math.sqrt(max(len(grams), 1)))
    summed: dict[int, float] = {}
    for feature, weight in weights.items():
        code = zlib.crc32(feature.encode("utf-8", "surrogatepass"))
        place = (code >> 1) % dimension
        summed[place] = summed.get(place, 0.0) + (weight if code & 1 else -weight)
    return np.fromiter(summed, dtype=np.int64), np.fromiter(summed.values(), dtype=np.float32)
