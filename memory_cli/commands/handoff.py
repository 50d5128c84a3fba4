"""This module is `memory-cli handoff`."""

import os
from pathlib import Path
from typing import Annotated

import typer

from memory_cli import show
from memory_cli.opening import memory_of
from memory_mcp.episodes.handoffs import pack
from memory_mcp.errors import InvalidInputError
from memory_mcp.models.handoffs import Handoff

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Checkpoints of unfinished work, for another session or machine."
)

Id = Annotated[str, typer.Argument(help="The handoff's id, or an episode's: its newest handoff.")]
_LARGEST = 50_000_000


@app.command()
def create(
    context: typer.Context,
    episode_id: Annotated[str, typer.Argument(help="The episode's id.")],
    note: Annotated[str, typer.Option(help="The state of the work.")] = "",
    next_step: Annotated[list[str] | None, typer.Option("--next", help="What to do next; repeatable.")] = None,
) -> None:
    """Checkpoint an episode and print the handoff's id."""
    with memory_of(context) as memory:
        episode_id = memory.store.ids.full(episode_id)
        made = memory.handoffs.checkpoint(episode_id, note=note, next_steps=next_step or ())
    show.line(made.id)


@app.command("list")
def list_(
    context: typer.Context,
    limit: Annotated[int, typer.Option(help="Most handoffs.")] = 20,
    json: show.Json = False,
) -> None:
    """List handoffs, newest first."""
    with memory_of(context) as memory:
        rows = memory.handoffs.list(limit)
        project = memory.project
    if json:
        show.as_json(rows)
    elif rows:
        show.table(
            f"Handoffs of {project}",
            ("id", "made", "episode", "steps", "task", "note"),
            (
                (
                    row.id,
                    show.day(row.made_at),
                    row.episode_id,
                    row.step_count,
                    show.first_line(row.task, 50),
                    show.first_line(row.note, 50),
                )
                for row in rows
            ),
        )
    else:
        show.line(f"No handoffs in project {project}. Make one with 'memory-cli handoff create EPISODE'.")


@app.command()
def view(context: typer.Context, handoff_id: Id, json: show.Json = False) -> None:
    """Show a handoff."""
    with memory_of(context) as memory:
        handoff_id = memory.store.ids.full(handoff_id)
        found = memory.handoffs.get(handoff_id)
    if json:
        show.as_json(found)
    else:
        _shown(found)


@app.command()
def resume(context: typer.Context, handoff_id: Id) -> None:
    """Start the episode that goes on from a handoff and print its id."""
    with memory_of(context) as memory:
        handoff_id = memory.store.ids.full(handoff_id)
        episode, _, _ = memory.handoffs.resume(handoff_id)
    show.line(episode.id)


@app.command("export")
def export(
    context: typer.Context,
    handoff_id: Id,
    file: Annotated[Path, typer.Argument(help="The file to write; - prints it.")],
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
) -> None:
    """Write a handoff as one checksummed file, secrets replaced."""
    with memory_of(context) as memory:
        handoff_id = memory.store.ids.full(handoff_id)
        packed = pack(memory.handoffs.get(handoff_id))
    if str(file) == "-":
        show.json_text(packed.decode())
        return
    if os.path.lexists(file) and not force:
        raise InvalidInputError(f"{file} is there already; --force replaces it")
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(packed)
    except OSError as error:
        raise InvalidInputError(f"{file} cannot be written: {error.strerror}") from error
    show.line(f"wrote {file}")


@app.command("import")
def import_(
    context: typer.Context, file: Annotated[Path, typer.Argument(help="A file that 'handoff export' wrote.")]
) -> None:
    """Bring in a handoff with its episode and print its id; a second time changes nothing."""
    try:
        with file.open("rb") as stream:
            packed = stream.read(_LARGEST + 1)
    except OSError as error:
        raise InvalidInputError(f"{file} cannot be read: {error.strerror}") from error
    if len(packed) > _LARGEST:
        raise InvalidInputError(f"{file} is larger than {_LARGEST} bytes and no handoff of ours")
    with memory_of(context) as memory:
        found = memory.handoffs.take_in(packed)
    show.line(found.id)


def _shown(found: Handoff) -> None:
    episode = found.episode
    show.line(f"{found.id}  made {show.day(found.made_at)}  of episode {episode.id} ({episode.status})")
    show.line(episode.task)
    show.line(f"{len(episode.steps)} steps done" + (f"; {found.note}" if found.note else ""))
    for each in found.next_steps:
        show.line(f"next: {each}")
    for step in episode.steps[-10:]:
        show.line(f"  {'ERROR ' if step.failed else ''}{step.tool}: {show.first_line(step.action, 100)}")
    show.line(f"Go on: memory-cli handoff resume {found.id}")
