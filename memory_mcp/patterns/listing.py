"""This module lists the patterns that are worth it; what is not borne out is kept as evidence, and not told."""

from collections.abc import Callable

from memory_mcp.models.patterns import Pattern, PatternFilter, PatternPage
from memory_mcp.storage.pattern_store import PatternStore


def listed(
    store: PatternStore,
    chosen: PatternFilter,
    worth: Callable[[Pattern], bool],
    *,
    limit: int,
    cursor: str | None = None,
) -> PatternPage:
    """Return one page of the patterns that are worth it, those of most episodes first."""
    found: list[Pattern] = []
    while True:
        page = store.list(chosen, limit=limit - len(found), cursor=cursor)
        found += filter(worth, page.patterns)
        cursor = page.next_cursor
        if cursor is None or len(found) == limit:
            return PatternPage(tuple(found), cursor)
