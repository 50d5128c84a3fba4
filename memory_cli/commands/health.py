"""This module is `memory-cli health`."""

import typer

from memory_cli import show
from memory_cli.opening import memory_of
from memory_mcp.monitoring.health import check


def health(context: typer.Context, json: show.Json = False) -> None:
    """Touch database, index, cache, provider and disk; exit code 1 if one is failing."""
    with memory_of(context) as memory:
        found = check(memory.store, lambda: memory.providers)
    if json:
        show.as_json(found)
    else:
        rows = ((each.name, each.status, f"{each.latency_ms:.2f}", each.detail) for each in found.checks)
        show.table(f"Health: {found.status}", ("part", "status", "ms", "detail"), rows)
    if found.status == "failing":
        raise typer.Exit(1)
