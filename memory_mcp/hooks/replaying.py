"""This module records the events that waited in the queue, and sets aside those that cannot be recorded."""

import errno
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from memory_mcp.config.places import Places, hook_directory
from memory_mcp.config.projects import Claim
from memory_mcp.config.settings import Settings
from memory_mcp.errors import StoreError, UnseenDirectoryError
from memory_mcp.hooks.events import Event
from memory_mcp.hooks.handling import handle_late
from memory_mcp.hooks.queue import HookQueue, Record, UnhandledError
from memory_mcp.memory import Memory

# the system lacks a resource for now; any other OSError is blamed on the event
_PASSING = frozenset(
    getattr(errno, name, 0)
    for name in ("ENOSPC", "EDQUOT", "EFBIG", "EMFILE", "ENFILE", "ENOMEM", "EROFS", "EIO", "EAGAIN", "EINTR")
)
_TRIES, _TRY_AGAIN_S = 20, 0.1


def drain(memory: Memory, budget_s: float = float("inf")) -> int:
    """Record queued events of all projects until the time is up, and return how many were recorded."""
    queue = HookQueue(hook_directory(memory.places))
    if queue.is_empty:
        return 0
    return queue.drain(_attempted(lambda record: _replay(memory.settings, memory.places, record)), budget_s)


def waits(memory: Memory) -> bool:
    """Whether events wait in the queue."""
    return not HookQueue(hook_directory(memory.places)).is_empty


def drain_without_git(settings: Settings, where: Places, budget_s: float) -> bool:
    """Record queued events until the time is up or only git can tell an event's project; return whether that was so."""
    is_unseen = False

    def replay(record: Record) -> None:
        nonlocal is_unseen
        try:
            _replay(settings, where, record, asks_git=False)
        except UnseenDirectoryError:
            is_unseen = True
            raise

    HookQueue(hook_directory(where)).drain(_attempted(replay), budget_s)
    return is_unseen


def settle(settings: Settings, where: Places, claim: Claim) -> None:
    """Let git look at this directory, and record the events that waited for it; no agent waits for this process."""
    with Memory(settings, where, claim, actor="hook") as memory:
        for _ in range(_TRIES):
            drain(memory)
            if not waits(memory):
                break
            time.sleep(_TRY_AGAIN_S)  # another process is draining, and may leave events when its time is up


def keep(where: Places, claim: Claim, event: Event, *, refusal: str = "") -> None:
    """Queue an event until it can be recorded; with a refusal it never can, and is set aside.

    Raises:
        OSError: the files of the queue cannot be used.

    """
    queue = HookQueue(hook_directory(where))
    record = {**_claimed(claim), "event": msgspec.to_builtins(event)}
    if refusal:
        queue.set_aside(record, refusal)
    else:
        queue.add(record)


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
        handle_late(memory, event)
