"""This module says what every embedding provider offers."""

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float32]
Rarity = Callable[[str], float]


class Provider(Protocol):
    """A source of vectors of unit length; vectors of different `model` names are never compared."""

    @property
    def model(self) -> str:
        """Name of provider, model and version, such as `minilm:all-MiniLM-L6-v2`."""
        ...

    @property
    def dimension(self) -> int:
        """Length of its vectors; a remote model may need one call to tell."""
        ...

    @property
    def is_instant(self) -> bool:
        """Whether a document takes about a millisecond, so that a search may wait for it."""
        ...

    @property
    def is_lexical(self) -> bool:
        """Whether it compares spelling rather than meaning, so that little is lost by ranking keyword matches only."""
        ...

    @property
    def relevance_weight(self) -> float:
        """How much a cosine of this model says about relevance, beside the share of telling words matched."""
        ...

    @property
    def unrelated_cosine(self) -> float:
        """The cosine from which on a record of a large store has something to do with a question."""
        ...

    def embed_documents(self, texts: Sequence[str]) -> Vector:
        """Return one row per text, shape (len(texts), dimension).

        Raises:
            ProviderError: the provider could not answer.

        """
        ...

    def embed_query(self, text: str, rarity: Rarity) -> Vector:
        """Return the vector of a question, shape (dimension,); `rarity` weighs a word by how few records hold it.

        Raises:
            ProviderError: the provider could not answer.

        """
        ...


def normalised(matrix: Vector) -> Vector:
    """Scale every row to unit length; a row of zeros stays zero."""
    lengths = np.linalg.norm(matrix, axis=-1, keepdims=True)
    scaled: Vector = (matrix / np.where(lengths == 0, 1, lengths)).astype(np.float32)
    return scaled
