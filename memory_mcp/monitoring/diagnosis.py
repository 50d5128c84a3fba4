"""This module looks for what is wrong with a memory on this machine, also where it cannot be opened at all."""

import os
import platform
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec
from msgspec import Struct

from memory_mcp.clock import Clock, iso
from memory_mcp.config.places import Places
from memory_mcp.config.projects import Claim
from memory_mcp.config.settings import Settings
from memory_mcp.episodes.joining import Joining
from memory_mcp.episodes.projects import Projects
from memory_mcp.errors import (
    BusyError,
    CacheError,
    ConfigError,
    DamagedError,
    MemoryMcpError,
    NewerSchemaError,
    NotAStoreError,
    NotFoundError,
    ProviderError,
    StoreError,
)
from memory_mcp.models.hook_queue import QueueState
from memory_mcp.monitoring import cache_care, health
from memory_mcp.redaction.redactor import Redactor
from memory_mcp.storage.lock_holders import Holder, holders_of_write_lock
from memory_mcp.storage.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable

    from memory_mcp.embeddings.provider import Provider

Severity = Literal["ok", "warning", "broken"]
_SEVERITIES: dict[health.Status, Severity] = {"ok": "ok", "degraded": "warning", "failing": "broken"}
_LEAST_PYTHON = (3, 11)
# 3.7.0 to 3.51.2 have a rare race between writers and checkpoints (https://www.sqlite.org/wal.html#walreset)
_LEAST_SQLITE = (3, 51, 3)
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_PATIENCE_S = 0.5
_LONG_H = 1.0


class Diagnosis(Struct, frozen=True):
    """What was seen of one part, and what to do about it; empty where nothing has to be done."""

    part: str
    severity: Severity
    detail: str
    advice: str = ""


def diagnose(
    settings: Settings, where: Places, claim: Claim, clock: Clock, providers: "Callable[[], list[Provider]]"
) -> Iterator[Diagnosis]:
    """Yield what is found, part by part."""
    yield _python()
    yield _sqlite()
    yield from _places(where)
    joining = Joining(claim, clock, Redactor(settings.redaction.emails))
    try:
        store = _opened(settings, where, joining, clock)
    except MemoryMcpError as error:
        yield _unopened(error, where)
        return
    try:
        yield _integrity(store)
        yield _lock(store)
        yield _project(store, joining)
        for check in health.check(store, providers, is_thorough=True).checks:
            yield Diagnosis(check.name, _SEVERITIES[check.status], check.detail, _ADVICE.get(check.name, ""))
        yield _cache_contents(store, settings, providers)
    finally:
        store.close()


_ADVICE = {
    "database": "",
    "index": "'memory-cli index rebuild' rebuilds it; no record is lost",
    "cache": "'memory-cli cache clear' makes it anew; without it answers are the same, only slower",
    "provider": "'memory-cli model status' says which models there are",
    "disk": "free some space: a write that finds no room is refused",
}


def _opened(settings: Settings, where: Places, joining: Joining, clock: Clock) -> Store:
    impatient = msgspec.structs.replace(settings.store, busy_timeout_s=_PATIENCE_S)
    chosen = msgspec.structs.replace(settings, store=impatient)
    return Store.open(where.store, joining, chosen, clock=clock, actor="doctor", cache=where.cache / "hot")


def _python() -> Diagnosis:
    told = f"{platform.python_version()} in {sys.executable}"
    if sys.version_info < _LEAST_PYTHON:
        return Diagnosis("python", "broken", told, "install Python 3.11 or newer, and memory-mcp with it")
    return Diagnosis("python", "ok", told)


def _sqlite() -> Diagnosis:
    told = Store.engine()
    version = tuple(int(part) for part in told.split()[0].split("."))
    if version < _LEAST_SQLITE:
        return Diagnosis(
            "sqlite", "warning", told, "'pip install -U apsw-sqlite3mc' brings one without the WAL-reset race"
        )
    return Diagnosis("sqlite", "ok", told)


def _places(where: Places) -> Iterator[Diagnosis]:
    for part, path in (("home", where.home), ("cache directory", where.cache), ("settings", where.settings.parent)):
        present = next(each for each in (path, *path.parents) if each.exists())
        if not os.access(present, os.W_OK | os.X_OK):
            severity: Severity = "broken" if part == "home" else "warning"
            yield Diagnosis(
                part, severity, f"{present} cannot be written", f"chmod u+rwx {present}, or set MEMORY_MCP_HOME"
            )
        elif path.exists() and part == "home" and path.stat().st_mode & _OTHERS:
            yield Diagnosis(part, "warning", f"{path} can be read by others", f"chmod 700 {path}")
        else:
            yield Diagnosis(part, "ok", f"{path}{'' if path.exists() else ' (not made yet)'}")
    if where.store.exists() and where.store.stat().st_mode & _OTHERS:
        yield Diagnosis("store", "warning", f"{where.store} can be read by others", f"chmod 600 {where.store}*")


def _unopened(error: MemoryMcpError, where: Places) -> Diagnosis:
    match error:
        case NewerSchemaError():
            advice = "upgrade this program, or point MEMORY_MCP_HOME at another memory"
        case DamagedError() | NotAStoreError():
            advice = "'memory-cli backup list' shows copies, 'memory-cli backup restore' brings one back"
        case BusyError():
            return _held(holders_of_write_lock(where.store), str(error))
        case NotFoundError():
            advice = "make the directory and the file in it writable"
        case _:
            advice = "mend what the sentence says, or point MEMORY_MCP_HOME at another directory"
    return Diagnosis("store", "broken", str(error), advice)


