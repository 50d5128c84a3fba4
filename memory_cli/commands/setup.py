"""This module is `memory-cli setup`."""

from typing import Annotated

import typer

from memory_cli import show
from memory_cli.clients import hooking, registering
from memory_cli.clients.catalogue import CLIENTS, ClientName, Machine, Scope
from memory_cli.clients.files import FileEdit
from memory_cli.clients.hook_layouts import LACKS
from memory_cli.clients.installation import installed_program
from memory_cli.opening import opening
from memory_mcp.clock import SystemClock


def setup(
    context: typer.Context,
    client: Annotated[ClientName, typer.Argument(help="The coding agent.")],
    scope: Annotated[Scope, typer.Option(help="user: for all your projects; project: in this directory.")] = "user",
    hooks: Annotated[bool, typer.Option("--hooks", help="Also install the hooks.")] = False,
    remove: Annotated[bool, typer.Option("--remove", help="Take out the server, and the hooks if any.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change, and change nothing.")] = False,
    json: show.Json = False,
) -> None:
    """Register memory-mcp with a coding agent; everything else in its files stays as it is.

    A second run changes nothing. What was there before is kept beside the file as *.before-memory-mcp-*.
    """
    chosen = CLIENTS[client]
    place = opening(context)
    machine = Machine.of(place.environ, place.directory)
    clock = SystemClock()
    edits: list[FileEdit] = []
    if remove:
        edits.append(registering.unregister(chosen, scope, machine, dry_run=dry_run, clock=clock))
        edits.append(hooking.uninstall(chosen, scope, machine, dry_run=dry_run, clock=clock))
    else:
        if hooks:
            command = _command("memory-cli", scope, machine)
            edits.append(hooking.install(chosen, scope, machine, command, dry_run=dry_run, clock=clock))
        command = _command("memory-mcp", scope, machine)
        edits.append(registering.register(chosen, scope, machine, command, dry_run=dry_run, clock=clock))
    if json:
        show.as_json(edits)
        return
    for each in edits:
        show.line(f"{each.path}: {each.what}")
        if each.diff and dry_run:
            show.line(each.diff)
        if each.backup:
            show.line(f"  what was there before: {each.backup}")
    if hooks and not remove:
        for lack in LACKS.get(client, ()):
            show.line(f"  of these hooks: {lack}")
    if not remove and not dry_run:
        show.line(f"{chosen.title} finds memory-mcp when it starts next; 'memory-cli doctor --clients' tries it now.")


def _command(name: str, scope: Scope, machine: Machine) -> str:
    """Return the program as the agent should call it: a project's file is shared, so it holds no path of this machine.

    An agent that is no child of a shell may lack its PATH.
    """
    if scope == "project":
        return name
    return installed_program(name) or machine.found(name) or name
