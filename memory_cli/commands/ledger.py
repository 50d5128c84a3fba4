"""This module is `memory-cli ledger`."""

import time
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal

import typer

from memory_cli import show
from memory_cli.opening import memory_of
from memory_mcp.storage.ledger_store import DAY_US, LedgerDay, ToldRecord


def ledger(
    context: typer.Context,
    by: Annotated[Literal["day", "hook", "project", "record"], typer.Option(help="What to sum up.")] = "day",
    days: Annotated[int, typer.Option(min=1, max=3650, help="How many days back.")] = 30,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Most records.")] = 20,
    json: show.Json = False,
) -> None:
    """Show what agents were told, what it cost, how often it was repeated, and what of it was used.

    Bytes are those that hooks and tools printed, tokens an estimate from above. What was told five times and never used
    falls silent; 'memory-cli quarantine release ID' wakes it.
    """
    since = time.time_ns() // 1_000 - days * DAY_US
    with memory_of(context) as memory:
        memory.ledger.settle()
        found = memory.ledger.days(since)
        records = memory.ledger.records(since, limit) if by == "record" else []
        short = {} if json else memory.store.ids.shorten(each.name for each in records if each.kind)
    if by == "record":
        _records(records, short, as_json=json)
        return
    keys: dict[str, Callable[[LedgerDay], str]] = {
        "day": lambda each: show.day(each.day * DAY_US),
        "hook": lambda each: f"{each.door} {each.moment}",
        "project": lambda each: each.project,
    }
    rows = _summed(found, keys[by])
    if json:
        show.as_json([{by: name, **sums} for name, sums in rows.items()])
    elif rows:
        columns = ("told", "silent", "records", "repeats", "bytes", "tokens")
        show.table(
            "Ledger", (by, *columns), ((name, *(sums[column] for column in columns)) for name, sums in rows.items())
        )
    else:
        show.line(f"Nothing was told in the last {days} days.")


def _summed(found: Sequence[LedgerDay], key: Callable[[LedgerDay], str]) -> dict[str, dict[str, int]]:
    sums: dict[str, dict[str, int]] = {}
    for each in found:
        row = sums.setdefault(key(each), dict.fromkeys(("told", "silent", "records", "repeats", "bytes", "tokens"), 0))
        row["told"] += each.tellings
        row["silent"] += each.silent
        row["records"] += each.records
        row["repeats"] += each.repeats
        row["bytes"] += each.size_bytes
        row["tokens"] += each.tokens
    return sums


def _records(records: Sequence[ToldRecord], short: dict[str, str], *, as_json: bool) -> None:
    if as_json:
        show.as_json(records)
        return
    rows: list[tuple[Any, ...]] = [
        (
            *(short.get(each.name, each.name), each.kind or "computed", each.tellings, each.repeats),
            *(f"{each.used} of {each.settled}", "silent" if each.is_silent else ""),
        )
        for each in records
    ]
    show.table("What was told", ("record", "kind", "times", "repeats", "used", "state"), rows)