def _integrity(store: Store) -> Diagnosis:
    try:
        faults = store.faults()
    except MemoryMcpError as error:
        faults = [str(error)]
    if faults:
        advice = "'memory-cli backup list' shows copies, 'memory-cli backup restore' brings one back"
        return Diagnosis("store", "broken", f"{store.database.path} is damaged: {'; '.join(faults)}", advice)
    size = store.size_bytes() / 1e6
    return Diagnosis("store", "ok", f"{store.database.path}, schema {store.schema}, {size:.1f} MB, no fault found")


def _project(store: Store, joining: Joining) -> Diagnosis:
    """Say which project the directory belongs to, and which other one it looks like."""
    name = store.wall.base or store.wall.project
    notices = Projects(store, joining).notices()
    if not notices:
        return Diagnosis("project", "ok", name)
    advice = "join it as the sentence says, or leave it as it is: what is recorded here stays apart"
    return Diagnosis("project", "warning", f"{name}: {'; '.join(notices)}", advice)


def _lock(store: Store) -> Diagnosis:
    if store.database.is_read_only:
        return Diagnosis("lock", "warning", "the store is read-only: nothing can be recorded", "make it writable")
    try:
        with store.database.write():
            return Diagnosis("lock", "ok", "nobody holds the write lock")
    except BusyError:
        return _held(holders_of_write_lock(store.database.path), f"{store.database.path} is locked")
    except MemoryMcpError as error:
        return Diagnosis("lock", "broken", str(error), "mend what the sentence says")


def _cache_contents(store: Store, settings: Settings, providers: "Callable[[], list[Provider]]") -> Diagnosis:
    """Compare what is in the cache with the store."""
    from memory_mcp.retrieval.indexing import Index  # noqa: PLC0415 - numpy, which a broken store does not need
    from memory_mcp.retrieval.similarity import Similarity  # noqa: PLC0415 - as above

    part = "what the cache holds"
    try:
        similarity = Similarity(store, Index(store, providers(), settings.recall), settings.recall)
        found = cache_care.verify(store, similarity, lambda _: None) if store.cache is not None else None
    except (CacheError, StoreError, ProviderError, ConfigError) as error:
        return Diagnosis(part, "warning", str(error), _ADVICE["cache"])
    if found is None or found.is_right:
        told = (
            "it is switched off" if found is None else f"{found.episodes} episodes, {found.vectors} vectors, all right"
        )
        return Diagnosis(part, "ok", told)
    told = (
        f"{found.wrong} episodes and {found.wrong_vectors} vectors are wrong, {found.left_over} are of erased records"
    )
    return Diagnosis(part, "warning", told, _ADVICE["cache"])


def _held(holders: list[Holder], sentence: str) -> Diagnosis:
    if not holders:
        advice = "find the process that has the file open, with 'lsof', and end it"
        return Diagnosis("lock", "broken", sentence, advice)
    named = ", ".join(
        f"process {each.pid} ({each.command}{', stopped' if each.is_stopped else ''})" for each in holders
    )
    ways = "; ".join(
        f"'kill -CONT {each.pid}' lets it go on, 'kill {each.pid}' ends it"
        if each.is_stopped
        else f"wait for it, or 'kill {each.pid}' ends it"
        for each in holders
    )
    return Diagnosis("lock", "broken", f"the write lock is stale: {named} holds it", f"{ways}; nothing written is lost")


def waiting(state: QueueState, directory: Path, now: int) -> Diagnosis:
    """Report what the hooks have left: events that wait or were set aside, errors in their log."""
    log = directory / "hook.log"
    is_readable = log.is_file() and os.access(log, os.R_OK)
    errors = log.read_text(encoding="utf-8", errors="replace").splitlines() if is_readable else []
    age_h = (now - state.oldest_at) / 3_600e6 if state.oldest_at is not None else 0.0
    told = [
        f"{state.waiting} events wait" + (f", the oldest since {iso(state.oldest_at)}" if state.oldest_at else ""),
        f"{len(errors)} errors in {log}" + (f", the last: {errors[-1]}" if errors else ""),
    ]
    advice = []
    if age_h > _LONG_H:
        advice.append("events have waited long: 'memory-cli queue drain' records them, or says why it cannot")
    if state.set_aside or state.dropped:
        dropped = f", {state.dropped} older ones dropped" if state.dropped else ""
        told.append(f"{state.set_aside} events set aside in {directory / 'refused.jsonl'}{dropped}")
        advice.append("'memory-cli queue list' says why, 'queue retry' tries them again, 'queue delete' erases them")
    if state.obstacles:
        told.append(f"moved out of the queue's way: {', '.join(state.obstacles)}")
        advice.append(f"look at these in {directory.parent} and remove them")
    for place, fits in ((directory, directory.is_dir()), (log, log.is_file())):
        if os.path.lexists(place) and not (fits and os.access(place, os.W_OK)):
            told.append(f"{place} cannot be used")
            advice.append(f"move {place} away, or make it writable")
    if errors:
        advice.append(f"mend what {log.name} says and remove it")
    return Diagnosis("hooks", "warning" if advice else "ok", "; ".join(told), "; ".join(advice))
