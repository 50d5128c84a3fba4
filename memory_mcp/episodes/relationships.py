"""This module joins episodes to each other and reads what follows from it."""

from collections.abc import Sequence

from msgspec import Struct

from memory_mcp.episodes.graphs import topological
from memory_mcp.errors import InvalidInputError
from memory_mcp.models.relationships import ORDERED, Relationship, RelationshipKind
from memory_mcp.storage.relationship_store import RelationshipStore

MOST_DEPTH = 20


class Graph(Struct, frozen=True):
    """Episodes around one: its distance in links and the task of each, and the relationships among them."""

    root: str
    depths: dict[str, int]
    tasks: dict[str, str]
    relationships: tuple[Relationship, ...]


class Relationships:
    """The relationships of one project's episodes."""

    def __init__(self, store: RelationshipStore) -> None:
        self._store = store

    def add(self, relationships: Sequence[Relationship]) -> int:
        """Store relationships between episodes of this project and return how many were new.

        Raises:
            NotFoundError: an end of one is not here.
            IllegalMoveError: one would close a circle of a kind in which order matters; none is stored then.

        """
        return self._store.insert_many(relationships)

    def remove(self, relationship: Relationship) -> None:
        """Remove a relationship.

        Raises:
            NotFoundError: it is not there.

        """
        self._store.delete(relationship)

    def around(self, episode_id: str, depth: int = 1) -> Graph:
        """Return the episodes within `depth` links of one, in either direction.

        Raises:
            NotFoundError: no such episode here.
            InvalidInputError: the depth is out of range.

        """
        if not 1 <= depth <= MOST_DEPTH:
            raise InvalidInputError(f"depth is {depth} and must lie within 1 and {MOST_DEPTH}")
        depths, relationships = self._store.around(episode_id, depth)
        return Graph(episode_id, depths, self._store.tasks(list(depths)), tuple(relationships))

    def order(self, kind: RelationshipKind) -> list[str]:
        """Return the ids of all episodes with links of a kind, what comes first before what builds on it.

        Raises:
            InvalidInputError: order does not matter for this kind.

        """
        if kind not in ORDERED:
            raise InvalidInputError(f"{kind} has no order; {', '.join(sorted(ORDERED))} have")
        return topological(self._store.list(kind=kind))

    def list(self, episode_id: str | None = None, kind: RelationshipKind | None = None) -> Sequence[Relationship]:
        """Return the relationships that an episode is an end of, or all of the project.

        Raises:
            NotFoundError: no such episode here.

        """
        return self._store.list(episode_id, kind)
