"""This module is `memory-cli quarantine`."""

from typing import Annotated

import typer
from msgspec import Struct

from memory_cli import show
from memory_cli.opening import memory_of, refuse_agents
from memory_mcp.models.recall import Kind
from memory_mcp.models.voices import Voice

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Records that agents find by search only, and are never told."
)
Id = Annotated[str, typer.Argument(help="The record's id.")]
_TEXT_CHARACTERS = 100


class Held(Struct, frozen=True):
    """A record that is held back, and why."""

    id: str
    kind: Kind
    voice: Voice
    reason: str
    created_at: int
    text: str


@app.command("list")
def list_(
    context: typer.Context,
    voice: Annotated[Voice | None, typer.Option(help="Only what is the word of this voice.")] = None,
    kind: Annotated[Kind | None, typer.Option(help="Only records of this kind.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Most records.")] = 20,
    json: show.Json = False,
) -> None:
    """List what is held back, newest first, and why: it is neither your word nor your repository's."""
    with memory_of(context) as memory:
        standings = memory.trust.held(voice, kind, limit)
        reasons = memory.trust.reasons(standings)
        short = {} if json else memory.store.ids.shorten(each.id for each in standings)
        counts = memory.store.trust.count_held()
        project = memory.project
    held = [Held(x.id, x.kind, x.voice, reasons[x.id], x.created_at, x.text) for x in standings]
    if json:
        show.as_json(held)
        return
    if not held:
        show.line(f"Nothing of project {project} is held back.")
        return
    rows = (
        (short.get(x.id, x.id), x.kind, show.day(x.created_at), x.reason, show.first_line(x.text, _TEXT_CHARACTERS))
        for x in held
    )
    show.table(f"Held back in {project}", ("id", "kind", "made", "why", "text"), rows)
    show.line(", ".join(f"{number} {each[1]}s of {each[0]}" for each, number in counts.items()))


@app.command()
def release(context: typer.Context, record_id: Id) -> None:
    """Let a record be told without being asked for; this also wakes what fell silent, your own notes among it."""
    refuse_agents(context, "release what is held back")
    with memory_of(context) as memory:
        memory.trust.release(memory.store.ids.full(record_id))
    show.line("released")


@app.command()
def drop(context: typer.Context, record_id: Id) -> None:
    """Delete a record that is held back; a turn goes with its conversation."""
    with memory_of(context) as memory:
        found = memory.trust.find(memory.store.ids.full(record_id))
        memory.trust.drop(found)
    show.line(f"deleted the {found.kind}")
