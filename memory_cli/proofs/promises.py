"""This module proves the everyday promises: durability, a torn cache, locks, no network."""

import os
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from memory_cli.proofs.lab import NEW, Lab, Prove, Skip, opened_store
from memory_cli.servers import Server, ServerGoneError, listed, write_at_once, write_until_killed

_SERVERS, _WRITES, _KILLS = 4, 10, 5
_CACHE_TRIES, _CACHE_PAUSE_S = 100, 0.05
_NO_SOCKETS = """
import sys
def refuse(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto"):
        raise RuntimeError(f"the network was used: {event} {arguments}")
sys.addaudithook(refuse)
from memory_mcp.server.app import main
main()
"""


def _across_processes(lab: Lab) -> tuple[bool, str]:
    home = lab.home()
    acknowledged = write_at_once(lambda: lab.server(home), _SERVERS, _WRITES)
    found = lab.listed(home)
    whole = len(acknowledged) == _SERVERS * _WRITES and found == set(acknowledged)
    return whole, f"{_SERVERS} servers at once: {len(acknowledged)} writes acknowledged, {len(found)} read by a fifth"


def _killed(lab: Lab) -> tuple[bool, str]:
    home = lab.home()
    acknowledged = write_until_killed(lambda: lab.server(home), _KILLS)
    found = lab.listed(home)
    with opened_store(home) as store:
        intact = store.is_intact()
    lost = set(acknowledged) - found
    told = f"{_KILLS} kills in mid-write: {len(acknowledged)} acknowledged, {len(lost)} lost"
    return not lost and intact and bool(acknowledged), f"{told}, file {'intact' if intact else 'DAMAGED'}"


def _torn(lab: Lab) -> tuple[bool, str]:
    home = lab.home()
    tasks = [f"mend part {number} of the login" for number in range(_WRITES)]
    with lab.server(home) as server:
        _until_cached(server, home)
        ids = [server.call("create_episode", task_description=task, **NEW)["episode_id"] for task in tasks]
        for each in ids:
            server.call("add_episode_steps", episode_id=each, steps=[{"tool": "bash", "action": "ls"}])
        server.close_input()
    data = home / "cache" / "hot" / "data.mdb"
    harms: dict[str, Callable[[], object]] = {
        "pages of noise": lambda: _overwrite(data, os.urandom(1 << 16)),
        "pages of zeros": lambda: _overwrite(data, bytes(1 << 16)),
        "half its length": lambda: os.truncate(data, data.stat().st_size // 2),
        "another file": lambda: data.write_bytes(b"no cache of ours" * 4_096),
        "removed": lambda: shutil.rmtree(home / "cache"),
    }
    wrong: list[str] = []
    died = 0
    for name, harm in harms.items():
        harm()
        for _ in range(2):  # a page of zeros may kill its reader; the next process has a new cache
            try:
                with lab.server(home) as server:
                    _until_cached(server, home)
                    read = [server.call("get_episode", episode_id=each)["task_description"] for each in ids]
                    server.close_input()
                break
            except ServerGoneError:
                died += 1
                read = []
        wrong += [] if read == tasks else [name]
    told = f"{len(harms)} torn caches, {len(wrong)} wrong answers{f' ({wrong})' if wrong else ''}"
    return not wrong, f"{told}, {died} servers died of one and the next worked"


def _until_cached(server: Server, home: Path) -> None:
    """Wait until the server has opened the cache in the background."""
    stamp = home / "cache" / "hot" / "stamp"
    for _ in range(_CACHE_TRIES):
        if stamp.exists():
            return
        server.call("health_check")
        time.sleep(_CACHE_PAUSE_S)


def _overwrite(path: Path, noise: bytes) -> None:
    """Write noise over the middle of a file."""
    with path.open("r+b") as file:
        file.seek(min(3 * 4_096, path.stat().st_size // 2))
        file.write(noise)


def _locked(lab: Lab) -> tuple[bool, str]:
    home = lab.home()
    with lab.server(home, "--set", "store.busy_timeout_s=0.2") as server:
        server.call("create_episode", task_description="before", **NEW)
        with opened_store(home) as store, store.database.write():
            refused = server.call("create_episode", task_description="meanwhile", **NEW).get("error", "")
            readable = len(listed(server))
        after = server.call("create_episode", task_description="after", **NEW)
    held = "busy" in refused and readable == 1 and "episode_id" in after
    return held, f"a write was refused with: {refused or 'nothing'}; reading went on"


def _read_only(lab: Lab) -> tuple[bool, str]:
    home = lab.home()
    with lab.server(home) as server:
        server.call("create_episode", task_description="before", **NEW)
        server.close_input()
    (home / "memory.db").chmod(0o400)
    home.chmod(0o500)
    try:
        if os.access(home, os.W_OK):
            raise Skip("this user may write everywhere")
        with lab.server(home) as server:
            readable = len(listed(server))
            refused = server.call("create_episode", task_description="meanwhile", **NEW).get("error", "")
    finally:
        home.chmod(0o700)
    return readable == 1 and "read-only" in refused, f"reading works; a write is refused with: {refused}"


def _ends(lab: Lab) -> tuple[bool, str]:
    home = lab.home()
    ended: dict[str, int | None] = {}
    with lab.server(home) as server:
        ended["end of input"] = server.close_input()
    for name in ("SIGINT", "SIGTERM") if sys.platform != "win32" else ():
        with lab.server(home) as server:
            ended[name] = server.signal(getattr(signal, name))
    told = ", ".join(f"{name}: {'did not end' if code is None else f'exit {code}'}" for name, code in ended.items())
    return all(code == 0 for code in ended.values()), told


def _offline(lab: Lab) -> tuple[bool, str]:
    with lab.server(lab.home(), code=_NO_SOCKETS) as server:
        made = server.call("create_episode", task_description="mend the login of guests", **NEW)
        server.call("complete_episode", episode_id=made["episode_id"], outcome_type="success", verdict="use get()")
        answer = server.call("query_memory", query="login of guests")
    found = [hit.get("episode_id") for hit in answer.get("hits", [])]
    return found == [made["episode_id"]], "recorded, learnt and recalled without opening a connection"


PROMISES: dict[str, Prove] = {
    "what was acknowledged is readable from another process": _across_processes,
    "kill -9 loses nothing that was acknowledged": _killed,
    "a torn, foreign or removed cache changes no answer": _torn,
    "a locked store refuses writes in a sentence and goes on reading": _locked,
    "a read-only store is read, and writes are refused": _read_only,
    "end of input and signals end the server": _ends,
    "it works without the network": _offline,
}
