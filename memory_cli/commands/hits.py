"""This module shows ranked hits, for every noun that searches."""

from collections.abc import Mapping
from typing import Annotated

import typer

from memory_cli import show
from memory_cli.opening import memory_of
from memory_mcp.episodes.outcomes import named
from memory_mcp.models.recall import Answer, Hit, Query
from memory_mcp.models.snapshots import UNKNOWN

Explain = Annotated[bool, typer.Option("--explain", help="Show the parts of each score.")]
_PATIENCE_S = 2.0  # a call has no background: give a slow provider this long to make missing vectors
_LEAN_CHARACTERS, _EXPLAINED_CHARACTERS, _TASK_CHARACTERS = 180, 70, 60


def answer(context: typer.Context, query: Query, *, as_json: bool, explain: bool) -> None:
    """Ask, and show the answer, with the parts of each score if they are wanted."""
    with memory_of(context) as memory:
        found = memory.recall.search(query, patience_s=_PATIENCE_S)
        short = {} if as_json else memory.store.ids.shorten(hit.id for hit in found.hits)
        by = {} if as_json else memory.trust.labels(hit.id for hit in found.hits)
    if as_json:
        show.as_json(found)
        return
    if not found.hits:
        show.line(f"{query.text}: nothing relevant is remembered.")
    elif explain:
        _explained(query.text, found, short)
    else:
        _lean(query.text, found, short, by)
    show.line(f"{found.mode}, {found.model or 'no vectors'}, {found.considered} candidates scored")
    for word, near in found.corrected:
        show.line(f"note: nothing holds '{word}'; looked up {', '.join(near)} instead")
    for reason in found.degraded:
        show.line(f"note: {reason}")
    if found.pending:
        show.line(f"note: {found.pending} records still lack vectors; 'memory-cli model embed' makes them now")


def _lean(title: str, found: Answer, short: Mapping[str, str], by: Mapping[str, str]) -> None:
    """Draw the passage of each hit that matches best."""
    state = ("freshness",) if any(hit.freshness != UNKNOWN for hit in found.hits) else ()
    show.table(
        title,
        ("relevance", "outcome", *state, "id", "text"),
        (
            (
                f"{hit.relevance:.2f}",
                named(hit.outcome or hit.kind, hit.evidence),
                *(hit.freshness for _ in state),
                short.get(hit.id, hit.id),
                _text(hit, _beginning(hit) + hit.passage, _LEAN_CHARACTERS)
                + (f" ({by[hit.id]})" if hit.id in by else ""),
            )
            for hit in found.hits
        ),
    )


def _explained(title: str, found: Answer, short: Mapping[str, str]) -> None:
    """Draw the parts of each score."""
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
                short.get(hit.id, hit.id),
                _text(hit, hit.text, _EXPLAINED_CHARACTERS),
            )
            for hit in found.hits
        ),
    )


def _beginning(hit: Hit) -> str:
    """Return how a task begins of which the passage is from its middle."""
    is_inside = hit.kind == "episode" and hit.passage.startswith("…")
    return f"{show.first_line(hit.text, _TASK_CHARACTERS)} " if is_inside else ""


def _text(hit: Hit, text: str, longest: int) -> str:
    return show.first_line(text, longest) + (f" (×{hit.repeats})" if hit.repeats > 1 else "")
