"""This module defines a decision: sentences that settle something, where they apply, and what they replace."""

from typing import Literal

from msgspec import Struct

from memory_mcp.models.voices import Voice

SourceKind = Literal["commit", "talk", "task", "note", "added"]
LinkKind = Literal["replaces", "contradicts"]
SettledKind = Literal["replaces", "both"]


class Decision(Struct, frozen=True):
    """Whole sentences that settle something; times are microseconds UTC.

    `source_id` is the record that says so; `origin` is what that record came from: a commit's hash, and `reverts` the
    one that it takes back. `turn` is the place in a talk. `replaced_by` and `contradicts` are ids of other decisions.
    """

    id: str
    project: str
    text: str
    said_at: int
    voice: Voice
    files: tuple[str, ...] = ()
    functions: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    who: str = ""
    source_id: str = ""
    source_kind: SourceKind = "note"
    origin: str = ""
    reverts: str = ""
    turn: int | None = None
    score: float = 0.0
    replaced_by: str | None = None
    retired_at: int | None = None
    contradicts: tuple[str, ...] = ()
    is_global: bool = False

    @property
    def is_standing(self) -> bool:
        """Whether it is neither replaced nor retired."""
        return self.replaced_by is None and self.retired_at is None

    @property
    def is_added(self) -> bool:
        """Whether it is a note that somebody calls a decision."""
        return self.source_kind == "added"


class Draft(Struct, frozen=True):
    """A decision as found in a record, before it is stored."""

    text: str
    said_at: int
    voice: Voice
    files: tuple[str, ...] = ()
    functions: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    who: str = ""
    origin: str = ""
    reverts: str = ""
    turn: int | None = None
    score: float = 0.0


class Link(Struct, frozen=True):
    """One decision replaces another, or the two contradict each other; `why` names what shows it."""

    kind: LinkKind
    newer: str
    older: str
    why: str = ""


class DecisionFilter(Struct, frozen=True):
    """Which decisions a listing shows; None and "" mean any, and what no longer stands is left out unless asked for."""

    file: str = ""
    name: str = ""
    source_id: str = ""
    replaced: bool = False
    retired: bool = False
    contradicting: bool = False
    added: bool = False


class DecisionPage(Struct, frozen=True):
    """Decisions newest first, the cursor of the next page, and how many damaged ones were left out."""

    decisions: tuple[Decision, ...]
    next_cursor: str | None = None
    damaged: int = 0
