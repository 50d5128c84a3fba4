"""This module tries the servers registered with agents, if they are this installation's and in the user's own files."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

from memory_cli.clients import hooking, registering
from memory_cli.clients.catalogue import CLIENTS, SCOPES, Client, Machine, Scope
from memory_cli.clients.hook_layouts import LACKS
from memory_cli.clients.installation import locate, looks_into_projects, own_server
from memory_cli.clients.registering import Registration
from memory_cli.servers import Server, ServerGoneError
from memory_mcp.errors import InvalidInputError
from memory_mcp.monitoring.diagnosis import Diagnosis
from memory_mcp.worktrees.clones import is_inside

_BEYOND_S = 20.0  # how long past its limit a start is waited for, to say how slow it is
_NO_LIMIT_S = 30.0
_SHEBANG_BYTES = 256


def try_clients(machine: Machine, limit_s: float | None) -> Iterator[Diagnosis]:
    """Yield what is found for every agent that is in use here; `limit_s` replaces the agents' own limits."""
    known = [client for client in CLIENTS.values() if machine.is_known(client)]
    if not known:
        yield Diagnosis(
            "clients", "warning", "no coding agent was found", "'memory-cli setup --help' names those we know"
        )
    for client in known:
        yield from _try_client(client, machine, limit_s)


def _try_client(client: Client, machine: Machine, limit_s: float | None) -> Iterator[Diagnosis]:
    try:
        found = registering.registrations(client, machine)
        hooked = {
            machine.hooks_file(client, scope): scope
            for scope in reversed(SCOPES)
            if hooking.installed(client, scope, machine)
        }
    except InvalidInputError as error:
        yield Diagnosis(client.title, "broken", str(error), "mend that, then run this again")
        return
    yield from _hooks(client, hooked, has_server=bool(found))
    if not found:
        advice = f"'memory-cli setup {client.name}' registers it"
        yield Diagnosis(client.title, "warning", "memory-mcp is not registered", advice)
        return
    if len(found) > 1:
        places = ", ".join(f"'{each.name}' in {each.path} ({each.scope})" for each in found)
        advice = f"'memory-cli setup {client.name} --remove' or an editor takes out all but one"
        yield Diagnosis(client.title, "warning", f"memory-mcp is registered {len(found)} times: {places}", advice)
    for each in found:
        yield _try_command(client, each, machine, limit_s if limit_s is not None else client.limit_s)


def _hooks(client: Client, hooked: dict[Path, Scope], *, has_server: bool) -> Iterator[Diagnosis]:
    """Say where an agent's hooks are installed, and what they cannot do there."""
    part = f"{client.title} hooks"
    if not hooked:
        if has_server:
            advice = f"'memory-cli setup {client.name} --hooks' installs them: agents rarely ask a memory by themselves"
            yield Diagnosis(part, "ok", "not installed", advice)
        return
    places = ", ".join(f"{path} ({scope})" for path, scope in hooked.items())
    if len(hooked) > 1:
        advice = f"'memory-cli setup {client.name} --scope project --remove' takes those of the project out"
        yield Diagnosis(part, "warning", f"installed twice, so each event is told twice: {places}", advice)
        return
    yield Diagnosis(part, "ok", "; ".join((f"installed in {places}", *LACKS.get(client.name, ()))))


def _try_command(client: Client, registration: Registration, machine: Machine, limit_s: float | None) -> Diagnosis:
    again = f"'memory-cli setup {client.name}' writes the right one"
    shown, path = " ".join(registration.command), registration.path
    if not registration.command:
        return Diagnosis(client.title, "broken", f"'{registration.name}' in {path} has no command", again)
    ours = own_server(registration.command, machine)
    if ours is None:
        return _not_ours(client, registration, machine, again)
    if is_inside(Path(path), machine.clone):
        return Diagnosis(client.title, "ok", f"'{shown}' ({path}) was not started: the repository names it, not you")
    found = _run(client, ours, machine, limit_s, again)
    if found.severity == "ok" and looks_into_projects(registration.command):
        told = f"{found.detail}; started in a project, it would load a memory_mcp from that project"
        return Diagnosis(client.title, "warning", told, again)
    return found


def _not_ours(client: Client, registration: Registration, machine: Machine, again: str) -> Diagnosis:
    """Describe another program without starting it."""
    shown = " ".join(registration.command)
    told = f"'{shown}' ({registration.path}) was not started: it is another program"
    program = locate(registration.command[0], machine)
    if is_inside(Path(registration.path), machine.clone):
        if program is None and Path(registration.command[0]).name == registration.command[0]:
            nowhere = "PATH has no program of that name outside the repository"
            told = f"'{shown}' ({registration.path}) was not started: {nowhere}"
            return Diagnosis(client.title, "warning", told, "put the directory of memory-mcp on your PATH")
        advice = f"the repository names it: read it before you let {client.title} start it"
        return Diagnosis(client.title, "warning", told, advice)
    if program is None:
        return Diagnosis(client.title, "broken", f"there is no program for '{shown}' ({registration.path})", again)
    missing = _missing_interpreter(Path(program))
    if missing:
        needs = f"'{shown}' needs {missing}, which is missing: the environment it was installed in is gone"
        return Diagnosis(client.title, "broken", needs, f"install memory-mcp again, then {again}")
    return Diagnosis(client.title, "warning", told, f"'memory-cli setup {client.name}' registers this installation")


def _run(client: Client, command: list[str], machine: Machine, limit_s: float | None, again: str) -> Diagnosis:
    patience_s = _NO_LIMIT_S if limit_s is None else limit_s + _BEYOND_S
    shown = " ".join(command)
    started = time.perf_counter()
    try:
        with Server(dict(machine.environ), command=command, limit_s=patience_s) as server:
            answered_s = time.perf_counter() - started
            tools = server.request("tools/list")["tools"]
    except (ServerGoneError, OSError) as error:
        took_s = time.perf_counter() - started
        told = f"'{shown}' gave no answer in {took_s:.1f} s: {error}"
        return Diagnosis(client.title, "broken", told, f"run '{shown} --version' by hand; {again}")
    allowed = "no limit is known" if limit_s is None else f"{client.title} waits {limit_s:g} s"
    told = f"'{shown}' answered after {answered_s:.2f} s ({allowed}) and offers {len(tools)} tools"
    if limit_s is not None and answered_s > limit_s:
        advice = "it starts too slowly: move the memory to a local disk, and the program too"
        return Diagnosis(client.title, "broken", told, advice)
    if limit_s is not None and answered_s > limit_s / 2:
        return Diagnosis(client.title, "warning", told, "it starts slowly; a busier machine may exceed the limit")
    return Diagnosis(client.title, "ok", told)


def _missing_interpreter(program: Path) -> str | None:
    """Return the interpreter that a script names and that is not there; None for anything else."""
    try:
        if not program.is_file():
            return None
        with program.open("rb") as stream:
            head = stream.read(_SHEBANG_BYTES)
    except OSError:
        return None
    if not head.startswith(b"#!"):
        return None
    words = os.fsdecode(head[2:].split(b"\n", 1)[0]).split()
    return words[0] if words and not Path(words[0]).exists() else None
