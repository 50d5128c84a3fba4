"""This module says by what means a question is answered when some of them are damaged."""

import msgspec
from msgspec import Struct

from memory_mcp.models.recall import Mode

_NAMES = {"keywords": ("keyword index", "vectors"), "vectors": ("vectors", "keywords")}


class Means(Struct, frozen=True):
    """By what an answer is found; a part that is damaged is left out. `scans` looks at what is not indexed yet."""

    keywords: bool = True
    vectors: bool = True
    cache: bool = True
    scans: bool = False

    def mode(self, *, serves: bool) -> Mode:
        """Name the means, given whether any vectors can serve."""
        if not serves:
            return "keyword"
        return "hybrid" if self.keywords else "vectors"

    def without(self, part: str) -> "Means":
        """Return what is left when a part is damaged."""
        if part == "vectors":
            return msgspec.structs.replace(self, vectors=False)
        return msgspec.structs.replace(self, keywords=False)


def told_of(part: str, state: str) -> str:
    """Say of a damaged part what becomes of it, and what served the answer instead."""
    name, rest = _NAMES.get(part, ("places of the index", "what was indexed"))
    return f"{name} damaged, {state}; {rest} served this answer"
