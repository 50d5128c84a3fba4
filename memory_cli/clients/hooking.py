"""This module installs our hooks with a coding agent, and takes them out again."""

import json
import shlex
from pathlib import Path

from memory_cli.clients import files, jsonc
from memory_cli.clients.catalogue import Client, Machine, Scope
from memory_cli.clients.files import FileEdit
from memory_cli.clients.hook_layouts import LAYOUTS, Layout
from memory_mcp.clock import Clock
from memory_mcp.errors import InvalidInputError

_PLUGIN = Path(__file__).with_name("opencode-plugin.js")
_COMMAND_LINE = 'const COMMAND = ["memory-cli"]'


def install(client: Client, scope: Scope, machine: Machine, command: str, *, dry_run: bool, clock: Clock) -> FileEdit:
    """Install the hooks, which call `command hook`; once and again without doubles.

    Raises:
        InvalidInputError: the agent's file cannot be read or written.

    """
    path = machine.hooks_file(client, scope)
    if client.name == "opencode":
        plugin = _PLUGIN.read_text(encoding="utf-8")
        return files.replace(
            path,
            plugin.replace(_COMMAND_LINE, f"const COMMAND = {json.dumps([command])}"),
            machine.clone,
            dry_run=dry_run,
            clock=clock,
        )
    layout = LAYOUTS[client.name]
    wanted = f"{shlex.quote(command)} hook{layout.options}"
    text = _without_ours(files.read(path, machine.clone), layout, path, but=wanted)
    try:
        text = _with_hooks(text, layout, path, wanted)
    except InvalidInputError as error:
        raise InvalidInputError(f"{path}: {error}; mend it and run this again") from error
    return files.replace(path, text, machine.clone, dry_run=dry_run, clock=clock)


def _with_hooks(text: str, layout: Layout, path: Path, wanted: str) -> str:
    for name, value in layout.file.items():
        if not text.strip() or jsonc.parse(text).find((name,)) is None:
            text = jsonc.inserted(text, (name,), value)
    for event in layout.events:
        if not any(said == wanted for _, said in _ours(text, layout, event, path)):
            text = jsonc.inserted(text, ("hooks", event, -1), layout.entry(event, wanted))
    return text


def uninstall(client: Client, scope: Scope, machine: Machine, *, dry_run: bool, clock: Clock) -> FileEdit:
    """Take the hooks out again; those of others stay.

    Raises:
        InvalidInputError: the agent's file cannot be read or written.

    """
    path = machine.hooks_file(client, scope)
    if client.name == "opencode" or not files.read(path, machine.clone):
        return files.replace(path, None, machine.clone, dry_run=dry_run, clock=clock)
    layout = LAYOUTS[client.name]
    text = _without_ours(files.read(path, machine.clone), layout, path)
    empty = {json.dumps(each, separators=(",", ":")) for each in ({}, dict(layout.file))}
    left = None if "".join(text.split()) in empty else text
    return files.replace(path, left, machine.clone, dry_run=dry_run, clock=clock)


def installed(client: Client, scope: Scope, machine: Machine) -> bool:
    """Whether an agent calls our hooks."""
    path = machine.hooks_file(client, scope)
    if client.name == "opencode":
        return path.exists()
    layout = LAYOUTS[client.name]
    text = files.read(path, machine.clone)
    return any(_ours(text, layout, each, path) for each in layout.events)


def _ours(text: str, layout: Layout, event: str, path: Path) -> list[tuple[tuple[str | int, ...], str]]:
    """Return our hooks of one event: the path of each in the file and its command."""
    if not text.strip():
        return []
    try:
        found = jsonc.parse(text).find(("hooks", event))
    except InvalidInputError as error:
        raise InvalidInputError(f"{path}: {error}; mend it and run this again") from error
    entries = found.value if found and isinstance(found.value, list) else []
    placed: list[tuple[tuple[str | int, ...], object]] = []
    for at, entry in enumerate(entries):
        if layout.is_flat:
            placed.append((("hooks", event, at), entry))
        elif isinstance(entry, dict) and isinstance(entry.get("hooks"), list):
            placed += [(("hooks", event, at, "hooks", place), hook) for place, hook in enumerate(entry["hooks"])]
    return [
        (place, str(hook["command"]))
        for place, hook in placed
        if isinstance(hook, dict) and _is_ours(str(hook.get("command", "")))
    ]


def _is_ours(command: str) -> bool:
    try:
        words = shlex.split(command)
    except ValueError:
        return False
    return words[1:2] == ["hook"] and Path(words[0]).stem == "memory-cli"


def _without_ours(text: str, layout: Layout, path: Path, but: str | None = None) -> str:
    for event in layout.events:
        for place, command in reversed(_ours(text, layout, event, path)):
            if command != but:
                text = jsonc.removed(text, place if layout.is_flat else _group_path(text, place))
    return text


def _group_path(text: str, place: tuple[str | int, ...]) -> tuple[str | int, ...]:
    """Return the path of a hook, or of its whole group where it is alone in it."""
    found = jsonc.parse(text).find(place[:-1])
    alone = found is not None and len(found.parts) == 1
    return place[:-2] if alone else place
