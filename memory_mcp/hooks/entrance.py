"""This module is the entrance of `memory-cli hook`: whatever goes wrong, it never blocks or breaks the agent."""

import contextlib
import errno
import json
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import BinaryIO, TextIO, get_args

import msgspec

from memory_mcp import logs
from memory_mcp.clock import SystemClock
from memory_mcp.config.layers import resolve
from memory_mcp.config.places import Places, fallback_log, places, settings_path, working_directory
from memory_mcp.config.projects import Claim, claim_of
from memory_mcp.config.settings import Settings
from memory_mcp.errors import BusyError, ConfigError, StoreError, UnseenDirectoryError
from memory_mcp.hooks.briefing import owe_briefing, owed_briefing
from memory_mcp.hooks.events import Event, EventName, read_event
from memory_mcp.hooks.handling import handle
from memory_mcp.hooks.queue import HookQueue, Record, UnhandledError
from memory_mcp.hooks.settling import SETTLE, start_settling
from memory_mcp.memory import Memory
from memory_mcp.redaction.redactor import Redactor

_MOST_INPUT = 32 << 20
_DRAINING_S = 0.05  # that a hook spends on events that others left
_RECORDED = frozenset(get_args(EventName)) - {"before-tool"}  # which only asks
# the system lacks a resource for now; any other OSError is blamed on the event
_PASSING = frozenset(
    getattr(errno, name, 0)
    for name in ("ENOSPC", "EDQUOT", "EFBIG", "EMFILE", "ENFILE", "ENOMEM", "EROFS", "EIO", "EAGAIN", "EINTR")
)
_TRIES, _TRY_AGAIN_S = 20, 0.1
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
    _write_log(_first_log(environ), f"{named or 'hook'}: the answer could not be written for the agent: {trouble}")


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
        claim = claim_of(resolved, environ, here)
        if named == SETTLE:
            _settle(resolved.settings, where, claim)
            return ""
        event = read_event(incoming.read(_MOST_INPUT), named, SystemClock().now())
        answer, needs_git = _handled(event, resolved.settings, where, claim)
        if needs_git and not start_settling(environ):
            _settle(resolved.settings, where, claim)
    except Exception as error:  # noqa: BLE001 - the agent must not suffer from us
        _write_log(log, f"{named or 'hook'}: {type(error).__name__}: {error}")
        return ""
    return answer


def hook_directory(where: Places) -> Path:
    """Return where the queue and the log of the hooks lie."""
    return where.home / "hooks"


def log_path(where: Places) -> Path:
    """Return the log of the hooks."""
    return hook_directory(where) / "hook.log"


def drain(memory: Memory, budget_s: float = float("inf")) -> int:
    """Record queued events of all projects until the time is up, and return how many were recorded."""
    queue = HookQueue(hook_directory(memory.places))
    if queue.is_empty:
        return 0
    return queue.drain(_attempted(lambda record: _replay(memory.settings, memory.places, record)), budget_s)


def waits(memory: Memory) -> bool:
    """Whether events wait in the queue."""
    return not HookQueue(hook_directory(memory.places)).is_empty


def _handled(event: Event, settings: Settings, where: Places, claim: Claim) -> tuple[str, bool]:
    """Record an event now or queue it; return the answer, and whether git has to look at a directory."""
    queue = HookQueue(hook_directory(where))
    cleaned = Redactor(settings.redaction.emails).clean(event)
    patient = _impatient(settings)
    record = {**_claimed(claim), "event": msgspec.to_builtins(cleaned)}
    unseen = False

    def replay(waiting: Record) -> None:
        nonlocal unseen
        try:
            _replay(patient, where, waiting, asks_git=False)
        except UnseenDirectoryError:
            unseen = True
            raise

    try:
        queue.drain(_attempted(replay), _DRAINING_S)
        if queue.is_empty:  # earlier events must be recorded first
            with Memory(patient, where, claim, actor="hook", asks_git=False) as memory:
                return _answer(event, _said(memory, cleaned)), memory.has_changed
    except UnseenDirectoryError:
        unseen = True
    except BusyError:
        pass  # this event is queued behind those that wait
    except (StoreError, OSError, MemoryError):
        _queued(queue, event, record)
        raise
    except Exception as error:
        if event.name in _RECORDED:
            queue.set_aside(record, _sentence(error))
        raise
    _queued(queue, event, record)
    return "", unseen


def _said(memory: Memory, event: Event) -> str:
    """Handle an event and return what the waiting agent is told."""
    text = handle(memory, event)
    briefing = text if event.name == "session-start" else ""
    if event.name == "user-prompt":
        briefing = owed_briefing(memory, event.session_id)
        text = "\n".join(filter(None, (briefing, text)))
    if briefing:
        memory.projects.told()
    return text


def _settle(settings: Settings, where: Places, claim: Claim) -> None:
    """Let git look at this directory, and record the events that waited for it; no agent waits for this process."""
    with Memory(settings, where, claim, actor="hook") as memory:
        for _ in range(_TRIES):
            drain(memory)
            if HookQueue(hook_directory(where)).is_empty:
                break
            time.sleep(_TRY_AGAIN_S)  # another process is draining, and may leave events when its time is up


def _attempted(replay: Callable[[Record], None]) -> Callable[[Record], None]:
    """Wrap `replay` so that its errors tell the queue whether the event waits or is set aside."""

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


def _claimed(claim: Claim) -> Record:
    """Return a claim as fields of a queue record; the directory is examined when the record is handled."""
    return {
        "project": claim.name,
        "directory": str(claim.directory),
        "claimed_name": claim.claimed_name,
        "claimed_in": str(claim.claimed_in),
    }


def _replay(settings: Settings, where: Places, record: Record, *, asks_git: bool = True) -> None:
    event = msgspec.convert(record["event"], Event)
    claim = Claim(
        Path(str(record["directory"])),
        str(record["project"]),
        str(record.get("claimed_name", "")),
        Path(str(record.get("claimed_in", ""))),
    )
    with Memory(settings, where, claim, actor="hook", asks_git=asks_git) as memory:
        if handle(memory, event) and event.name == "session-start":
            owe_briefing(memory, event.session_id)


def _impatient(settings: Settings) -> Settings:
    """Wait for the store only as long as an agent does not notice."""
    store = msgspec.structs.replace(settings.store, busy_timeout_s=settings.hooks.patience_s)
    return msgspec.structs.replace(settings, store=store)


def _answer(event: Event, text: str) -> str:
    if not text or event.name not in _ANSWERED:
        return ""
    return json.dumps({"hookSpecificOutput": {"hookEventName": event.said, "additionalContext": text}})


def _first_log(environ: Mapping[str, str]) -> Path:
    """Return the log to use until the settings are read."""
    try:
        return (
            settings_path(environ).parent / "hooks" / "hook.log" if environ.get("MEMORY_MCP_HOME") else fallback_log()
        )
    except ConfigError:  # that home cannot be a directory
        return fallback_log()


def _write_log(log: Path, sentence: str) -> None:
    """Append a sentence to the log, else to the log in the user's home, else print it on stderr."""
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
