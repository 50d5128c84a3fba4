"""This module installs our hooks with a coding agent, and takes them out again."""

import json
import shlex
from pathlib import Path

from memory_cli.clients import files, jsonc
from memory_cli.clients.catalogue import Client, Machine, Scope
from memory_cli.clients.files import FileEdit
from memory_mcp.clock import Clock
from memory_mcp.errors import InvalidInputError

# event of Claude Code → whether it takes a matcher of tools
_EVENTS = {
    "SessionStart": False,
    "UserPromptSubmit": False,
    "PreToolUse": True,
    "PostToolUse": True,
    "PostToolUseFailure": True,
    "Stop": False,
    "PreCompact": False,
    "SessionEnd": False,
}
_TIMEOUT_S = 10
_PLUGIN = Path(__file__).with_name("opencode-plugin.js")
_COMMAND_LINE = 'const COMMAND = ["memory-cli"]'


def install(client: Client, scope: Scope, machine: Machine, command: str, *, dry_run: bool, clock: Clock) -> FileEdit:
    """Install the hooks, which call `command hook`; once and again without doubles.

    Raises:
        InvalidInputError: the agent has no hooks that we know, or its file cannot be read or written.

    """
    path = _path(client, scope, machine)
    if client.name == "opencode":
        plugin = _PLUGIN.read_text(encoding="utf-8")
        return files.replace(
            path,
            plugin.replace(_COMMAND_LINE, f"const COMMAND = {json.dumps([command])}"),
            machine.clone,
            dry_run=dry_run,
            clock=clock,
        )
    wanted = f"{shlex.quote(command)} hook"
    text = _without_ours(files.read(path, machine.clone), path, but=wanted)
    try:
        text = _with_hooks(text, path, wanted)
    except InvalidInputError as error:
        raise InvalidInputError(f"{path}: {error}; mend it and run this again") from error
    return files.replace(path, text, machine.clone, dry_run=dry_run, clock=clock)


def _with_hooks(text: str, path: Path, wanted: str) -> str:
    for event, has_matcher in _EVENTS.items():
        if not any(said == wanted for _, said in _ours(text, event, path)):
            hook = {"type": "command", "command": wanted, "timeout": _TIMEOUT_S}
            group = {**({"matcher": "*"} if has_matcher else {}), "hooks": [hook]}
            text = jsonc.inserted(text, ("hooks", event, -1), group)
    return text


def uninstall(client: Client, scope: Scope, machine: Machine, *, dry_run: bool, clock: Clock) -> FileEdit:
    """Take the hooks out again; those of others stay.

    Raises:
        InvalidInputError: the agent has no hooks that we know, or its file cannot be read or written.

    """
    path = _path(client, scope, machine)
    if client.name == "opencode" or not files.read(path, machine.clone):
        return files.replace(path, None, machine.clone, dry_run=dry_run, clock=clock)
    text = _without_ours(files.read(path, machine.clone), path)
    left = text if text.strip() != "{}" else None
    return files.replace(path, left, machine.clone, dry_run=dry_run, clock=clock)


def installed(client: Client, scope: Scope, machine: Machine) -> bool:
    """Whether an agent calls our hooks."""
    if not client.has_hooks:
        return False
    path = machine.hooks_file(client, scope)
    if client.name == "opencode":
        return path.exists()
    text = files.read(path, machine.clone)
    return any(_ours(text, each, path) for each in _EVENTS)


def _path(client: Client, scope: Scope, machine: Machine) -> Path:
    if not client.has_hooks:
        raise InvalidInputError(f"memory-mcp has no hooks for {client.title}; it has some for Claude Code and OpenCode")
    return machine.hooks_file(client, scope)


def _ours(text: str, event: str, path: Path) -> list[tuple[tuple[int, int], str]]:
    """Return our hooks of one event: (place of the group, place in it) and the command."""
    if not text.strip():
        return []
    try:
        found = jsonc.parse(text).find(("hooks", event))
    except InvalidInputError as error:
        raise InvalidInputError(f"{path}: {error}; mend it and run this again") from error
    groups = found.value if found and isinstance(found.value, list) else []
    return [
        ((at, place), str(hook["command"]))
        for at, group in enumerate(groups)
        for place, hook in enumerate(group.get("hooks", []) if isinstance(group, dict) else [])
        if isinstance(hook, dict) and _is_ours(str(hook.get("command", "")))
    ]


def _is_ours(command: str) -> bool:
    try:
        words = shlex.split(command)
    except ValueError:
        return False
    return words[1:2] == ["hook"] and Path(words[0]).stem == "memory-cli"


def _without_ours(text: str, path: Path, but: str | None = None) -> str:
    for event in _EVENTS:
        for (group, place), command in reversed(_ours(text, event, path)):
            if command != but:
                text = jsonc.removed(text, _group_path(text, event, group, place))
    return text


def _group_path(text: str, event: str, group: int, place: int) -> tuple[str | int, ...]:
    """Return the path of a hook, or of its whole group where it is alone in it."""
    found = jsonc.parse(text).find(("hooks", event, group, "hooks"))
    alone = found is not None and len(found.parts) == 1
    return ("hooks", event, group) if alone else ("hooks", event, group, "hooks", place)
