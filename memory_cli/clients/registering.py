"""This module registers the server with a coding agent, finds where it is registered, and takes it out again."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import tomlkit
from msgspec import Struct
from tomlkit.exceptions import TOMLKitError

from memory_cli.clients import files, jsonc
from memory_cli.clients.catalogue import SERVER, Client, Machine, Scope, command_of, entry_of
from memory_cli.clients.files import FileEdit
from memory_mcp.clock import Clock
from memory_mcp.errors import InvalidInputError
from memory_mcp.worktrees.clones import is_inside, own_path

_LIMIT_S = 60
_MODULE = "memory_mcp.server.app"


class Registration(Struct, frozen=True):
    """Where an agent finds a server of ours, under which name, and the command that it runs."""

    client: str
    scope: str
    path: str
    name: str
    command: tuple[str, ...]


def registrations(client: Client, machine: Machine) -> list[Registration]:
    """Return every place in which an agent finds a server of ours, by its name or by its command.

    Raises:
        InvalidInputError: a file of the agent cannot be read.

    """
    return [
        Registration(client.name, scope, str(path), name, tuple(command_of(entry)))
        for scope, path, name, entry in _entries(client, machine)
        if name == SERVER or _is_ours(command_of(entry))
    ]


def register(client: Client, scope: Scope, machine: Machine, command: str, *, dry_run: bool, clock: Clock) -> FileEdit:
    """Register the server under its name, as the agent writes it itself; once and again without doubles.

    Raises:
        InvalidInputError: a file of the agent cannot be read or written.

    """
    path, wanted = machine.files(client, scope)[0], entry_of(client, command)
    clone = machine.clone
    by_itself = client.name == "claude" and scope == "user" and not is_inside(path, clone)
    program = machine.program(client) if by_itself else None  # in a repository it would follow links
    if program is None:
        return files.replace(path, _with_entry(client, path, clone, wanted), clone, dry_run=dry_run, clock=clock)
    if _find(client, path, clone) == wanted:
        return FileEdit(str(path), "unchanged")
    words = [program, "mcp", "add", "--scope", scope, SERVER, "--", command]
    if dry_run:
        return FileEdit(str(path), f"would be changed by: {' '.join(words)}")
    backup = files.back_up(path, clock)
    if _find(client, path, clone) is not None:
        _run([program, "mcp", "remove", "--scope", scope, SERVER], machine)
    _run(words, machine)
    return FileEdit(str(path), f"changed by: {' '.join(words)}", backup)


def unregister(client: Client, scope: Scope, machine: Machine, *, dry_run: bool, clock: Clock) -> FileEdit:
    """Take the server out again; what else the file holds stays.

    Raises:
        InvalidInputError: a file of the agent cannot be read or written.

    """
    clone = machine.clone
    path = next((each for each in machine.files(client, scope) if _find(client, each, clone) is not None), None)
    if path is None:
        return FileEdit(str(machine.files(client, scope)[0]), "unchanged")
    text = files.read(path, clone)
    if client.name == "codex":
        left = _toml(path, text)
        del left["mcp_servers"][SERVER]
        if not left["mcp_servers"]:
            del left["mcp_servers"]
        without = tomlkit.dumps(left)
        without = without[:-1] if without.endswith("\n\n") else without  # the blank line that stood before our table
    else:
        without = jsonc.removed(text, (*client.keys, SERVER))
    rest = without if without.strip() not in {"", "{}"} else None
    return files.replace(path, rest, clone, dry_run=dry_run, clock=clock)


def _entries(client: Client, machine: Machine) -> Iterator[tuple[str, Path, str, Any]]:
    seen: set[Path] = set()  # in a home directory the user's file may be the project's too
    for scope in get_args(Scope):
        for path in machine.files(client, scope):
            if path in seen:
                continue
            seen.add(path)
            document = _document(client, path, machine.clone)
            for name, entry in _servers(document, client.keys).items():
                yield scope, path, name, entry
            if client.name == "claude" and scope == "user":
                here = _servers(document, ("projects", str(machine.directory), "mcpServers"))
                yield from (("local", path, name, entry) for name, entry in here.items())


def _servers(document: Any, keys: tuple[str, ...]) -> dict[str, Any]:
    for key in keys:
        document = document.get(key) if isinstance(document, dict) else None
    return document if isinstance(document, dict) else {}


def _is_ours(command: list[str]) -> bool:
    return any(Path(word).stem == SERVER or word == _MODULE for word in command)


def _find(client: Client, path: Path, clone: Path | None) -> Any:
    return _servers(_document(client, path, clone), client.keys).get(SERVER)


def _document(client: Client, path: Path, clone: Path | None) -> Any:
    text = files.read(path, clone)
    if client.name == "codex":
        return _toml(path, text).unwrap()
    if not text.strip("\ufeff \t\r\n"):
        return {}
    try:
        return jsonc.parse(text).value
    except InvalidInputError as error:
        raise InvalidInputError(f"{path}: {error}; mend it and run this again") from error


def _with_entry(client: Client, path: Path, clone: Path | None, wanted: dict[str, Any]) -> str:
    text = files.read(path, clone)
    if _find(client, path, clone) == wanted:
        return text
    if client.name != "codex":
        try:
            return jsonc.inserted(text, (*client.keys, SERVER), wanted)
        except InvalidInputError as error:
            raise InvalidInputError(f"{path}: {error}; mend it and run this again") from error
    document = _toml(path, text)
    if "mcp_servers" not in document:
        document["mcp_servers"] = tomlkit.table(is_super_table=True)
    elif not isinstance(document["mcp_servers"], dict):
        raise InvalidInputError(f"{path}: 'mcp_servers' is no place for '{SERVER}'; mend it and run this again")
    table = tomlkit.table()
    table.update(wanted)
    document["mcp_servers"][SERVER] = table
    return tomlkit.dumps(document)


def _toml(path: Path, text: str) -> tomlkit.TOMLDocument:
    try:
        return tomlkit.parse(text)
    except TOMLKitError as error:
        raise InvalidInputError(f"{path}: {error}; mend it and run this again") from error


def _run(words: list[str], machine: Machine) -> None:
    """Run the agent's own program in the user's home: in a repository it might read settings that name programs."""
    environ = {**machine.environ, "PATH": own_path(machine.environ.get("PATH", ""), machine.clone)}
    try:
        done = subprocess.run(  # noqa: S603 - an absolute path outside the repository
            words, env=environ, cwd=machine.home, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=_LIMIT_S, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise InvalidInputError(f"'{' '.join(words)}' did not run: {error}") from error
    if done.returncode:
        raise InvalidInputError(f"'{' '.join(words)}' failed: {(done.stderr or done.stdout).strip()}")
