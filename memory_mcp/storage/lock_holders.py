"""This module finds the processes that hold the write lock of a store, where the system tells."""

import os
from pathlib import Path

from msgspec import Struct

_LOCKS = Path("/proc/locks")
_WRITE_LOCK = 120  # the byte of the -shm file that writers lock (https://www.sqlite.org/walformat.html#locks)
_FIELDS = 8


class Holder(Struct, frozen=True):
    """A process with the write lock; a stopped one will not give it back by itself."""

    pid: int
    command: str
    is_stopped: bool


def holders_of_write_lock(store: Path) -> list[Holder]:
    """Return the processes that hold the write lock; none where the system does not tell (Linux does)."""
    shared = store.with_name(store.name + "-shm")
    if not _LOCKS.exists() or not shared.exists():
        return []
    inode = shared.stat().st_ino
    pids = {
        int(fields[4])
        for line in _LOCKS.read_text(encoding="ascii", errors="replace").splitlines()
        if len(fields := line.split()) == _FIELDS
        and fields[3] == "WRITE"
        and fields[5].rpartition(":")[2] == str(inode)
        and fields[6] == str(_WRITE_LOCK)
    }
    return [_described(pid) for pid in sorted(pids) if pid != os.getpid()]


def _described(pid: int) -> Holder:
    place = Path("/proc") / str(pid)
    try:
        words = (place / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace").strip()
        state = (place / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[0]
    except OSError:
        return Holder(pid, "gone", is_stopped=False)
    return Holder(pid, words[:120] or "unknown", is_stopped=state in {"T", "t"})
