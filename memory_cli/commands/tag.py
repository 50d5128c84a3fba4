"""This module is `memory-cli tag`."""

from typing import Annotated

import typer

from memory_cli import show
from memory_cli.opening import memory_of

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Free words on episodes and notes.")

Id = Annotated[str, typer.Argument(help="Id of an episode or a note.")]
Words = Annotated[list[str], typer.Argument(help="Tags.")]


@app.command()
def add(context: typer.Context, record_id: Id, tags: Words) -> None:
    """Add tags and print those it has then."""
    with memory_of(context) as memory:
        record_id = memory.store.ids.full(record_id)
        show.line(" ".join(memory.tags.change(record_id, add=tags)[0]))


@app.command()
def remove(context: typer.Context, record_id: Id, tags: Words) -> None:
    """Remove tags and print those it has then."""
    with memory_of(context) as memory:
        record_id = memory.store.ids.full(record_id)
        show.line(" ".join(memory.tags.change(record_id, remove=tags)[0]))


@app.command()
def rename(
    context: typer.Context,
    old: Annotated[str, typer.Argument(help="The tag as it is.")],
    new: Annotated[str, typer.Argument(help="The tag as it shall be; one that exists takes it in.")],
) -> None:
    """Rename a tag on every record of the project."""
    with memory_of(context) as memory:
        count = memory.tags.rename(old, new)
    show.line(f"renamed on {count} record{'s' if count > 1 else ''}")


@app.command("list")
def list_(context: typer.Context, json: show.Json = False) -> None:
    """List tags with the number of their records."""
    with memory_of(context) as memory:
        rows = memory.tags.list()
        project = memory.project
    if json:
        show.as_json([{"tag": tag, "records": count} for tag, count in rows])
    elif rows:
        show.table(f"Tags of {project}", ("tag", "records"), rows)
    else:
        show.line(f"No tags in project {project}. Add one with 'memory-cli tag add ID TAG'.")
