"""This module defines how two episodes belong together."""

from typing import Literal

from msgspec import Struct

RelationshipKind = Literal["parent_child", "depends_on", "follows", "related_to", "blocks", "duplicates", "references"]


class Relationship(Struct, frozen=True):
    """A directed link: `from_id` follows, references, … `to_id`."""

    kind: RelationshipKind
    from_id: str
    to_id: str
