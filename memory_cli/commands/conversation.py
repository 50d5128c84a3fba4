"""This module is `memory-cli conversation`."""

import sys
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from memory_cli import show
from memory_cli.commands import hits
from memory_cli.opening import memory_of
from memory_mcp.errors import InvalidInputError
from memory_mcp.models.conversations import Message, importance
from memory_mcp.models.episodes import Context
from memory_mcp.models.moments import parse_moment
from memory_mcp.models.recall import Query, Scope

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Messages that were exchanged, found turn by turn.")

Id = Annotated[str, typer.Argument(help="The conversation's id; 'conversation list' shows it.")]
Messages = Annotated[
    Path,
    typer.Argument(
        help='JSON lines {"role": "user", "text": "...", "time": "2026-01-31T09:30Z", "important": true}; -: stdin.'
    ),
]


class _Line(msgspec.Struct):
    role: str
    text: str
    time: str = ""
    important: bool = False


@app.command()
def add(
    context: typer.Context,
    messages: Messages,
    title: Annotated[str, typer.Option(help="What it was about; by itself its first words.")] = "",
    tag: Annotated[list[str] | None, typer.Option(help="Repeatable.")] = None,
    is_global: Annotated[bool, typer.Option("--global", help="Visible in every project.")] = False,
) -> None:
    """Remember a conversation and print its id."""
    with memory_of(context) as memory:
        made, _ = memory.conversations.remember(
            title, _read(messages, memory.clock.now()), context=Context(tags=tuple(tag or ())), is_global=is_global
        )
    show.line(made.id)


@app.command()
def append(context: typer.Context, conversation_id: Id, messages: Messages) -> None:
    """Add messages to a conversation."""
    with memory_of(context) as memory:
        conversation_id = memory.store.ids.full(conversation_id)
        receipt = memory.conversations.append(conversation_id, _read(messages, memory.clock.now()))
    show.line(f"added, sequence {receipt.sequence}")


@app.command("list")
def list_(
    context: typer.Context,
    limit: Annotated[int, typer.Option(help="Rows of one page.")] = 20,
    cursor: Annotated[str | None, typer.Option(help="Where the page before ended.")] = None,
    json: show.Json = False,
) -> None:
    """List conversations, newest first."""
    with memory_of(context) as memory:
        page = memory.conversations.list(limit=limit, cursor=cursor)
        project = memory.project
    if json:
        show.as_json(page)
        return
    if page.episodes:
        rows = (
            (row.id, show.day(row.started_at), " ".join(row.context.tags), show.first_line(row.task))
            for row in page.episodes
        )
        show.table(f"Conversations of {project}", ("id", "began", "tags", "title"), rows)
    else:
        show.line(f"No conversations in project {project}. Add one with 'memory-cli conversation add FILE',")
        show.line("or bring some in with 'memory-cli import slack'.")
    if page.next_cursor:
        show.line(f"More: --cursor {page.next_cursor}")


@app.command()
def view(
    context: typer.Context,
    conversation_id: Id,
    start: Annotated[int, typer.Option("--from", min=0, max=1_000_000_000, help="Position of the first message.")] = 0,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Most messages.")] = 100,
    json: show.Json = False,
) -> None:
    """Show the messages of a conversation, with how much each matters."""
    with memory_of(context) as memory:
        conversation_id = memory.store.ids.full(conversation_id)
        turns = memory.conversations.turns(conversation_id, start=start, limit=limit)
        now = memory.clock.now()
    if json:
        show.as_json([{**msgspec.to_builtins(turn), "importance": importance(turn.message, now)} for turn in turns])
        return
    for turn in turns:
        message = turn.message
        mark = " *" if message.stands_out else ""
        head = f"{turn.position:>4} {show.day(message.at)} {message.role} ({importance(message, now):.2f}{mark})"
        show.line(f"{head}: {message.text}")
    if len(turns) == limit:
        show.line(f"More: --from {start + limit}")


@app.command()
def search(
    context: typer.Context,
    query: Annotated[str, typer.Argument(help="A question in plain words.")],
    limit: Annotated[int, typer.Option(min=1, max=100, help="Most hits.")] = 10,
    scope: Annotated[Scope, typer.Option(help="all: other projects too.")] = "project",
    explain: hits.Explain = False,
    json: show.Json = False,
) -> None:
    """Rank single messages for a question."""
    hits.answer(context, Query(query, limit=limit, scope=scope, kinds=("turn",)), as_json=json, explain=explain)


@app.command()
def delete(
    context: typer.Context,
    conversation_id: Id,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Erase a conversation with all its messages."""
    with memory_of(context) as memory:
        conversation_id = memory.store.ids.full(conversation_id)
        (first, *_) = memory.conversations.turns(conversation_id, limit=1)
        if not yes:
            show.confirm(f"Erase '{show.first_line(first.title, 60)}' for good?", abort=True)
        receipt = memory.episodes.delete(conversation_id)
    show.line(f"deleted, sequence {receipt.sequence}")


def _read(path: Path, now: int) -> list[Message]:
    """Read messages; one without a time is of now."""
    try:
        content = sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
    except OSError as error:
        raise InvalidInputError(f"{path} cannot be read: {error.strerror}") from error
    messages = []
    for number, line in enumerate(content.splitlines(), 1):
        if not line.strip():
            continue
        try:
            read = msgspec.json.decode(line, type=_Line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise InvalidInputError(f"line {number} of {path} is no message: {error}") from error
        at = parse_moment(read.time, now=now) if read.time else now
        messages.append(Message(read.role, read.text, at, read.important))
    return messages
