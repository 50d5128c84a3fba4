"""This module is `memory-cli queue`."""

from typing import Annotated

import typer

from memory_cli import show
from memory_cli.opening import memory_of, opening
from memory_mcp.clock import iso
from memory_mcp.config.places import hook_directory
from memory_mcp.hooks.queue import HookQueue
from memory_mcp.hooks.replaying import drain

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="Hook events of all projects that wait to be recorded or were set aside.",
)
_SHOWN = 110


@app.command("list")
def list_(context: typer.Context, json: show.Json = False) -> None:
    """Show how many events wait, and list those that were set aside with the reasons."""
    queue = _queue(context)
    state, events = queue.state(), queue.events_set_aside()
    if json:
        show.as_json({"state": state, "set_aside": events})
        return
    since = f", the oldest since {iso(state.oldest_at)}" if state.oldest_at else ""
    show.line(f"{state.waiting} events wait{since}; {state.set_aside} set aside, {state.dropped} dropped")
    if events:
        rows = ((iso(each.at) if each.at else "", each.reason, each.line[:_SHOWN]) for each in events)
        show.table("Set aside", ("when", "reason", "event"), rows)
        show.line("'memory-cli queue retry' tries them again, 'memory-cli queue delete' erases them.")


@app.command("drain")
def drain_(context: typer.Context) -> None:
    """Record the waiting events now, without waiting for the next hook or a server."""
    with memory_of(context) as memory:
        _tell(drain(memory), HookQueue(hook_directory(memory.places)))


@app.command()
def retry(context: typer.Context) -> None:
    """Put the events that were set aside back into the queue, and record what can be recorded."""
    with memory_of(context) as memory:
        queue = HookQueue(hook_directory(memory.places))
        show.line(f"{queue.put_back()} events put back")
        _tell(drain(memory), queue)


@app.command()
def delete(
    context: typer.Context, yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False
) -> None:
    """Erase the events that were set aside; waiting events stay."""
    queue = _queue(context)
    if not yes:
        show.confirm(f"Erase {queue.state().set_aside} events that were set aside?", abort=True)
    show.line(f"{queue.forget_set_aside()} events deleted")


def _queue(context: typer.Context) -> HookQueue:
    return HookQueue(hook_directory(opening(context).places()))


def _tell(recorded: int, queue: HookQueue) -> None:
    state = queue.state()
    busy = " because the store or the queue is in use or cannot be used" if state.waiting else ""
    show.line(f"{recorded} events recorded; {state.waiting} wait{busy}; {state.set_aside} set aside")
