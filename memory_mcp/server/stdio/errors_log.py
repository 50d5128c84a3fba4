"""This module writes log lines to stderr without ever waiting for whoever reads them."""

import logging

from memory_mcp.server.stdio.outgoing import Outgoing
from memory_mcp.visible import visible_line

_STDERR = 2
_MOST_UNREAD = 1 << 20  # bytes; what is logged beyond them is dropped
_LAST_LINES_S = 0.2


class ErrorsLog(logging.Handler):
    """Keeps some lines for a reader that is slow; one that has stopped reading must not stop a call."""

    def __init__(self) -> None:
        super().__init__()
        self._outgoing = Outgoing(_STDERR)
        self.setFormatter(OneLine("memory-mcp %(levelname)s %(name)s: %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        """Write an event."""
        self.say(self.format(record))

    def say(self, line: str) -> None:
        """Write a line."""
        if self._outgoing.unsent < _MOST_UNREAD:
            self._outgoing.send(f"{visible_line(line)}\n".encode("utf-8", "backslashreplace"), may_wait=False)

    def flush(self) -> None:
        """Wait a moment for the last lines."""
        self._outgoing.flush(_LAST_LINES_S)


class OneLine(logging.Formatter):
    """Makes an event one line, traceback included, so that no text can fake a second event."""

    def format(self, record: logging.LogRecord) -> str:
        """Render an event."""
        return visible_line(super().format(record))
