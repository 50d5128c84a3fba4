"""This module holds one client's state: its era of the protocol and its open calls."""

import logging
import threading
from collections.abc import Mapping

from memory_mcp.server.methods import Call, Method
from memory_mcp.server.protocol_errors import INTERNAL_ERROR, ProtocolError
from memory_mcp.server.stdio.eras import Era, Opened, begin
from memory_mcp.server.stdio.lines import (
    Id,
    Notification,
    Refusal,
    Request,
    error_line,
    notification_line,
    read_message,
    result_line,
)
from memory_mcp.server.stdio.outgoing import ENOUGH_UNSENT, Outgoing
from memory_mcp.server.stdio.workers import Workers

logger = logging.getLogger(__name__)
_MOST_EARLY = 8
_MOST_DIGITS = 19


class Connection:
    """One client: takes its lines, in order, and answers each request once."""

    def __init__(self, methods: Mapping[str, Method], outgoing: Outgoing, workers: Workers) -> None:
        self._methods = methods
        self._outgoing, self._workers = outgoing, workers
        self._era: Era | None = None
        self._early: list[Notification] = []  # what came before the first request, which decides the era
        self._open: dict[Id, _OpenCall] = {}
        self._lock = threading.Lock()

    def take(self, line: bytes | Refusal) -> None:
        """Serve a line; what may block is left to the workers."""
        message = read_message(line) if isinstance(line, bytes) else line
        if isinstance(message, Request):
            try:
                self._serve(message)
            except Exception:
                logger.exception("a request failed")
                self._outgoing.send(_unforeseen(message.id), may_wait=False)
        elif isinstance(message, Notification):
            self._note(message)
        elif isinstance(message, Refusal):
            refused = error_line(message.id, ProtocolError(message.code, message.message))
            self._outgoing.send(refused, may_wait=False)

    def _serve(self, request: Request) -> None:
        if self._era is None:
            self._era = begin(request, self._methods)
            for notification in self._early:
                self._era.note(notification)
        try:
            opened = self._era.open(request)
        except ProtocolError as error:
            self._outgoing.send(error_line(request.id, error), may_wait=False)
            return
        call = _OpenCall(request.id, opened, self._era, self._outgoing)
        if not opened.method.blocks:
            call.answer(may_wait=False)
            return
        with self._lock:
            self._open[_key(request.id)] = call  # an id that comes again while it is open means the newer call
        self._workers.submit(lambda: self._run(call), request.size_bytes)

    def _run(self, call: "_OpenCall") -> None:
        self._outgoing.wait_for_room(ENOUGH_UNSENT)
        try:
            call.answer()
        finally:
            with self._lock:
                if self._open.get(_key(call.id)) is call:
                    del self._open[_key(call.id)]

    def _note(self, notification: Notification) -> None:
        if notification.method == "notifications/cancelled":
            given = (notification.params or {}).get("requestId")
            if isinstance(given, int | str) and not isinstance(given, bool):
                with self._lock:
                    call = self._open.get(_key(given))
                if call is not None:
                    call.is_cancelled = True
        elif self._era is not None:
            self._era.note(notification)
        elif len(self._early) < _MOST_EARLY:
            self._early.append(notification)


class _OpenCall:
    """A request that is being served; a cancelled one does not begin, and is not answered if it has."""

    def __init__(self, request_id: Id, opened: Opened, era: Era, outgoing: Outgoing) -> None:
        self.id = request_id
        self.is_cancelled = False
        self._opened, self._era, self._outgoing = opened, era, outgoing

    def answer(self, *, may_wait: bool = True) -> None:
        """Run the method and send what it returns, or the error that it ends in."""
        if self.is_cancelled:
            return
        line = self._line(may_wait=may_wait)
        if not self.is_cancelled:
            self._outgoing.send(line, may_wait=may_wait)

    def _line(self, *, may_wait: bool) -> bytes:
        method = self._opened.method
        call = Call(
            lambda name, params: self._outgoing.send(notification_line(name, params), may_wait=may_wait),
            self._opened.progress_token,
        )
        try:
            return result_line(self.id, self._era.close(method, method.run(self._opened.params, call)))
        except ProtocolError as error:
            return error_line(self.id, error)
        except Exception:
            logger.exception("a request failed")
            return _unforeseen(self.id)


def _unforeseen(request_id: Id) -> bytes:
    """Return the answer to a request that failed as nobody foresaw."""
    sentence = "the request failed inside memory-mcp; its log (stderr) has the cause"
    return error_line(request_id, ProtocolError(INTERNAL_ERROR, sentence))


def _key(request_id: Id) -> Id:
    """Return 7 for "7" too: clients exist that send an id as a number and cancel it as text."""
    if isinstance(request_id, str) and request_id.isascii() and request_id.isdigit() and len(request_id) < _MOST_DIGITS:
        return int(request_id)
    return request_id
