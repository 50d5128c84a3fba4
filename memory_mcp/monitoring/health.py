"""This module touches every part that an answer depends on and reports each with its own latency."""

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from memory_mcp.errors import MemoryMcpError
from memory_mcp.storage import derived, glances, search_index
from memory_mcp.storage.cache import Cache
from memory_mcp.storage.store import Store

if TYPE_CHECKING:
    from memory_mcp.embeddings.provider import Provider

Status = Literal["ok", "degraded", "failing"]
_RANK: dict[Status, int] = {"ok": 0, "degraded": 1, "failing": 2}
_TOLD_FAULTS = 3
_LOW_DISK_BYTES = 500_000_000
_NO_DISK_BYTES = 20_000_000


class HealthCheck(Struct, frozen=True):
    """One part: how it is, how long it took to find out, and what was seen."""

    name: str
    status: Status
    latency_ms: float
    detail: str


class Health(Struct, frozen=True):
    """All parts, and the worst of them as the whole."""

    status: Status
    checks: tuple[HealthCheck, ...]


def check(store: Store, providers: "Callable[[], list[Provider]]", *, is_thorough: bool = False) -> Health:
    """Check database, index, cache, provider and disk; a part that raises is `failing` with its sentence.

    Of a large index only a few places are looked at, unless the check is to be thorough, which takes its time.
    """
    checks = (
        _timed("database", lambda: _database(store)),
        _timed("index", lambda: _index(store, is_thorough=is_thorough)),
        _timed("cache", lambda: _cache(store.cache)),
        _timed("provider", lambda: _provider(providers())),
        _timed("disk", lambda: _disk(store.database.path.parent)),
    )
    return Health(max((each.status for each in checks), key=_RANK.__getitem__), checks)


def _timed(name: str, look: Callable[[], tuple[Status, str]]) -> HealthCheck:
    started = time.perf_counter()
    try:
        status, detail = look()
    except (MemoryMcpError, OSError) as error:
        status, detail = "failing", str(error)
    return HealthCheck(name, status, round((time.perf_counter() - started) * 1_000, 3), detail)


def _database(store: Store) -> tuple[Status, str]:
    with store.database.read() as session:
        head = search_index.head(session)
        documents = search_index.count_documents(session)
        damaged = search_index.count_damaged(session)
    told = f"SQLite {store.engine()}, schema {store.schema}, sequence {head}, {documents} documents"
    if damaged:
        return "degraded", f"{told}, {damaged} damaged and set aside"
    return ("degraded", f"{told}, read-only") if store.database.is_read_only else ("ok", told)


def _index(store: Store, *, is_thorough: bool) -> tuple[Status, str]:
    faults = store.index_faults() if is_thorough else store.index_faults(glances.find_faults)
    if faults:
        told = "; ".join(f"{fault.table}: {fault.detail}" for fault in faults[:_TOLD_FAULTS])
        return "degraded", f"damaged ({told}), but no record is; 'memory-cli index rebuild' mends it"
    with store.database.read() as session:
        followed = search_index.followed(session, search_index.KEYWORDS)
        lag = search_index.count_pending(session, followed)
        entries = search_index.count_keywords(session)
        sets = search_index.list_vector_sets(session)
        rebuilding = derived.is_rebuilding(session)
    vectors = ", ".join(f"{each.model} {count}{'' if each.ready else ' (being made)'}" for each, count, _ in sets)
    told = f"{entries} keyword entries, {lag} to catch up before the next search, vectors: {vectors or 'none yet'}"
    if rebuilding:
        told += ", being rebuilt"
    return ("degraded" if lag and store.database.is_read_only else "ok"), told


def _cache(cache: Cache | None) -> tuple[Status, str]:
    if cache is None:
        return "ok", "switched off by cache.enabled; answers come from the store alone"
    state = cache.state()
    if state.trouble:
        return "degraded", f"not in use, answers come from the store alone: {state.trouble}"
    rebuilt = f", rebuilt: {'; '.join(state.rebuilt)}" if state.rebuilt else ""
    if not state.entries:
        return "ok", f"{state.path} is empty; the first search or server fills it{rebuilt}"
    held = f"{state.entries['episodes']} episodes and {state.bytes / 1e6:.1f} MB in {state.path}"
    return "ok", f"{held}, {state.readers} places of readers taken{rebuilt}"


def _provider(providers: "list[Provider]") -> tuple[Status, str]:
    if not providers:
        return "degraded", "embeddings.provider is none, so recall uses keywords alone"
    wanted = providers[0]
    if wanted.is_instant:
        length = len(wanted.embed_query("health check", lambda _: 1.0))
        return "ok", f"{wanted.model} made a vector of {length}"
    return "ok", f"{wanted.model} is chosen; it was not asked, since that takes longer than a health check may"


def _disk(directory: Path) -> tuple[Status, str]:
    free = shutil.disk_usage(directory).free
    status: Status = "ok" if free > _LOW_DISK_BYTES else "degraded" if free > _NO_DISK_BYTES else "failing"
    return status, f"{free / 1e9:.1f} GB free in {directory}"
