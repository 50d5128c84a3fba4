"""This module gives each proof its scratch memories and servers, and runs it."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct

from memory_cli.opening import scratch_environ
from memory_cli.servers import Server, listed
from memory_mcp.clock import SystemClock
from memory_mcp.config.settings import Settings
from memory_mcp.errors import MemoryMcpError
from memory_mcp.storage.store import Store

NEW = {"task_type": "selftest", "domain": "selftest"}
PROJECT = "selftest"
_LIMITED_BYTES = 1_500_000
SMALL_FILES = f"""
import resource, sys
sys.dont_write_bytecode = True  # Python would keep a module that it could write in part only
resource.setrlimit(resource.RLIMIT_FSIZE, ({_LIMITED_BYTES}, {_LIMITED_BYTES}))
from memory_mcp.server.app import main
main()
"""  # code of a server whose files cannot grow further, as on a full disk


class Skip(Exception):  # noqa: N818 - no error: the platform lacks what a proof needs
    """A proof cannot run here; the message says why."""


class Proof(Struct, frozen=True):
    """One promise: whether it held (None: it could not be tried), what was seen, how long it took."""

    promise: str
    held: bool | None
    detail: str
    seconds: float


class Lab:
    """Scratch memories for the proofs of one run."""

    def __init__(self, root: Path, environ: dict[str, str]) -> None:
        self.root = root
        self._environ = environ
        self._made = 0

    def home(self) -> Path:
        """Return a path for a new memory."""
        self._made += 1
        return self.root / f"memory-{self._made}"

    def environ(self, home: Path) -> dict[str, str]:
        """Return the environment of a process that uses a scratch memory."""
        return scratch_environ(self._environ, home, PROJECT)

    def server(self, home: Path, *arguments: str, code: str = "") -> Server:
        """Start a server with the records toolset; `code` runs instead of its entrance."""
        return Server(self.environ(home), "--toolsets", "records", *arguments, code=code)

    def listed(self, home: Path) -> set[str]:
        """Return the ids of all episodes that a newly started server finds in the file."""
        with self.server(home) as fresh:
            return set(listed(fresh))


Prove = Callable[[Lab], tuple[bool, str]]


def tried(promise: str, prove: Prove, lab: Lab) -> Proof:
    """Run one proof, and time it."""
    started = time.perf_counter()
    held: bool | None
    try:
        held, detail = prove(lab)
    except Skip as reason:
        held, detail = None, str(reason)
    except (MemoryMcpError, OSError) as error:
        held, detail = False, str(error)
    return Proof(promise, held, detail, round(time.perf_counter() - started, 2))


@contextmanager
def opened_store(home: Path) -> Iterator[Store]:
    """Open the file of a scratch memory in this process."""
    store = Store.open(home / "memory.db", PROJECT, Settings(), clock=SystemClock(), actor=PROJECT)
    try:
        yield store
    finally:
        store.close()
