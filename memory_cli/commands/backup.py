"""This module is `memory-cli backup`."""

from pathlib import Path
from typing import Annotated

import typer

from memory_cli import show
from memory_cli.opening import memory_of, opening
from memory_mcp.clock import SystemClock
from memory_mcp.errors import CacheError
from memory_mcp.storage import copies
from memory_mcp.storage.restoring import restore as restore_copy

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Copies of the whole memory, of all projects.")

Name = Annotated[str, typer.Argument(help="A copy's file name as 'backup list' shows it, or a path.")]


@app.command()
def create(context: typer.Context, json: show.Json = False) -> None:
    """Copy the memory while servers run, with a checksum, and print the copy's path."""
    with memory_of(context) as memory:
        made = copies.create(memory.store.database, _directory(context), memory.clock)
    if json:
        show.as_json(made)
    else:
        show.line(f"{made.path}  {made.size_bytes / 1e6:.1f} MB  sha256 {made.sha256}")


@app.command("list")
def list_(context: typer.Context, json: show.Json = False) -> None:
    """List copies, newest first, also those that were kept before a migration or a restore."""
    found = copies.list_copies(opening(context).places().store, _directory(context))
    if json:
        show.as_json(found)
        return
    if not found:
        show.line("No copies yet. Make one with 'memory-cli backup create'.")
        return
    rows = (
        (Path(each.path).name, show.day(each.made_at), each.origin, f"{each.size_bytes / 1e6:.1f}") for each in found
    )
    show.table(f"Copies in {_directory(context)}", ("name", "made", "what", "MB"), rows)


@app.command()
def verify(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="A copy; without, all of them.")] = "",
    json: show.Json = False,
) -> None:
    """Check copies: checksum, kind of file, structure; exit code 1 if one is no good."""
    store, directory = opening(context).places().store, _directory(context)
    chosen = [copies.find(name, store, directory)] if name else copies.list_copies(store, directory)
    found = [copies.verify(each) for each in chosen]
    if json:
        show.as_json(found)
    else:
        for each in found:
            show.line(f"{each.path}: {'; '.join(each.faults) or f'good, schema {each.schema}'}")
        if not found:
            show.line("No copies yet. Make one with 'memory-cli backup create'.")
    if any(each.faults for each in found):
        raise typer.Exit(1)


@app.command()
def restore(
    context: typer.Context,
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Make the memory what a copy holds; what is there now is copied first. Servers may go on running."""
    place = opening(context)
    store, directory = place.places().store, _directory(context)
    chosen = copies.find(name, store, directory)
    if not yes:
        show.confirm(f"Replace the memory in {store} by the copy of {show.day(chosen.made_at)}?", abort=True)
    with show.progress() as bar:
        task = bar.add_task("pages", total=None)
        before = restore_copy(
            store,
            chosen,
            directory,
            SystemClock(),
            lambda done, total: bar.update(task, completed=done, total=total),
        )
    with place.memory() as memory:
        if memory.store.cache is not None:
            try:
                memory.store.cache.clear()
            except CacheError as error:
                show.line(f"note: {error}")
    show.line(f"restored {chosen.path}")
    if before:
        show.line(f"what was there before: {before.path}")


def _directory(context: typer.Context) -> Path:
    return opening(context).places().home / "backups"
