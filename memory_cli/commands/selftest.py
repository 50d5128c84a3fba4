"""This module is `memory-cli selftest`: real servers in a scratch directory, and what they promise put to the proof."""

import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import typer
from msgspec import Struct

from memory_cli import show
from memory_cli.opening import opening, scratch_environ
from memory_cli.servers import Server, ServerGoneError, listed, write_at_once, write_until_killed
from memory_mcp.clock import SystemClock
from memory_mcp.config.settings import Settings
from memory_mcp.errors import MemoryMcpError
from memory_mcp.storage.store import Store

_SERVERS, _WRITES, _KILLS = 4, 10, 5
_NEW = {"task_type": "selftest", "domain": "selftest"}
_CACHE_TRIES, _CACHE_PAUSE_S = 100, 0.05
_LIMITED_BYTES = 1_500_000
_NO_SOCKETS = """
import sys
def refuse(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto"):
        raise RuntimeError(f"the network was used: {event} {arguments}")
sys.addaudithook(refuse)
from memory_mcp.server.app import main
main()
"""
_SMALL_FILES = f"""
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, ({_LIMITED_BYTES}, {_LIMITED_BYTES}))
from memory_mcp.server.app import main
main()
"""


class Skip(Exception):  # noqa: N818 - it is none: the platform lacks what a proof needs
    """A proof cannot be led here, and why."""


class Proof(Struct, frozen=True):
    """One promise: whether it held (None: it could not be tried), what was seen, how long it took."""

    promise: str
    held: bool | None
    detail: str
    seconds: float


class _Lab:
    """Scratch memories for the proofs of one run."""

    def __init__(self, root: Path, environ: dict[str, str]) -> None:
        self.root = root
        self.environ = environ
        self._made = 0

    def home(self) -> Path:
        self._made += 1
        return self.root / f"memory-{self._made}"

    def server(self, home: Path, *arguments: str, code: str = "") -> Server:
        environ = scratch_environ(self.environ, home, "selftest")
        return Server(environ, "--toolsets", "records", *arguments, code=code)

    def listed(self, home: Path) -> set[str]:
        with self.server(home) as fresh:
            return set(listed(fresh))


def selftest(context: typer.Context, json: show.Json = False) -> None:
    """Start real servers in a scratch directory and prove what they promise; exit code 1 if one promise fails.

    Your own memory is not touched.
    """
    proofs: list[Proof] = []
    with tempfile.TemporaryDirectory(prefix="memory-mcp-selftest-") as root, show.progress() as bar:
        lab = _Lab(Path(root), opening(context).environ)
        task = bar.add_task("proofs", total=len(_PROOFS))
        for promise, prove in _PROOFS.items():
            proofs.append(_tried(promise, prove, lab))
            bar.advance(task)
    if json:
        show.as_json(proofs)
    else:
        words = {True: "held", False: "FAILED", None: "skipped"}
        rows = ((each.promise, words[each.held], f"{each.seconds:.1f}", each.detail) for each in proofs)
        show.table("Self-test", ("promise", "result", "s", "seen"), rows)
    if any(each.held is False for each in proofs):
        raise typer.Exit(1)


def _tried(promise: str, prove: Callable[[_Lab], tuple[bool, str]], lab: _Lab) -> Proof:
    started = time.perf_counter()
    held: bool | None
    try:
        held, detail = prove(lab)
    except Skip as reason:
        held, detail = None, str(reason)
    except (MemoryMcpError, OSError) as error:
        held, detail = False, str(error)
    return Proof(promise, held, detail, round(time.perf_counter() - started, 2))


def _across_processes(lab: _Lab) -> tuple[bool, str]:
    home = lab.home()
    acknowledged = write_at_once(lambda: lab.server(home), _SERVERS, _WRITES)
    found = lab.listed(home)
    whole = len(acknowledged) == _SERVERS * _WRITES and found == set(acknowledged)
    return whole, f"{_SERVERS} servers at once: {len(acknowledged)} writes acknowledged, {len(found)} read by a fifth"


def _killed(lab: _Lab) -> tuple[bool, str]:
    home = lab.home()
    acknowledged = write_until_killed(lambda: lab.server(home), _KILLS)
    found = lab.listed(home)
    with _store(home) as store:
        intact = store.is_intact()
    lost = set(acknowledged) - found
    told = f"{_KILLS} kills in mid-write: {len(acknowledged)} acknowledged, {len(lost)} lost"
    return not lost and intact and bool(acknowledged), f"{told}, file {'intact' if intact else 'DAMAGED'}"


