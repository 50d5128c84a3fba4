"""This module is the entrance `memory-mcp`: it reads the command line, opens the memory and serves until the end."""

import argparse
import asyncio
import contextlib
import gc
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NoReturn

gc.disable()  # importing the SDK makes garbage collection run for nothing; saves about 40 ms of start-up

from mcp.server.lowlevel import Server  # noqa: E402 - as below

from memory_mcp import __version__, logs  # noqa: E402 - after gc.disable
from memory_mcp.config.layers import Resolved, resolve  # noqa: E402 - as above
from memory_mcp.config.places import fallback_log, places, working_directory  # noqa: E402 - as above
from memory_mcp.errors import ConfigError, MemoryMcpError  # noqa: E402 - as above
from memory_mcp.memory import Memory  # noqa: E402 - as above
from memory_mcp.server.desk import Desk  # noqa: E402 - as above
from memory_mcp.server.protocol import build  # noqa: E402 - as above
from memory_mcp.server.tools.catalogue import offered  # noqa: E402 - as above
from memory_mcp.server.transport import stdio  # noqa: E402 - as above
from memory_mcp.visible import visible_line  # noqa: E402 - as above

logger = logging.getLogger(__name__)
_PARENT_CHECK_S = 5.0
MakeServer = Callable[[Desk, ThreadPoolExecutor], Server[dict[str, Any]]]
_LAST_WRITES_S = 1.0
_USAGE = 2


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the server."""
    gc.enable()
    gc.freeze()
    parser = _Parser(
        prog="memory-mcp",
        description="The memory of coding agents, as an MCP server on stdin and stdout. Register it with "
        "'claude mcp add memory-mcp -- memory-mcp'; 'memory-cli' is the same memory in a terminal.",
    )
    parser.add_argument("--home", help="directory of the memory (default: the platform's data directory)")
    parser.add_argument("--project", help="name of the project (default: found from the directory)")
    parser.add_argument("--toolsets", metavar="NAMES", help="further tools: records,learning,tags,relationships or all")
    parser.add_argument("--config", type=Path, help="settings file instead of the usual place")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="any setting; repeatable")
    parser.add_argument("--version", action="version", version=f"memory-mcp {__version__}")
    given = parser.parse_args(arguments)
    try:
        memory = _opened(given)
    except MemoryMcpError as error:
        _refuse(str(error))
    except Exception as error:  # noqa: BLE001 - one line says why, the log has the rest
        _refuse(logs.keep(error, _log_of(given)))
    threading.excepthook = _end_of_thread
    try:
        run(memory)
    except Exception as error:  # noqa: BLE001 - as above
        _say(f"memory-mcp ended: {logs.keep(error, _log_of(given))}")
        os._exit(1)  # a thread in the middle of something would keep the process


def _opened(given: argparse.Namespace) -> Memory:
    """Open the memory that the command line names, with everything in place to serve it."""
    _check_pipes()
    directory = working_directory()
    resolved = _resolved(given, directory)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(OneLine("memory-mcp %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(handlers=[handler], level=resolved.settings.server.log_level.upper())
    offered(resolved.settings.server.toolsets)
    return Memory.open(os.environ, directory, actor="server", resolved=resolved)


class _Parser(argparse.ArgumentParser):
    """Escapes typed text that could drive a terminal in its errors."""

    def error(self, message: str) -> NoReturn:
        super().error(visible_line(message))


class OneLine(logging.Formatter):
    """Makes an event one line, traceback included, so that no text can fake a second event."""

    def format(self, record: logging.LogRecord) -> str:
        """Render an event."""
        return visible_line(super().format(record))


def _check_pipes() -> None:
    for name in ("stdin", "stdout"):
        if getattr(sys, name) is None:
            raise ConfigError(f"{name} is closed; a client speaks to the server over stdin and stdout")


def _refuse(sentence: str) -> NoReturn:
    """Print the one line that a client shows of a failed start."""
    _say(f"memory-mcp cannot start: {sentence}")
    sys.exit(1)


def _say(sentence: str) -> None:
    with contextlib.suppress(OSError, AttributeError):  # stderr is full or closed: the exit code has to do
        sys.stderr.write(f"{visible_line(sentence)}\n")
        sys.stderr.flush()


def _end_of_thread(end: threading.ExceptHookArgs) -> None:
    """Log as one line what ended a thread; what it says may hold text of whoever wrote a record."""
    if end.exc_value is not None and end.thread is not None:
        logger.error("the thread %s ended", end.thread.name, exc_info=end.exc_value)


def _log_of(given: argparse.Namespace) -> Path:
    try:
        resolved = _resolved(given, working_directory())
        return places(resolved.settings, settings_file=resolved.path).log
    except (MemoryMcpError, OSError, ValueError, RuntimeError):  # the settings may be the cause
        return fallback_log()


def _resolved(given: argparse.Namespace, directory: Path) -> Resolved:
    flags = dict(pair.partition("=")[::2] for pair in given.set)
    flags |= {"store.home": given.home} if given.home else {}
    flags |= {"project.name": given.project} if given.project else {}
    flags |= {"server.toolsets": given.toolsets} if given.toolsets else {}
    return resolve(os.environ, directory, flags=flags, path=given.config)


def run(memory: Memory, make_server: MakeServer = build) -> NoReturn:
    """Serve on this process's pipes until the end; the conformance suite hands in a server with more tools."""
    asyncio.run(_serve(memory, make_server))
    sys.stderr.flush()
    os._exit(0)  # interpreter shutdown would cost another 110 ms; everything is closed


async def _serve(memory: Memory, make_server: MakeServer) -> None:
    """Serve until end of input, SIGINT, SIGTERM or the parent's end; then let running writes finish and close."""
    desk = Desk(memory)
    pool = ThreadPoolExecutor(memory.settings.server.threads, thread_name_prefix="tool")
    server = make_server(desk, pool)
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    if sys.platform == "win32":
        signal.signal(signal.SIGINT, lambda *_: loop.call_soon_threadsafe(stopping.set))
    else:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stopping.set)
    async with stdio(memory.settings.server.max_line_mb << 20) as (incoming, outgoing):
        running = asyncio.create_task(server.run(incoming, outgoing, server.create_initialization_options()))
        waits = {running, asyncio.create_task(stopping.wait()), asyncio.create_task(_orphaned())}
        _, left = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for task in left:
            task.cancel()
        await asyncio.gather(*waits, return_exceptions=True)
    pool.shutdown(wait=False, cancel_futures=True)
    await asyncio.wait({loop.run_in_executor(None, pool.shutdown)}, timeout=_LAST_WRITES_S)
    desk.close()


async def _orphaned() -> None:
    """Return when the parent has died without closing the pipes."""
    parent = os.getppid()
    while os.getppid() == parent:  # noqa: ASYNC110 - nothing signals a parent's death portably
        await asyncio.sleep(_PARENT_CHECK_S)


if __name__ == "__main__":
    main()
