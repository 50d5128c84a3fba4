"""This module defines how two episodes belong together."""

from typing import Literal

from msgspec import Struct

RelationshipKind = Literal["parent_child", "depends_on", "follows", "related_to", "blocks", "duplicates", "references"]

ORDERED: frozenset[RelationshipKind] = frozenset(("parent_child", "depends_on", "follows", "blocks"))


class Relationship(Struct, frozen=True):
    """A directed link: `from_id` follows, depends on, references, … `to_id`; a parent points to its child.

    Kinds in ORDERED never form a circle.
    """

    kind: RelationshipKind
    from_id: str
    to_id: str
