"""This module makes stdin, stdout and stderr usable, whatever state they are in at the start."""

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import Any, TextIO

from memory_mcp.errors import MemoryMcpError


def prepare() -> bool:
    """Replace closed streams by /dev/null and escape what a stream cannot encode; return whether stdout was open.

    Otherwise the next file to be opened would take the number of a closed stream and receive what is printed.
    """
    was_open = sys.stdout is not None
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            nothing = os.open(os.devnull, os.O_RDWR)  # takes the lowest free number: that of the closed stream
            setattr(sys, name, os.fdopen(nothing, "r" if name == "stdin" else "w", encoding="utf-8"))
        elif hasattr(getattr(sys, name), "reconfigure"):
            getattr(sys, name).reconfigure(errors="surrogateescape" if name == "stdin" else "backslashreplace")
    return was_open


def write(content: str | bytes, stream: TextIO) -> None:
    """Write text, or bytes as they are, at once.

    Raises:
        MemoryMcpError: it cannot be written, unless the reader has gone.

    """
    try:
        if isinstance(content, bytes):
            stream.buffer.write(content)
        else:
            stream.write(content)
        stream.flush()
    except BrokenPipeError:
        raise
    except (OSError, ValueError) as error:
        raise refusal(stream, error) from error


def refusal(stream: TextIO, error: Exception) -> MemoryMcpError:
    """Silence a stream that cannot be written, and return what says so."""
    silence(stream)
    return MemoryMcpError(f"the output cannot be written: {getattr(error, 'strerror', None) or error}")


class Expendable:
    """A stream for output that may be lost: the command goes on if it cannot be written."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write what can be written."""
        with self._trying():
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush what can be flushed."""
        with self._trying():
            self._stream.flush()

    @contextlib.contextmanager
    def _trying(self) -> Iterator[None]:
        try:
            yield
        except (OSError, ValueError):
            silence(self._stream)


def silence(stream: TextIO) -> None:
    """Discard what is still buffered for a stream, so that the interpreter's exit is silent."""
    with contextlib.suppress(OSError, ValueError):
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, stream.fileno())
        os.close(nothing)
