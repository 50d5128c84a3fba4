"""This module defines a note: a fact worth keeping that is no episode."""

from msgspec import Struct

from memory_mcp.models.episodes import Source


class Note(Struct, frozen=True):
    """A remembered fact; `superseded_by` names the newer note that replaces it, times are microseconds UTC.

    `source` is where the fact comes from in the words of who told it, `origin` the record that it was imported from.
    """

    id: str
    project: str
    text: str
    tags: tuple[str, ...]
    importance: float
    created_at: int
    source: str = ""
    valid_until: int | None = None
    superseded_by: str | None = None
    is_global: bool = False
    origin: Source | None = None


class NotePage(Struct, frozen=True):
    """Notes newest first, the cursor of the next page, and how many damaged records were left out."""

    notes: tuple[Note, ...]
    next_cursor: str | None = None
    damaged: int = 0
