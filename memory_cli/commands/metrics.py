"""This module is `memory-cli metrics`."""

from typing import Any

import msgspec
import typer

from memory_cli import show
from memory_cli.opening import memory_of


def metrics(context: typer.Context, json: show.Json = False) -> None:
    """Show the sizes of the store; calls and latencies live in each server, ask its get_metrics tool."""
    with memory_of(context) as memory:
        report: dict[str, Any] = {
            "project": {"name": memory.project, **memory.store.project_counts()},
            "store": {**memory.store.counts(), "bytes": memory.store.size_bytes(), "sequence": memory.store.head()},
            "index": msgspec.to_builtins(memory.store.index_sizes()),
            "calls": None,
            "not_measured": {"calls": "counted per server process; the tool get_metrics shows them"},
        }
    if json:
        show.as_json(report)
        return
    rows: list[tuple[str, object]] = []
    for group in ("project", "store"):
        rows += [(f"{group} {name}", value) for name, value in report[group].items()]
    rows += [
        (f"vectors {each['model']}", f"{each['documents']} documents, {each['bytes']} bytes")
        for each in report["index"]["vectors"]
    ]
    rows.append(("keyword entries", report["index"]["keyword_entries"]))
    rows.append(("calls", f"not measured: {report['not_measured']['calls']}"))
    show.table("Metrics", ("what", "value"), rows)
