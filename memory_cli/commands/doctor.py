"""This module is `memory-cli doctor`."""

from typing import Annotated

import typer

from memory_cli import show
from memory_cli.clients.catalogue import Machine
from memory_cli.clients.trials import try_clients
from memory_cli.opening import opening
from memory_mcp.clock import SystemClock
from memory_mcp.config.places import hook_directory
from memory_mcp.embeddings.choice import choose
from memory_mcp.hooks.queue import HookQueue
from memory_mcp.monitoring.diagnosis import Diagnosis, diagnose, waiting


def doctor(
    context: typer.Context,
    clients: Annotated[
        bool, typer.Option("--clients", help="Also try the server as each installed coding agent starts it.")
    ] = False,
    limit: Annotated[
        float | None, typer.Option(min=0, help="Seconds a start may take, instead of each agent's own limit.")
    ] = None,
    json: show.Json = False,
) -> None:
    """Look for what is wrong on this machine, and say what to do about it; exit code 1 if something is broken."""
    place = opening(context)
    settings, where = place.resolved().settings, place.places()
    diagnoses: list[Diagnosis] = []
    for found in diagnose(
        settings, where, place.claim(), SystemClock(), lambda: choose(settings.embeddings, where.models)
    ):
        diagnoses.append(found)
        _show(found, json=json)
    hooks = hook_directory(where)
    diagnoses.append(waiting(HookQueue(hooks).state(), hooks, SystemClock().now()))
    _show(diagnoses[-1], json=json)
    if clients:
        for found in try_clients(Machine.of(place.environ, place.directory), limit):
            diagnoses.append(found)
            _show(found, json=json)
    if json:
        show.as_json(diagnoses)
    broken = sum(each.severity == "broken" for each in diagnoses)
    if not json:
        show.line(f"{broken} broken" if broken else "nothing is broken")
    if broken:
        raise typer.Exit(1)


def _show(found: Diagnosis, *, json: bool) -> None:
    """Print a finding as soon as it is known: trying the agents takes seconds."""
    if not json:
        marks = {"ok": "ok      ", "warning": "warning ", "broken": "BROKEN  "}
        show.line(f"{marks[found.severity]}{found.part}: {found.detail}")
        if found.advice and (found.severity != "ok" or found.part.endswith("hooks")):
            show.line(f"        → {found.advice}")
