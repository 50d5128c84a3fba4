"""This module is `memory-cli replay`: what the memory would have said in recorded runs, and whether it was right."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from memory_cli import show
from memory_cli.opening import Opening, opening
from memory_mcp.errors import InvalidInputError, NotFoundError

if TYPE_CHECKING:
    from memory_cli.replay.comparing import Compared, Report
    from memory_cli.replay.runs import Found
    from memory_cli.replay.walking import Seen

_MOST_SHOWN = 20
_MEANS = frozenset(("tokens told per run",))  # the other measures are shares
_COLUMNS = ("what, by whom", "value", "95 % interval", "of", "ours is ahead by", "95 % interval")


def replay(
    context: typer.Context,
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[PROJECT]", help="The project whose own episodes are replayed; with --runs, more files."
        ),
    ] = None,
    runs: Annotated[
        list[Path] | None,
        typer.Option(help="Replay recorded runs instead: files or directories of any transcripts that 'import' reads."),
    ] = None,
    kind: Annotated[str, typer.Option("--format", help="Whose files they are, where that is not plain.")] = "",
    limit: Annotated[
        int, typer.Option(min=1, help="Ask at the newest so many runs of a project; all earlier ones are known.")
    ] = 200,
    hindsight: Annotated[
        bool, typer.Option("--hindsight", help="Let the memory know later runs of other tasks too: more to learn from.")
    ] = False,
    json: show.Json = False,
) -> None:
    """Walk recorded runs in the order of time and say what the memory would have forewarned of.

    At each prompt, edit and command the memory knows only what came before, and never another run of the same task.
    What it would have said is compared with what happened, beside simpler ways. It runs in a temporary store; your own
    memory is only read.
    """
    from memory_cli.replay.comparing import report  # noqa: PLC0415 - numpy

    place = opening(context)
    found = _recorded([*(runs or ()), *map(Path, names or ())], kind) if runs else _own(place, names or [], kind)
    seen = list(_walked(place, found, limit, hindsight=hindsight))
    made = report(seen, hindsight=hindsight)
    if json:
        show.as_json(made)
    else:
        _draw(made)


def _recorded(paths: list[Path], kind: str) -> "list[Found]":
    """Read runs from files; what cannot be read is said on stderr."""
    from memory_cli.replay.sources import read_runs  # noqa: PLC0415 - numpy

    found, bad = read_runs(paths, kind)
    for each in bad[:_MOST_SHOWN]:
        show.error(each.reason if each.reason.startswith(each.where) else f"{each.where}: {each.reason}")
    if len(bad) > _MOST_SHOWN:
        show.error(f"{len(bad) - _MOST_SHOWN} more could not be read")
    return found


def _own(place: Opening, names: list[str], kind: str) -> "list[Found]":
    """Read the episodes of a project.

    Raises:
        InvalidInputError: more than a project is given.
        NotFoundError: there is no such project.

    """
    from memory_cli.replay.runs import own_runs  # noqa: PLC0415 - numpy

    if kind:
        raise InvalidInputError("--format says whose files --runs names; give --runs")
    if len(names) > 1:
        raise InvalidInputError(f"one project at a time, not {len(names)}; files of runs go behind --runs")
    there = place
    if names:
        with place.memory() as memory:
            memory.projects.show(names[0])  # opening a project that there is not would make it
        there = msgspec.structs.replace(place, flags={**place.flags, "project.name": names[0]})
    with there.memory() as memory:
        found, damaged = own_runs(memory)
    if damaged:
        show.error(f"{_many(damaged, 'episode')} left out: not what was written; see 'memory-cli doctor'")
    return found


def _walked(place: Opening, found: "list[Found]", limit: int, *, hindsight: bool) -> "Iterator[Seen]":
    """Walk each project with a progress bar.

    Raises:
        NotFoundError: there is nothing to walk.

    """
    from memory_cli.replay.runs import in_order  # noqa: PLC0415 - numpy
    from memory_cli.replay.walking import Plan, walk  # noqa: PLC0415 - as above

    projects = in_order(found, hindsight=hindsight)
    if not projects:
        raise NotFoundError(
            "no run with steps is recorded there; bring some in with 'memory-cli import', or name files with --runs"
        )
    settings = place.resolved().settings
    asked = {project: frozenset(run.name for run in members[-limit:]) for project, members in projects.items()}
    with show.progress() as bar:
        task = bar.add_task("replay", total=sum(map(len, asked.values())))
        for project, members in projects.items():
            yield from walk(members, Plan(asked[project], hindsight), settings, lambda: bar.advance(task))


def _draw(made: "Report") -> None:
    order = "with hindsight: later runs of other tasks are known too" if made.hindsight else "in the order of time"
    show.table(
        f"{_many(made.runs, 'run')} of {_many(made.tasks, 'task')} in {_many(made.projects, 'project')}, {order}",
        _COLUMNS,
        _rows(made.measures),
    )
    show.line(
        "Forewarned means that the memory would have said so before it happened; whether the agent would have listened "
        "is not known.\nIntervals are drawn over tasks. --json shows what was said at each step."
    )


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _rows(measures: "Sequence[Compared]") -> Iterator[tuple[str, ...]]:
    """Yield each measure as a heading above its arms."""
    before = ""
    for each in measures:
        if each.measure != before:
            yield (each.measure, "", "", "", "", "")
        before = each.measure
        is_share = each.measure not in _MEANS
        yield (
            f"  {each.arm}",
            _number(each.value, is_share=is_share),
            _interval(each.interval, is_share=is_share),
            f"{each.part:g} of {each.whole:g}" if is_share else f"{each.whole:g}",
            _number(each.ahead, is_share=is_share, sign="+"),
            _interval(each.ahead_interval, is_share=is_share, sign="+"),
        )


def _number(value: float | None, *, is_share: bool, sign: str = "") -> str:
    if value is None:
        return ""
    return f"{value:{sign}.2f}" if is_share else f"{value:{sign}.0f}"


def _interval(value: tuple[float, float] | None, *, is_share: bool, sign: str = "") -> str:
    if value is None:
        return ""
    return " … ".join(_number(each, is_share=is_share, sign=sign) for each in value)
