"""This module is `memory-cli bench`: every figure that the product is held to, measured on this machine."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from memory_cli import show
from memory_cli.commands.demo import sample_history
from memory_cli.opening import memory_of, opening
from memory_mcp.errors import InvalidInputError

if TYPE_CHECKING:
    from memory_cli.bench.figures import Figure

_DEFAULT_SIZES = "1000,10000"
_RANKED = (1_000, 10_000, 100_000)
_MOST_RANKED = 1_000_000
_USUAL = 10_000  # where parts are measured that do not depend on the size
PARTS = (
    *("ranking", "fill", "store", "search", "query", "command", "sharing"),  # at every size
    *("get", "record", "kill", "spawn", "hooks", "fresh", "memory", "model", "size", "recall"),  # once
)


def bench(
    context: typer.Context,
    episodes: Annotated[str, typer.Option(help="Sizes of the scratch memories, such as 1000,10000,100000.")] = (
        _DEFAULT_SIZES
    ),
    only: Annotated[str, typer.Option(help=f"Parts, of {', '.join(PARTS)}; all without it.")] = "",
    data: Annotated[
        Path | None,
        typer.Option(help="Make episodes from its git/*.jsonl.gz and swe-agent/*.traj instead of a bundled sample."),
    ] = None,
    model: Annotated[Path | None, typer.Option(help="Directory of the sentence model, if it is not installed.")] = None,
    mine: Annotated[bool, typer.Option("--mine", help="Measure recall and speed on your own memory instead.")] = False,
    svg: Annotated[Path | None, typer.Option(help="Write a picture of how costs grow.")] = None,
    json: show.Json = False,
) -> None:
    """Measure speed, memory and recall, each figure beside a floor or a peer of the same run.

    Scratch memories are filled with episodes that look like real ones; your own memory is not touched, and with --mine
    only read. With a hundred thousand episodes it takes about ten minutes; ranking alone goes up to a million vectors.
    """
    from memory_cli.bench import figures  # noqa: PLC0415 - numpy

    chosen = set(filter(None, only.split(","))) or set(PARTS)
    if unknown := chosen - set(PARTS):
        raise InvalidInputError(f"no part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    measured: list[Figure] = []
    for figure in _mine(context) if mine else _all(context, _sizes(episodes), chosen, data, model):
        measured.append(figure)
        if not json:
            show.line(line_of(figure))
    report = figures.report(measured)
    if svg:
        try:
            svg.write_text(figures.svg(measured), encoding="utf-8")
        except OSError as error:
            raise InvalidInputError(f"{svg} cannot be written: {error.strerror}") from error
    if json:
        show.as_json(report)
        return
    for each in report.growth:
        sizes = f"{each.sizes[0]:,} to {each.sizes[-1]:,}"
        show.line(f"grows as size^{each.exponent:<6} {each.what}  ({sizes})")


def line_of(figure: "Figure") -> str:
    """Draw a row."""
    size = f"{figure.size:,}" if figure.size else ""
    value = "not measured" if figure.value is None else f"{figure.value:g} {figure.unit}"
    timed = {"p50": figure.p50, "p95": figure.p95, "p99": figure.p99}
    spread = " ".join(f"{name} {each:.3g}" for name, each in timed.items() if each) if figure.p95 else ""
    reach = "" if figure.reach is None else f"{'>=' if figure.at_least else '<='} {figure.reach:g}"
    said = {True: "reached", False: "MISSED", None: ""}[figure.reached]
    beside = ", ".join(f"{name} {value:g}" for name, value in figure.beside.items())
    columns = f"{figure.part:<8}{size:>10}  {figure.what:<58}{value:>14}  {spread:<32}{reach:>8} {said:<8}"
    return f"{columns}{beside} {figure.note}".rstrip()


def _sizes(text: str) -> list[int]:
    try:
        found = sorted({int(part) for part in text.split(",")})
    except ValueError as error:
        raise InvalidInputError(f"--episodes '{text}' is no list of sizes such as {_DEFAULT_SIZES}") from error
    if not found or found[0] < 1:
        raise InvalidInputError("a memory of less than one episode cannot be measured")
    return found


def _all(
    context: typer.Context, sizes: list[int], chosen: set[str], data: Path | None, model: Path | None
) -> Iterator["Figure"]:
    """Measure the chosen parts, the quick ones first."""
    from memory_cli.bench import agents, memories, processes, quality, ranking, storing  # noqa: PLC0415 - numpy
    from memory_cli.bench.synthetic import Vocabulary  # noqa: PLC0415 - as above

    environ = opening(context).environ
    where = model or _installed_model(context)
    if "ranking" in chosen:
        yield from ranking.ranking((*_RANKED, *((_MOST_RANKED,) if max(sizes) > _USUAL else ())))
    if "size" in chosen:
        yield from processes.installed()
    if "recall" in chosen:
        yield from quality.beside_fts5(data, where)
    if chosen <= {"ranking", "size", "recall"}:
        return
    vocabulary = Vocabulary.read(data, sample_history())
    usual = max((size for size in sizes if size <= _USUAL), default=sizes[0])
    for size in sizes:
        with memories.scratch() as home:
            with show.progress() as bar:
                task = bar.add_task(f"filling {size:,}", total=size)
                memory = memories.filled(home, size, vocabulary, partial(bar.advance, task))
            every: dict[str, Callable[[], Iterator[Figure]]] = {
                "fill": partial(storing.filling, memory),
                "store": partial(storing.growing, memory),
                "search": partial(storing.keywords, memory),
                "query": partial(processes.querying, memory, environ),
                "command": partial(processes.commands, memory, environ),
            }
            once: dict[str, Callable[[], Iterator[Figure]]] = {
                "get": partial(storing.hot, memory),
                "record": partial(processes.recording, memory, environ),
                "kill": partial(processes.killing, memory, environ),
                "spawn": partial(processes.starting, memory, environ),
                "hooks": partial(agents.hooks, memory, environ),
                "fresh": partial(agents.fresh, memory, environ),
                "memory": partial(processes.resident, memory, environ, where),
                "model": partial(storing.sentence_model, where, memory),
            }
            last = {"sharing": partial(processes.sharing, memory, environ, where)}
            for name, measure in (every | (once if size == usual else {}) | last).items():
                if name in chosen:
                    yield from measure()


def _installed_model(context: typer.Context) -> Path | None:
    from memory_mcp.embeddings.installed_models import installed  # noqa: PLC0415 - only this command needs it

    return installed(opening(context).places().models)


def _mine(context: typer.Context) -> Iterator["Figure"]:
    """Measure recall and speed on the user's own memory."""
    from memory_cli.bench import own  # noqa: PLC0415 - numpy

    with memory_of(context) as memory:
        yield from own.measure(memory)
