"""This module is the entrance of `memory-cli hook`: whatever goes wrong, it never blocks or breaks the agent."""

import contextlib
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO, TextIO, get_args

import msgspec

from memory_mcp import logs
from memory_mcp.clock import SystemClock
from memory_mcp.config.layers import resolve
from memory_mcp.config.places import (
    Places,
    fallback_log,
    hook_directory,
    places,
    settings_path,
    working_directory,
)
from memory_mcp.config.projects import Claim, claim_of
from memory_mcp.config.settings import Settings
from memory_mcp.errors import BusyError, ConfigError, StoreError, UnseenDirectoryError
from memory_mcp.hooks.events import COMPACTED, FOREIGN, RESUMED, Event, EventName, Said, read_event
from memory_mcp.hooks.handling import handle
from memory_mcp.hooks.queue_files import is_empty
from memory_mcp.hooks.settling import SETTLE, start_settling
from memory_mcp.memory import Memory
from memory_mcp.models.values import written
from memory_mcp.redaction.redactor import Redactor
from memory_mcp.visible import ascii_json

_MOST_INPUT = 32 << 20
_DRAINING_S = 0.05  # that a hook spends on events that others left
_RECORDED = frozenset(get_args(EventName)) - {"before-tool"}  # which only asks
_ANSWERED = frozenset(("session-start", "user-prompt", "before-tool"))


def answer(
    named: str, environ: Mapping[str, str], incoming: BinaryIO, outgoing: TextIO | None, *, client: str = ""
) -> None:
    """Handle one event and write what the client reads; an error of ours is a line in the log."""
    text = run(named, environ, incoming, client=client)
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


def run(named: str, environ: Mapping[str, str], incoming: BinaryIO, *, client: str = "") -> str:
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
        event = read_event(incoming.read(_MOST_INPUT), named, SystemClock().now(), client)
        answer, needs_git = _handled(event, resolved.settings, where, claim)
        if needs_git and not start_settling(environ):
            _settle(resolved.settings, where, claim)
    except Exception as error:  # noqa: BLE001 - the agent must not suffer from us
        _write_log(log, f"{named or 'hook'}: {type(error).__name__}: {error}")
        return ""
    return answer


def log_path(where: Places) -> Path:
    """Return the log of the hooks."""
    return hook_directory(where) / "hook.log"


def _handled(event: Event, settings: Settings, where: Places, claim: Claim) -> tuple[str, bool]:
    """Record an event now or queue it; return the answer, and whether git has to look at a directory."""
    cleaned = Redactor(settings.redaction.emails).clean(event)
    patient = _impatient(settings)
    needs_git = False
    try:
        needs_git = _others_first(patient, where)
        if is_empty(hook_directory(where)):
            with Memory(patient, where, claim, actor="hook", asks_git=False) as memory:
                return _booked(memory, event, handle(memory, cleaned)), memory.has_changed
    except UnseenDirectoryError:
        needs_git = True
    except BusyError:
        pass  # this event is queued behind those that wait
    except (StoreError, OSError, MemoryError):
        _keep(where, claim, cleaned)
        raise
    except Exception as error:
        _keep(where, claim, cleaned, refusal=f"{type(error).__name__}: {error}")
        raise
    _keep(where, claim, cleaned)
    return "", needs_git


def _others_first(settings: Settings, where: Places) -> bool:
    """Record the events that came before; return whether git has to look at a directory for that."""
    if is_empty(hook_directory(where)):
        return False
    from memory_mcp.hooks import replaying  # noqa: PLC0415 - 2 ms, and hardly ever does an event wait

    return replaying.drain_without_git(settings, where, _DRAINING_S)


def _keep(where: Places, claim: Claim, event: Event, *, refusal: str = "") -> None:
    from memory_mcp.hooks import replaying  # noqa: PLC0415 - as above

    if event.name in _RECORDED:
        replaying.keep(where, claim, event, refusal=refusal)


def _settle(settings: Settings, where: Places, claim: Claim) -> None:
    from memory_mcp.hooks import replaying  # noqa: PLC0415 - as above

    replaying.settle(settings, where, claim)


def _impatient(settings: Settings) -> Settings:
    """Wait for the store only as long as an agent does not notice."""
    store = msgspec.structs.replace(settings.store, busy_timeout_s=settings.hooks.patience_s)
    return msgspec.structs.replace(settings, store=store)


def _booked(memory: Memory, event: Event, said: Said) -> str:
    """Return what is printed for the agent, once it is booked; what cannot be booked is not said."""
    if event.name not in _ANSWERED and not said.text:
        return ""
    moment = "session-resume" if event.source == RESUMED else event.name
    if not said.text and event.source == COMPACTED:  # what the session was told before, it has forgotten
        memory.ledger.book(event.session_id, "hook", moment, "")
        return ""
    if not said.text and not said.verdict:
        memory.ledger.keep_silence("hook", moment)
        return ""
    printed = _answer(event, said)
    try:
        memory.ledger.book(event.session_id, "hook", moment, printed, said.names, read=said.text or said.reason)
    except BusyError:
        return ""
    return printed


def _answer(event: Event, said: Said) -> str:
    if event.client in FOREIGN:
        from memory_mcp.hooks.dialects import answer as answered  # noqa: PLC0415 - the others' hooks do not pay for it

        return answered(event, said)
    told = {"additionalContext": said.text} if said.text else {}
    asked = {"permissionDecision": said.verdict, "permissionDecisionReason": said.reason} if said.verdict else {}
    return ascii_json(written({"hookSpecificOutput": {"hookEventName": event.said, **told, **asked}}))


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
