"""This module shows ranked hits, for every noun that searches."""

import typer

from memory_cli import show
from memory_cli.opening import memory_of
from memory_mcp.episodes.outcomes import named
from memory_mcp.models.recall import Answer, Query

_PATIENCE_S = 2.0  # a call has no background: give a slow provider this long to make missing vectors


def answer(context: typer.Context, query: Query, *, as_json: bool) -> None:
    """Ask, and show the answer with the parts of each score."""
    with memory_of(context) as memory:
        found = memory.recall.search(query, patience_s=_PATIENCE_S)
    if as_json:
        show.as_json(found)
        return
    table(query.text, found)


def table(title: str, found: Answer) -> None:
    """Draw the hits of one answer."""
    if found.hits:
        show.table(
            title,
            ("score", "keyword", "similarity", "boosts", "relevance", "outcome", "freshness", "id", "text"),
            (
                (
                    f"{hit.score:.2f}",
                    f"{hit.parts.keyword:.2f}",
                    f"{hit.parts.similarity:.2f}",
                    " ".join(f"{name} {value:.2f}" for name, value in hit.parts.boosts.items()),
                    f"{hit.relevance:.2f}",
                    named(hit.outcome or hit.kind, hit.evidence),
                    hit.freshness,
                    hit.id,
                    show.first_line(hit.text, 70) + (f" (×{hit.repeats})" if hit.repeats > 1 else ""),
                )
                for hit in found.hits
            ),
        )
    else:
        show.line(f"{title}: nothing relevant is remembered.")
    show.line(f"{found.mode}, {found.model or 'no vectors'}, {found.considered} candidates scored")
    for reason in found.degraded:
        show.line(f"note: {reason}")
    if found.pending:
        show.line(f"note: {found.pending} records still lack vectors; 'memory-cli model embed' makes them now")
