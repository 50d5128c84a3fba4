"""This module is `memory-cli note`."""

from typing import Annotated

import typer

from memory_cli import show
from memory_cli.commands import hits
from memory_cli.opening import memory_of
from memory_mcp.models.moments import parse_moment
from memory_mcp.models.recall import Query, Scope

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Facts worth keeping that are no episodes.")

Id = Annotated[str, typer.Argument(help="The note's id; 'note list' shows it.")]


@app.command()
def add(
    context: typer.Context,
    text: Annotated[str, typer.Argument(help="The fact, in a sentence.")],
    tag: Annotated[list[str] | None, typer.Option(help="Repeatable.")] = None,
    importance: Annotated[float, typer.Option(min=0, max=1, help="0 to 1.")] = 0.5,
    source: Annotated[str, typer.Option(help="Where it comes from.")] = "",
    valid_until: Annotated[str | None, typer.Option(help="When it stops being true.")] = None,
    supersedes: Annotated[str | None, typer.Option(help="Id of the note that this one replaces.")] = None,
    is_global: Annotated[bool, typer.Option("--global", help="Visible in every project.")] = False,
) -> None:
    """Remember a fact and print its id."""
    with memory_of(context) as memory:
        supersedes = memory.store.ids.full(supersedes) if supersedes else None
        note, _ = memory.notes.add(
            text,
            tags=tag or (),
            importance=importance,
            source=source,
            valid_until=parse_moment(valid_until, now=memory.clock.now()) if valid_until else None,
            supersedes=supersedes,
            is_global=is_global,
        )
    show.line(note.id)


@app.command("list")
def list_(
    context: typer.Context,
    tag: Annotated[str | None, typer.Option(help="Only with this tag.")] = None,
    include_old: Annotated[bool, typer.Option("--all", help="Superseded and expired notes too.")] = False,
    limit: Annotated[int, typer.Option(help="Rows of one page.")] = 20,
    cursor: Annotated[str | None, typer.Option(help="Where the page before ended.")] = None,
    json: show.Json = False,
) -> None:
    """List notes, newest first."""
    with memory_of(context) as memory:
        page = memory.notes.list(tag=tag, include_old=include_old, limit=limit, cursor=cursor)
        project = memory.project
    if json:
        show.as_json(page)
        return
    if page.notes:
        show.table(
            f"Notes of {project}",
            ("id", "made", "importance", "tags", "text"),
            (
                (note.id, show.day(note.created_at), f"{note.importance:g}", " ".join(note.tags), note.text)
                for note in page.notes
            ),
        )
    else:
        show.line(f"No notes in project {project}. Add one with 'memory-cli note add TEXT'.")
    if page.next_cursor:
        show.line(f"More: --cursor {page.next_cursor}")


@app.command()
def search(
    context: typer.Context,
    query: Annotated[str, typer.Argument(help="A question in plain words.")],
    limit: Annotated[int, typer.Option(min=1, max=100, help="Most hits.")] = 10,
    scope: Annotated[Scope, typer.Option(help="all: other projects too.")] = "project",
    explain: hits.Explain = False,
    json: show.Json = False,
) -> None:
    """Rank notes for a question."""
    hits.answer(context, Query(query, limit=limit, scope=scope, kinds=("note",)), as_json=json, explain=explain)


@app.command()
def delete(
    context: typer.Context,
    note_id: Id,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Erase a note from every table and index."""
    with memory_of(context) as memory:
        note_id = memory.store.ids.full(note_id)
        note = memory.notes.get(note_id)
        if not yes:
            show.confirm(f"Erase '{show.first_line(note.text, 60)}' for good?", abort=True)
        receipt = memory.notes.delete(note_id)
    show.line(f"deleted, sequence {receipt.sequence}")
