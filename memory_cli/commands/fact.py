"""This module is `memory-cli fact`."""

from typing import Annotated

import typer

from memory_cli import show
from memory_cli.opening import memory_of
from memory_mcp.models.facts import Topic

app = typer.Typer(no_args_is_help=True, add_completion=False, help="What the episodes show about this project.")


@app.callback()
def noun() -> None:
    """Facts are told by verbs, as every noun is: typer would make a single command the noun itself."""


@app.command("list")
def list_(
    context: typer.Context,
    topic: Annotated[Topic | None, typer.Option(help="Only these.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Most facts.")] = 40,
    json: show.Json = False,
) -> None:
    """List what is known of the project: how to set it up and test it, what fails, which file holds what."""
    with memory_of(context) as memory:
        memory.learning.catch_up(float("inf"))
        facts = memory.facts.list(topic)[:limit]
        project = memory.project
    if json:
        show.as_json(facts)
        return
    if not facts:
        show.line(f"No facts about project {project} yet. They come from completed episodes that ran commands.")
        return
    for fact in facts:
        show.line(f"{fact.topic:>8}  {fact.text}  [{show.day(fact.last_seen)}]")
