"""This module shows results: JSON for programs, tables for people; `rich` is imported when a table is drawn.

Whatever memory-cli prints goes through it, so that stored text and arguments never drive a terminal.
"""

import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Annotated, Any, TextIO, cast

import msgspec
import typer
from msgspec import Struct

from memory_cli import streams
from memory_mcp.clock import iso
from memory_mcp.visible import ascii_json, visible, visible_json, visible_line

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.progress import Progress
    from rich.text import Text

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_PIPED_WIDTH = 200
_NARROWEST = 20
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


class Branch(Struct):
    """A label of a tree, and what hangs below it."""

    label: str
    below: list["Branch"] = []


def as_json(value: Any) -> None:
    """Print any of our values as indented JSON; characters that drive a terminal are escapes in it."""
    try:
        text = msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
    except UnicodeEncodeError:  # a path that is not UTF-8
        import json  # noqa: PLC0415 - only such values need it

        text = json.dumps(msgspec.to_builtins(value), indent=2)
    json_text(f"{text}\n")


def json_text(text: str) -> None:
    """Print JSON text unchanged except for escapes."""
    escaped = visible_json(text)
    encoding = (sys.stdout.encoding or "").lower().replace("-", "")
    streams.write(escaped if encoding.startswith("utf") else ascii_json(escaped), sys.stdout)


def line(text: str) -> None:
    """Print a text of one or more lines."""
    streams.write(f"{visible(text)}\n", sys.stdout)


def filtered(text: str) -> None:
    """Print a filter's output: unchanged into a pipe or file, with escapes on a terminal."""
    streams.write(visible(text) if sys.stdout.isatty() else text.encode("utf-8", "surrogateescape"), sys.stdout)


def note(text: str) -> None:
    """Print one line on stderr beside a result; it is dropped if stderr cannot be written."""
    stream = streams.Expendable(sys.stderr)
    stream.write(f"{visible_line(text)}\n")
    stream.flush()


def error(text: str) -> None:
    """Print one line on stderr that says why the result is missing or incomplete."""
    note(f"memory-cli: {text}")


def confirm(question: str, *, abort: bool = False, on_stderr: bool = False) -> bool:
    """Ask a yes-or-no question; with `abort` a no ends the command."""
    return typer.confirm(visible_line(question), abort=abort, err=on_stderr)


def console(*, stderr: bool = False) -> "Console":
    """Return a console; where output is no terminal, wide enough that a table keeps its lines."""
    from rich.console import Console  # noqa: PLC0415 - rich costs start-up time that JSON and one-liners need not pay

    stream = cast("TextIO", streams.Expendable(sys.stderr)) if stderr else sys.stdout
    made = Console(file=stream, width=None if stream.isatty() else _PIPED_WIDTH, highlight=False)
    made.width = max(made.width, _NARROWEST)  # nothing can be drawn at COLUMNS=0
    return made


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Draw a table; stored text is shown as it is, never as markup."""
    from rich.table import Table  # noqa: PLC0415 - as above

    drawn = Table(title=_shown(title), title_justify="left", header_style="bold", show_edge=False, pad_edge=False)
    for column in columns:
        numeric = column in _NUMERIC
        drawn.add_column(column, justify="right" if numeric else "left", overflow="fold", no_wrap=column == "id")
    for row in rows:
        drawn.add_row(*(_shown("" if cell is None else str(cell)) for cell in row))
    _draw(drawn)


def tree(root: Branch) -> None:
    """Draw a label with what hangs below it."""
    from rich.tree import Tree  # noqa: PLC0415 - as above

    def hang(parent: Tree, below: Sequence[Branch]) -> Tree:
        for branch in below:
            hang(parent.add(_shown(branch.label)), branch.below)
        return parent

    _draw(hang(Tree(_shown(root.label)), root.below))


def _draw(drawn: "RenderableType") -> None:
    canvas = console()
    try:
        with canvas.capture() as captured:
            canvas.print(drawn)
    except BrokenPipeError:
        raise
    except OSError as error:  # rich writes out what was printed before
        raise streams.refusal(sys.stdout, error) from error
    streams.write(captured.get(), sys.stdout)


def _shown(text: str) -> "Text":
    from rich.text import Text  # noqa: PLC0415 - as above

    return Text(visible(text))


def progress(*, in_bytes: bool = False) -> "Progress":
    """Return a progress bar on stderr, which counts records or bytes."""
    from rich.progress import (  # noqa: PLC0415 - as above
        BarColumn,
        DownloadColumn,
        MofNCompleteColumn,
        Progress,
        ProgressColumn,
        Task,
        TimeElapsedColumn,
        TransferSpeedColumn,
    )

    class Description(ProgressColumn):
        """The label of a progress bar; rich's own column would read brackets in it as markup."""

        def render(self, task: Task) -> "Text":
            return _shown(task.description)

    counted = (DownloadColumn(), TransferSpeedColumn()) if in_bytes else (MofNCompleteColumn(),)
    return Progress(Description(), BarColumn(), *counted, TimeElapsedColumn(), console=console(stderr=True))


def first_line(text: str, longest: int = 90) -> str:
    """Return the beginning of a text for a table."""
    head = text.strip().splitlines()[0] if text.strip() else ""
    return head if len(head) <= longest else f"{head[: longest - 1]}…"


def day(moment: int | None) -> str:
    """Render a time for a table."""
    return iso(moment)[:16].replace("T", " ") if moment is not None else ""
