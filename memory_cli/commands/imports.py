"""This module is `memory-cli import`."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from msgspec import Struct

from memory_cli import show
from memory_cli.intakes import Intakes
from memory_cli.opening import Opening, memory_of, opening
from memory_mcp.errors import ImporterError
from memory_mcp.importers import archives, json_lines
from memory_mcp.importers.archives import Opened
from memory_mcp.importers.commits import Commit, commits_in, count_commits, read_repository
from memory_mcp.importers.folders import total_bytes
from memory_mcp.importers.git import Summary as GitSummary
from memory_mcp.importers.git import import_commits, rehearse_commits
from memory_mcp.importers.kinds import KINDS, Kind
from memory_mcp.importers.records import Bad, Record
from memory_mcp.importers.taking_in import Summary, take_in
from memory_mcp.memory import Memory

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Bring in what happened before, once and again without doubles."
)

Dry = Annotated[bool, typer.Option("--dry-run", help="Say what would be imported, and change nothing.")]
Paths = Annotated[list[Path], typer.Argument(help="Files or directories.")]
_SHOWN = 20


class _Command(Struct, frozen=True):
    """The command of a kind: its help, and where its files lie if nobody says.

    `usual` is the environment variable that names a directory, the directory below the user's home without it, and the
    one below both.
    """

    help: str
    usual: tuple[str, str, str] | None = None


_COMMANDS = {
    "claude-code": _Command(
        "Turn Claude Code's transcripts into episodes: tool calls are steps, side chains child episodes.",
        ("CLAUDE_CONFIG_DIR", ".claude", "projects"),
    ),
    "opencode": _Command("Turn OpenCode's sessions into episodes.", ("XDG_DATA_HOME", ".local/share", "opencode")),
    "codex": _Command("Turn Codex's sessions into episodes.", ("CODEX_HOME", ".codex", "sessions")),
    "swe-agent": _Command("Turn SWE-agent trajectories (.traj) into episodes."),
    "mini-swe-agent": _Command(
        "Turn runs of mini-swe-agent (.traj.json, or JSON lines with id, task, steps, claimed) into episodes."
    ),
    "server-memory": _Command("Turn the graph of @modelcontextprotocol/server-memory (memory.json) into notes."),
    "mcp-memory-service": _Command("Turn the memories of mcp-memory-service (sqlite_vec.db) into notes."),
    "claude-mem": _Command("Turn the observations and summaries of claude-mem (claude-mem.db) into notes."),
    "basic-memory": _Command("Turn the Markdown files of basic-memory into notes."),
    "mem0": _Command("Turn what mem0 or OpenMemory exports as JSON into notes."),
    "slack": _Command("Turn a Slack export into notes of its channels and conversations of its threads."),
}


@app.command()
def git(
    context: typer.Context,
    path: Annotated[Path, typer.Argument(help="A repository, or commits as JSON lines (.jsonl, .jsonl.gz).")] = Path(),
    dry_run: Dry = False,
    json: show.Json = False,
) -> None:
    """Turn a repository's commits into episodes; a second run adds only new ones."""
    with memory_of(context) as memory:
        summary = import_history(memory, path, dry_run=dry_run)
    if json:
        show.as_json(summary)
    else:
        would = "would be imported" if dry_run else "imported"
        passed = f", {summary.bad} bad ones passed over" if summary.bad else ""
        show.line(
            f"{summary.read} commits read: {summary.imported} {would}, {summary.known} known already, "
            f"{summary.failures} reverted ones marked as failures, {summary.relationships} relationships{passed}"
        )
    _report_bad(summary.bad, summary.reports, nothing_came=not (summary.imported or summary.known))


def _command_of(kind: Kind, usual: tuple[str, str, str] | None) -> Callable[..., None]:
    """Return the command of a kind: paths are wanted where there is no usual place."""

    def run(context: typer.Context, paths: Paths, dry_run: Dry = False, json: show.Json = False) -> None:
        _import(context, kind, paths, dry_run=dry_run, json=json)

    if usual is None:
        return run

    def run_usual(
        context: typer.Context,
        paths: Annotated[list[Path] | None, typer.Argument(help="Files or directories; else the usual place.")] = None,
        dry_run: Dry = False,
        json: show.Json = False,
    ) -> None:
        _import(context, kind, paths or [_usual_place(opening(context), usual)], dry_run=dry_run, json=json)

    return run_usual


for _name, _command in _COMMANDS.items():
    app.command(_name, help=_command.help)(_command_of(KINDS[_name], _command.usual))


@app.command("jsonl")
def jsonl(
    context: typer.Context,
    paths: Paths,
    projects: Annotated[
        bool, typer.Option("--projects", help="An export of ours: each of its projects into the one of that name.")
    ] = False,
    dry_run: Dry = False,
    json: show.Json = False,
) -> None:
    """Take in JSON lines: an export of memory-mcp, or lines with a task (episodes) or a text (notes)."""
    exports = [path for path in paths if archives.is_export(path)]
    others = [path for path in paths if path not in exports]
    summary = _import_exports(opening(context), exports, projects=projects, dry_run=dry_run) if exports else Summary()
    if others:
        more = _taken_in(opening(context), KINDS[json_lines.KIND], others, dry_run=dry_run)
        summary.add(more)
    _report(summary, here="", dry_run=dry_run, json=json)


