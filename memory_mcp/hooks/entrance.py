"""This module is the entrance of `memory-cli hook`: it never blocks or breaks the agent, whatever goes wrong here."""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

import msgspec

from memory_mcp.clock import SystemClock, iso
from memory_mcp.config.layers import resolve
from memory_mcp.config.places import Places, places
from memory_mcp.config.projects import project_name
from memory_mcp.config.settings import Settings
from memory_mcp.errors import BusyError, StoreError
from memory_mcp.hooks.events import Event, read_event
from memory_mcp.hooks.handling import handle
from memory_mcp.hooks.queue import HookQueue, Record
from memory_mcp.memory import Memory
from memory_mcp.redaction.redactor import Redactor

_MOST_INPUT = 32 << 20
_MOST_LOG = 1 << 20
_DRAINING_S = 0.05  # of a hook, for what others have left
_ANSWERED = frozenset(("session-start", "user-prompt", "before-tool"))


def run(named: str, environ: Mapping[str, str], incoming: BinaryIO) -> str:
    """Handle one event and return what the client reads on stdout; an error of ours is a line in the log.

    Nothing comes out of it but text: the exit code is 0 in any case.
    """
    log = _fallback_log(environ)
    try:
        resolved = resolve(environ, Path.cwd())
        where = places(resolved.settings, settings_file=resolved.path)
        log = log_path(where)
        event = read_event(incoming.read(_MOST_INPUT), named, SystemClock().now())
        directory = Path(environ.get("CLAUDE_PROJECT_DIR") or Path.cwd()).resolve()
        project = project_name(resolved.settings.project, environ, directory)
        return _handled(event, resolved.settings, where, project, directory)
    except Exception as error:  # noqa: BLE001 - the agent must not suffer from us
        _write_log(log, f"{named or 'hook'}: {type(error).__name__}: {error}")
        return ""


def hook_directory(where: Places) -> Path:
    """Return where the queue and the log of the hooks lie."""
    return where.home / "hooks"


def log_path(where: Places) -> Path:
    """Return the log of the hooks."""
    return hook_directory(where) / "hook.log"


def drain(memory: Memory) -> int:
    """Record what waits in the queue, of whatever project, and return how many events that were."""
    queue = HookQueue(hook_directory(memory.places))
    if queue.is_empty:
        return 0
    return queue.drain(lambda record: _replay(memory.settings, memory.places, record))


def _handled(event: Event, settings: Settings, where: Places, project: str, directory: Path) -> str:
    queue = HookQueue(hook_directory(where))
    cleaned = Redactor(settings.redaction.emails).clean(event)
    patient = _impatient(settings)
    record = {"project": project, "directory": str(directory), "event": msgspec.to_builtins(cleaned)}
    try:
        queue.drain(lambda record: _replay(patient, where, record), _DRAINING_S)
        if queue.is_empty:  # what came before must be recorded before
            with Memory(patient, where, project, actor="hook", directory=directory) as memory:
                return _answer(event, handle(memory, cleaned))
    except BusyError:
        pass  # as where the queue waits: this event waits too
    except StoreError:
        _queued(queue, event, record)
        raise
    _queued(queue, event, record)
    return ""


def _queued(queue: HookQueue, event: Event, record: Record) -> None:
    if event.name != "before-tool":  # which is only a question
        queue.add(record)


def _replay(settings: Settings, where: Places, record: Record) -> None:
    event = msgspec.convert(record["event"], Event)
    project, directory = str(record["project"]), Path(str(record["directory"]))
    with Memory(settings, where, project, actor="hook", directory=directory) as memory:
        handle(memory, event)


def _impatient(settings: Settings) -> Settings:
    """Wait for the store only as long as an agent does not notice."""
    store = msgspec.structs.replace(settings.store, busy_timeout_s=settings.hooks.patience_s)
    return msgspec.structs.replace(settings, store=store)


def _answer(event: Event, text: str) -> str:
    if not text or event.name not in _ANSWERED:
        return ""
    return json.dumps({"hookSpecificOutput": {"hookEventName": event.said, "additionalContext": text}})


def _fallback_log(environ: Mapping[str, str]) -> Path:
    """Return a log for when even the settings cannot be read."""
    home = environ.get("MEMORY_MCP_HOME")
    return Path(home).expanduser() / "hooks" / "hook.log" if home else Path.home() / ".memory-mcp-hook.log"


def _write_log(log: Path, line: str) -> None:
    try:
        log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if log.exists() and log.stat().st_size > _MOST_LOG:
            log.replace(log.with_suffix(".log.1"))
        text = f"{iso(SystemClock().now())} {' '.join(Redactor().text(line).split())[:2_000]}\n"
        descriptor = os.open(log, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace") as stream:
            stream.write(text)
    except OSError as error:
        print(f"memory-cli hook: {line}; the log {log} cannot be written: {error}", file=sys.stderr)  # noqa: T201 - the last resort
