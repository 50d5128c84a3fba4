"""This module is `memory-cli import`."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from memory_cli import show
from memory_cli.opening import memory_of
from memory_mcp.errors import ImporterError
from memory_mcp.importers.commits import Commit, count_commits, read_json_lines, read_repository
from memory_mcp.importers.git import Summary, import_commits
from memory_mcp.importers.swe_agent import import_trajectory
from memory_mcp.memory import Memory

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Bring in what happened before, once and again without doubles."
)


@app.command()
def git(
    context: typer.Context,
    path: Annotated[Path, typer.Argument(help="A repository, or commits as JSON lines (.jsonl, .jsonl.gz).")] = Path(),
    json: show.Json = False,
) -> None:
    """Turn a repository's commits into episodes; a second run adds only new ones."""
    with memory_of(context) as memory:
        summary = import_history(memory, path)
    if json:
        show.as_json(summary)
        return
    show.line(
        f"{summary.read} commits read: {summary.imported} imported, {summary.known} known already, "
        f"{summary.failures} reverted ones marked as failures, {summary.relationships} relationships"
    )


@app.command("swe-agent")
def swe_agent(
    context: typer.Context,
    files: Annotated[list[Path], typer.Argument(help="Trajectory files (.traj).")],
    json: show.Json = False,
) -> None:
    """Turn SWE-agent trajectories into episodes; a bad file is reported and the rest is imported."""
    imported = []
    failed: list[str] = []
    with memory_of(context) as memory, show.progress() as bar:
        task = bar.add_task("trajectories", total=len(files))
        for file in files:
            try:
                imported.append(import_trajectory(memory.episodes, file))
            except ImporterError as error:
                failed.append(str(error))
            bar.advance(task)
        memory.learning.follow()
    if json:
        show.as_json({"imported": imported, "failed": failed})
    else:
        for each in imported:
            show.line(f"{each.episode_id}  {each.path}{'  (known already)' if each.known else ''}")
    for sentence in failed:
        typer.echo(f"memory-cli: {sentence}", err=True)
    if failed:
        raise typer.Exit(1)


def import_history(memory: Memory, path: Path) -> Summary:
    """Import a repository or a file of commits with a progress bar, and index it."""
    commits: Iterable[Commit]
    if path.is_dir():
        commits, total = read_repository(path), count_commits(path)
    else:
        commits, total = read_json_lines(path), None
    with show.progress() as bar:
        task = bar.add_task("commits", total=total)
        summary = import_commits(memory.episodes, memory.relationships, commits, lambda count: bar.advance(task, count))
        learning = bar.add_task("learning", total=summary.imported)
        memory.learning.follow(progress=lambda count: bar.advance(learning, count))
        keywords = bar.add_task("index", total=None)
        memory.index.keywords.follow(lambda count: bar.advance(keywords, count))
        wanted = memory.index.wanted
        if wanted and wanted.is_instant:
            vectors = bar.add_task("vectors", total=None)
            memory.index.follow_vectors(
                wanted, patience_s=float("inf"), progress=lambda count: bar.advance(vectors, count)
            )
    return summary