def _usual_place(place: Opening, usual: tuple[str, str, str]) -> Path:
    variable, below_home, inside = usual
    return Path(place.environ.get(variable) or Path.home() / below_home) / inside


def _import(context: typer.Context, kind: Kind, paths: list[Path], *, dry_run: bool, json: bool) -> None:
    place = opening(context)
    summary = _taken_in(place, kind, paths, dry_run=dry_run)
    _report(summary, here=place.project(), dry_run=dry_run, json=json)


def _taken_in(place: Opening, kind: Kind, paths: list[Path], *, dry_run: bool) -> Summary:
    """Read files with a progress bar in bytes, store each record in its own project, and index it."""
    summary = Summary()
    total = sum(total_bytes(path, *kind.suffixes) for path in paths)
    with Intakes(place, kind.name, summary, follow, dry_run=dry_run) as intakes, show.progress(in_bytes=True) as bar:
        task = bar.add_task(kind.name, total=total or None)

        def records() -> Iterator[Record | Bad]:
            for path in paths:
                try:
                    yield from kind.read(path, lambda count: bar.advance(task, count))
                except ImporterError as error:
                    yield Bad(str(path), str(error))
                except OSError as error:
                    yield Bad(str(path), f"it cannot be read: {error.strerror}")

        take_in(intakes.of, records(), summary.report)
        bar.update(task, total=total, completed=total)  # only part of a database is read
    return summary


def _import_exports(place: Opening, paths: list[Path], *, projects: bool, dry_run: bool) -> Summary:
    summary = Summary()
    with ExitStack() as stack, show.progress(in_bytes=True) as bar:
        memories: dict[str, Memory] = {}

        def opened(project: str) -> Opened:
            name = project if projects else ""
            if name not in memories:
                flags = {**place.flags, "project.name": project} if projects else place.flags
                memories[name] = stack.enter_context(msgspec.structs.replace(place, flags=flags).memory())
            return Opened(memories[name].store, memories[name].learning, memories[name].decisions)

        for path in paths:
            task = bar.add_task(path.name, total=total_bytes(path) or None)
            advance: Callable[[int], None] = lambda count, task=task: bar.advance(task, count)  # type: ignore[misc]  # noqa: E731 - bound to this file's bar
            try:
                summary.add(archives.import_export(opened, path, advance, dry_run=dry_run))
            except ImporterError as error:
                summary.report(Bad(str(path), str(error)))
    return summary


def _report(summary: Summary, *, here: str, dry_run: bool, json: bool) -> None:
    """Print what was done, and where, unless all of it belongs to the project `here`."""
    if json:
        show.as_json(summary)
    else:
        would = "would be imported" if dry_run else "imported"
        grown = f"{summary.grown} had grown, " if summary.grown else ""
        show.line(
            f"{summary.read} records read: {summary.imported} {would}, {summary.known} known already, {grown}"
            f"{summary.bad} bad ones passed over, {summary.relationships} relationships"
        )
        if here and set(summary.projects) - {here}:
            for project, imported in summary.projects.items():
                show.line(f"{imported} {would} into project {project}")
    _report_bad(summary.bad, summary.reports, nothing_came=not (summary.imported or summary.known or summary.grown))


def _report_bad(bad: int, reports: Sequence[Bad], *, nothing_came: bool) -> None:
    """Print the first bad records; exit code 1 if nothing could be imported."""
    for each in reports[:_SHOWN]:
        where = "" if each.reason.startswith(each.where) else f"{each.where}: "
        show.error(f"{where}{each.reason}")
    if bad > _SHOWN:
        show.error(f"{bad - _SHOWN} more; --json names the first hundred")
    if bad and nothing_came:
        raise typer.Exit(1)


def import_history(memory: Memory, path: Path, *, dry_run: bool = False) -> GitSummary:
    """Import a repository or a file of commits with a progress bar, and index it."""
    commits: Iterable[Commit | Bad]
    if path.is_dir():
        commits, total = read_repository(path), count_commits(path)
    else:
        commits, total = commits_in(path), None
    with show.progress() as bar:
        task = bar.add_task("commits", total=total)
        if dry_run:
            return rehearse_commits(memory.episodes, commits, lambda count: bar.advance(task, count))
        summary = import_commits(memory.episodes, memory.relationships, commits, lambda count: bar.advance(task, count))
    follow(memory, summary.imported)
    return summary


def follow(memory: Memory, imported: int) -> None:
    """Learn from and index what was imported, with progress bars; the vectors of a slow model come later."""
    with show.progress() as bar:
        learning = bar.add_task("learning", total=imported)
        memory.learning.follow(progress=lambda count: bar.advance(learning, count))
        deciding = bar.add_task("decisions", total=imported)
        memory.decisions.follow(progress=lambda count: bar.advance(deciding, count))
        keywords = bar.add_task("index", total=None)
        memory.index.keywords.follow(lambda count: bar.advance(keywords, count))
        wanted = memory.index.wanted
        if wanted and wanted.is_instant:
            vectors = bar.add_task("vectors", total=None)
            memory.index.follow_vectors(
                wanted, patience_s=float("inf"), progress=lambda count: bar.advance(vectors, count)
            )