def _torn(lab: _Lab) -> tuple[bool, str]:
    home = lab.home()
    tasks = [f"mend part {number} of the login" for number in range(_WRITES)]
    with lab.server(home) as server:
        _until_cached(server, home)
        ids = [server.call("create_episode", task_description=task, **_NEW)["episode_id"] for task in tasks]
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
        for _ in range(2):  # a page of zeros may kill the process that reads it; the next one has a new cache
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


def _locked(lab: _Lab) -> tuple[bool, str]:
    home = lab.home()
    with lab.server(home, "--set", "store.busy_timeout_s=0.2") as server:
        server.call("create_episode", task_description="before", **_NEW)
        with _store(home) as store, store.database.write():
            refused = server.call("create_episode", task_description="meanwhile", **_NEW).get("error", "")
            readable = len(listed(server))
        after = server.call("create_episode", task_description="after", **_NEW)
    held = "busy" in refused and readable == 1 and "episode_id" in after
    return held, f"a write was refused with: {refused or 'nothing'}; reading went on"


def _read_only(lab: _Lab) -> tuple[bool, str]:
    home = lab.home()
    with lab.server(home) as server:
        server.call("create_episode", task_description="before", **_NEW)
        server.close_input()
    (home / "memory.db").chmod(0o400)
    home.chmod(0o500)
    try:
        if os.access(home, os.W_OK):
            raise Skip("this user may write everywhere")
        with lab.server(home) as server:
            readable = len(listed(server))
            refused = server.call("create_episode", task_description="meanwhile", **_NEW).get("error", "")
    finally:
        home.chmod(0o700)
    return readable == 1 and "read-only" in refused, f"reading works; a write is refused with: {refused}"


def _full(lab: _Lab) -> tuple[bool, str]:
    if os.name != "posix":
        raise Skip("needs a limit on the size of files")
    home = lab.home()
    acknowledged: list[str] = []
    refused = ""
    with lab.server(home, code=_SMALL_FILES) as server:
        while not refused and len(acknowledged) < 1_000:  # noqa: PLR2004 - the limit is reached long before
            made = server.call("create_episode", task_description="x" * 9_000, **_NEW)
            refused = made.get("error", "")
            acknowledged += [] if refused else [made["episode_id"]]
        readable = len(listed(server))
    lost = set(acknowledged) - lab.listed(home)
    held = bool(refused) and not lost and readable == len(acknowledged)
    return held, f"after {len(acknowledged)} writes: {refused or 'no refusal'}; {len(lost)} lost"


def _ends(lab: _Lab) -> tuple[bool, str]:
    home = lab.home()
    ended: dict[str, int | None] = {}
    with lab.server(home) as server:
        ended["end of input"] = server.close_input()
    for name in ("SIGINT", "SIGTERM") if sys.platform != "win32" else ():
        with lab.server(home) as server:
            ended[name] = server.signal(getattr(signal, name))
    told = ", ".join(f"{name}: {'did not end' if code is None else f'exit {code}'}" for name, code in ended.items())
    return all(code == 0 for code in ended.values()), told


def _offline(lab: _Lab) -> tuple[bool, str]:
    with lab.server(lab.home(), code=_NO_SOCKETS) as server:
        made = server.call("create_episode", task_description="mend the login of guests", **_NEW)
        server.call("complete_episode", episode_id=made["episode_id"], outcome_type="success", verdict="use get()")
        answer = server.call("query_memory", query="login of guests")
    found = [hit.get("episode_id") for hit in answer.get("hits", [])]
    return found == [made["episode_id"]], "recorded, learnt and recalled without opening a connection"


@contextmanager
def _store(home: Path) -> Iterator[Store]:
    store = Store.open(home / "memory.db", "selftest", Settings(), clock=SystemClock(), actor="selftest")
    try:
        yield store
    finally:
        store.close()


_PROOFS: dict[str, Callable[[_Lab], tuple[bool, str]]] = {
    "what was acknowledged is readable from another process": _across_processes,
    "kill -9 loses nothing that was acknowledged": _killed,
    "a torn, foreign or removed cache changes no answer": _torn,
    "a locked store refuses writes in a sentence and goes on reading": _locked,
    "a read-only store is read, and writes are refused": _read_only,
    "a store that cannot grow refuses writes and keeps what was acknowledged": _full,
    "end of input and signals end the server": _ends,
    "it works without the network": _offline,
}
