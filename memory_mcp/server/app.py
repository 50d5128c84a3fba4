"""This module is the entrance `memory-mcp`: it reads the command line, opens the memory and serves until the end."""

import gc
import os
import sys

gc.disable()  # importing makes much and drops little: collecting takes a tenth of the start

from memory_mcp.stand_ins import import_lean  # noqa: E402 - after gc.disable

import_lean()

import logging  # noqa: E402 - as above
import threading  # noqa: E402 - as above
from collections.abc import Callable, Mapping, Sequence  # noqa: E402 - as above
from pathlib import Path  # noqa: E402 - as above
from typing import NoReturn  # noqa: E402 - as above

from memory_mcp import logs  # noqa: E402 - as above
from memory_mcp.config.layers import Resolved, resolve  # noqa: E402 - as above
from memory_mcp.config.places import fallback_log, places, working_directory  # noqa: E402 - as above
from memory_mcp.errors import ConfigError, MemoryMcpError  # noqa: E402 - as above
from memory_mcp.memory import Memory  # noqa: E402 - as above
from memory_mcp.server.command_line import Given, given_by  # noqa: E402 - as above
from memory_mcp.server.desk import Desk  # noqa: E402 - as above
from memory_mcp.server.methods import Method, methods_of  # noqa: E402 - as above
from memory_mcp.server.stdio.errors_log import ErrorsLog  # noqa: E402 - as above
from memory_mcp.server.stdio.serving import serve  # noqa: E402 - as above
from memory_mcp.server.tools.catalogue import offered  # noqa: E402 - as above

logger = logging.getLogger(__name__)
_INTERRUPTED = 130
MakeMethods = Callable[[Desk], Mapping[str, Method]]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the server."""
    gc.enable()
    gc.freeze()
    if sys.stderr is None:
        os.open(os.devnull, os.O_WRONLY)  # takes descriptor 2, which a database file would get otherwise
    given = given_by(sys.argv[1:] if arguments is None else arguments)
    log = ErrorsLog()
    try:
        memory = _opened(given, log)
    except MemoryMcpError as error:
        _refuse(str(error), log)
    except KeyboardInterrupt:  # a client that has changed its mind
        os._exit(_INTERRUPTED)
    except Exception as error:  # noqa: BLE001 - one line says why, the log has the rest
        _refuse(logs.keep(error, _log_of(given)), log)
    threading.excepthook = _end_of_thread
    try:
        run(memory)
    except Exception as error:  # noqa: BLE001 - as above
        log.say(f"memory-mcp ended: {logs.keep(error, _log_of(given))}")
        log.flush()
        os._exit(1)  # a thread in the middle of something would keep the process


def run(memory: Memory, make_methods: MakeMethods = methods_of) -> NoReturn:
    """Serve on this process's pipes until the end; the conformance suite hands in more methods."""
    desk = Desk(memory)
    serve(make_methods(desk), memory.settings.server)
    desk.close()
    for handler in logging.getLogger().handlers:
        handler.flush()
    os._exit(0)  # taking the interpreter down would cost 10 ms; everything is closed


def _opened(given: Given, log: ErrorsLog) -> Memory:
    """Open the memory that the command line names, with everything in place to serve it."""
    _check_pipes()
    directory = working_directory()
    resolved = _resolved(given, directory)
    logging.basicConfig(handlers=[log], level=resolved.settings.server.log_level.upper())
    offered(resolved.settings.server.toolsets)
    return Memory.open(os.environ, directory, actor="server", resolved=resolved)


def _check_pipes() -> None:
    for name in ("stdin", "stdout"):
        if getattr(sys, name) is None:
            raise ConfigError(f"{name} is closed; a client speaks to the server over stdin and stdout")


def _refuse(sentence: str, log: ErrorsLog) -> NoReturn:
    """Print the one line that a client shows of a failed start."""
    log.say(f"memory-mcp cannot start: {sentence}")
    log.flush()
    os._exit(1)


def _end_of_thread(end: threading.ExceptHookArgs) -> None:
    """Log as one line what ended a thread; what it says may hold text of whoever wrote a record."""
    if end.exc_value is not None and end.thread is not None:
        logger.error("the thread %s ended", end.thread.name, exc_info=end.exc_value)


def _log_of(given: Given) -> Path:
    try:
        resolved = _resolved(given, working_directory())
        return places(resolved.settings, settings_file=resolved.path).log
    except (MemoryMcpError, OSError, ValueError, RuntimeError):  # the settings may be the cause
        return fallback_log()


def _resolved(given: Given, directory: Path) -> Resolved:
    return resolve(os.environ, directory, flags=given.flags, path=given.config)


if __name__ == "__main__":
    main()
