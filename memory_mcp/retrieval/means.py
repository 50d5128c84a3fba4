"""This module chooses by what means a question is answered when a part of the index is damaged."""

import msgspec
from msgspec import Struct

from memory_mcp.models.recall import Mode

_NAMES = {"keywords": ("keyword index", "vectors"), "vectors": ("vectors", "keywords")}


class Means(Struct, frozen=True):
    """The parts that an answer uses; a damaged part is left out. `scans` adds records that are not indexed yet."""

    keywords: bool = True
    vectors: bool = True
    cache: bool = True
    scans: bool = False

    def mode(self, *, serves: bool) -> Mode:
        """Return the mode; `serves` says whether any vectors can be used."""
        if not serves:
            return "keyword"
        return "hybrid" if self.keywords else "vectors"

    def without(self, part: str) -> "Means":
        """Return the means without a damaged part."""
        if part == "vectors":
            return msgspec.structs.replace(self, vectors=False)
        return msgspec.structs.replace(self, keywords=False)


def told_of(part: str, state: str) -> str:
    """Report a damaged part, its state, and what served the answer instead."""
    name, rest = _NAMES.get(part, ("places of the index", "what was indexed"))
    return f"{name} damaged, {state}; {rest} served this answer"
