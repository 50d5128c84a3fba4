"""This module is the entrance of `memory-cli hook`: it never blocks or breaks the agent, whatever goes wrong here."""

import contextlib
import errno
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import BinaryIO, TextIO, get_args

import msgspec

from memory_mcp import logs
from memory_mcp.clock import SystemClock
from memory_mcp.config.layers import resolve
from memory_mcp.config.places import Places, fallback_log, places, settings_path, working_directory
from memory_mcp.config.projects import project_name
from memory_mcp.config.settings import Settings
from memory_mcp.errors import BusyError, ConfigError, StoreError
from memory_mcp.hooks.events import Event, EventName, read_event
from memory_mcp.hooks.handling import handle
from memory_mcp.hooks.queue import HookQueue, Record, UnhandledError
from memory_mcp.memory import Memory
from memory_mcp.redaction import Redactor

_MOST_INPUT = 32 << 20
_DRAINING_S = 0.05  # of a hook, for what others have left
_RECORDED = frozenset(get_args(EventName)) - {"before-tool"}  # which is only a question
# of an operating system that is short of something; any other error of it is the event's own
_PASSING = frozenset(
    getattr(errno, name, 0)
    for name in ("ENOSPC", "EDQUOT", "EFBIG", "EMFILE", "ENFILE", "ENOMEM", "EROFS", "EIO", "EAGAIN", "EINTR")
)
_ANSWERED = frozenset(("session-start", "user-prompt", "before-tool"))


def answer(named: str, environ: Mapping[str, str], incoming: BinaryIO, outgoing: TextIO | None) -> None:
    """Handle one event and write what the client reads; an error of ours is a line in the log."""
    text = run(named, environ, incoming)
    if not text:
        return
    trouble = "stdout is closed"
    if outgoing is not None:
        try:
            outgoing.write(text)
            outgoing.flush()
        except (OSError, ValueError) as error:
            trouble = str(error)
        else:
            return
    _write_log(_first_log(environ), f"{named or 'hook'}: the agent could not be told what is known: {trouble}")


def run(named: str, environ: Mapping[str, str], incoming: BinaryIO) -> str:
    """Handle one event and return what the client reads on stdout; an error of ours is a line in the log.

    Nothing comes out of it but text: the exit code is 0 in any case.
    """
    log = _first_log(environ)
    try:
        here = working_directory()
        resolved = resolve(environ, here)
        where = places(resolved.settings, settings_file=resolved.path)
        log = log_path(where)
        event = read_event(incoming.read(_MOST_INPUT), named, SystemClock().now())
        directory = Path(environ.get("CLAUDE_PROJECT_DIR") or here).resolve()
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


def drain(memory: Memory, budget_s: float = float("inf")) -> int:
    """Record what waits in the queue, of whatever project, until the time is up; return how many events that were."""
    queue = HookQueue(hook_directory(memory.places))
    if queue.is_empty:
        return 0
    return queue.drain(_attempted(lambda record: _replay(memory.settings, memory.places, record)), budget_s)


def waits(memory: Memory) -> bool:
    """Whether events wait in the queue."""
    return not HookQueue(hook_directory(memory.places)).is_empty


def _handled(event: Event, settings: Settings, where: Places, project: str, directory: Path) -> str:
    queue = HookQueue(hook_directory(where))
    cleaned = Redactor(settings.redaction.emails).clean(event)
    patient = _impatient(settings)
    record = {"project": project, "directory": str(directory), "event": msgspec.to_builtins(cleaned)}
    try:
        queue.drain(_attempted(lambda record: _replay(patient, where, record)), _DRAINING_S)
        if queue.is_empty:  # what came before must be recorded before
            with Memory(patient, where, project, actor="hook", directory=directory) as memory:
                return _answer(event, handle(memory, cleaned))
    except BusyError:
        pass  # as where the queue waits: this event waits too
    except (StoreError, OSError, MemoryError):
        _queued(queue, event, record)
        raise
    except Exception as error:
        if event.name in _RECORDED:
            queue.set_aside(record, _sentence(error))
        raise
    _queued(queue, event, record)
    return ""


def _attempted(replay: Callable[[Record], None]) -> Callable[[Record], None]:
    """Return what hands an event to `replay`, and tells the queue by its errors whether it waits or is set aside."""

    def attempt(record: Record) -> None:
        try:
            replay(record)
        except (StoreError, MemoryError):
            raise
        except OSError as error:
            if error.errno in _PASSING:
                raise
            raise UnhandledError(_sentence(error)) from error
        except Exception as error:
            raise UnhandledError(_sentence(error)) from error

    return attempt


def _sentence(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _queued(queue: HookQueue, event: Event, record: Record) -> None:
    if event.name in _RECORDED:
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


def _first_log(environ: Mapping[str, str]) -> Path:
    """Return the log for as long as the settings are not read."""
    try:
        return (
            settings_path(environ).parent / "hooks" / "hook.log" if environ.get("MEMORY_MCP_HOME") else fallback_log()
        )
    except ConfigError:  # that home can be no directory
        return fallback_log()


def _write_log(log: Path, sentence: str) -> None:
    """Keep a sentence in the log, else in the user's home, else say it."""
    for place in (log, fallback_log()):
        try:
            logs.append(place, sentence)
        except (OSError, ValueError) as error:
            reason = error
        else:
            return
    if sys.stderr is not None:
        told = f"{sentence}; the log {log} cannot be written: {reason}"
        with contextlib.suppress(OSError, ValueError):
            print(f"memory-cli hook: {logs.one_line(told)}", file=sys.stderr)  # noqa: T201 - the last resort
