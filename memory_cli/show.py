"""This module shows results: JSON for programs, tables for people; `rich` is imported when a table is drawn."""

import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from memory_mcp.clock import iso

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_PIPED_WIDTH = 200
_NUMERIC = {
    "steps",
    "reward",
    "score",
    "importance",
    "age",
    "ms",
    "keyword",
    "similarity",
    "boosts",
    "episodes",
    "well",
}
_NUMERIC |= {
    "at least",
    "reward ±",
    "followed",
    "times",
    "of newest",
    "with",
    "without",
    "difference",
    "records",
    "patterns",
}


def as_json(value: Any) -> None:
    """Print any of our values as indented JSON."""
    text = msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
    typer.echo(text)


def console(*, stderr: bool = False) -> "Console":
    """Return a console; where output is no terminal, wide enough that a table keeps its lines."""
    from rich.console import Console  # noqa: PLC0415 - rich costs start-up time that JSON and one-liners need not pay

    stream = sys.stderr if stderr else sys.stdout
    return Console(stderr=stderr, width=None if stream.isatty() else _PIPED_WIDTH, highlight=False)


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Draw a table; stored text is shown as it is, never as markup."""
    from rich.table import Table  # noqa: PLC0415 - as above
    from rich.text import Text  # noqa: PLC0415 - as above

    drawn = Table(title=title, title_justify="left", header_style="bold", show_edge=False, pad_edge=False)
    for column in columns:
        numeric = column in _NUMERIC
        drawn.add_column(column, justify="right" if numeric else "left", overflow="fold", no_wrap=column == "id")
    for row in rows:
        drawn.add_row(*(Text("" if cell is None else str(cell)) for cell in row))
    console().print(drawn)


def line(text: str) -> None:
    """Print one plain line."""
    typer.echo(text)


def progress(*, in_bytes: bool = False) -> "Progress":
    """Return a progress bar on stderr, which counts records or bytes."""
    from rich.progress import (  # noqa: PLC0415 - as above
        BarColumn,
        DownloadColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TransferSpeedColumn,
    )

    counted = (DownloadColumn(), TransferSpeedColumn()) if in_bytes else (MofNCompleteColumn(),)
    columns = (TextColumn("{task.description}"), BarColumn(), *counted, TimeElapsedColumn())
    return Progress(*columns, console=console(stderr=True))


def first_line(text: str, longest: int = 90) -> str:
    """Return the beginning of a text for a table."""
    head = text.strip().splitlines()[0] if text.strip() else ""
    return head if len(head) <= longest else f"{head[: longest - 1]}…"


def day(moment: int | None) -> str:
    """Render a time for a table."""
    return iso(moment)[:16].replace("T", " ") if moment is not None else ""
