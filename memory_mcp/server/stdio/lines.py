"""This module cuts a byte stream into lines and turns each into a message, or into the error to answer it with."""

from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import Struct

from memory_mcp.expressions import expression
from memory_mcp.models.values import mended
from memory_mcp.server.protocol_errors import INVALID_REQUEST, PARSE_ERROR, ProtocolError

_BOM = b"\xef\xbb\xbf"
_ID = expression(r'"id"\s*:\s*(-?\d{1,18}|"(?:[^"\\]|\\.){0,200}")')
_HEAD_BYTES = 4_096
_DEEPEST = 500
_TOO_DEEP = "nested too deeply"
_NO_MESSAGE = "the message is no JSON-RPC 2.0 request, notification or response"
Id = int | str


class Request(Struct, frozen=True):
    """A message that waits for an answer."""

    id: Id
    method: str
    params: dict[str, Any] | None
    size_bytes: int


class Notification(Struct, frozen=True):
    """A message that is not answered."""

    method: str
    params: dict[str, Any] | None


class Response(Struct, frozen=True):
    """An answer to something that we never asked."""


class Refusal(Struct, frozen=True):
    """A line that is no message, and the error to answer it with; `id` is None where the line gave none."""

    id: Id | None
    code: int
    message: str


Message = Request | Notification | Response | Refusal


class LineSplitter:
    """Cuts a byte stream into lines of bounded length; memory stays bounded whatever arrives."""

    def __init__(self, longest: int) -> None:
        self._longest = longest
        self._buffer = bytearray()
        self._skipping = False

    def feed(self, data: bytes) -> Iterator[bytes | Refusal]:
        """Yield the lines that are complete now, and a refusal for one that grew too long."""
        parts = data.split(b"\n")
        for part in parts[:-1]:
            if self._skipping:
                self._skipping = False
                continue
            self._buffer += part
            if len(self._buffer) > self._longest:
                yield self._too_long()
                self._skipping = False
            elif line := bytes(self._buffer).strip():
                yield line
            self._buffer.clear()
        if not self._skipping:
            self._buffer += parts[-1]
            if len(self._buffer) > self._longest:
                yield self._too_long()

    def rest(self) -> bytes:
        """Return a last line that the end of the stream cut off from its newline."""
        return b"" if self._skipping else bytes(self._buffer.strip())

    def _too_long(self) -> Refusal:
        head = bytes(self._buffer[:_HEAD_BYTES])
        self._buffer = bytearray()  # a new one: a cleared one keeps its room
        self._skipping = True
        return Refusal(
            _guessed_id(head), INVALID_REQUEST, f"the message is longer than {self._longest} bytes; send less"
        )


def read_message(line: bytes) -> Message:
    """Read one line; a byte-order mark is dropped and a lone surrogate, as cut emoji leave them, becomes U+FFFD."""
    line = line.strip().removeprefix(_BOM)
    try:
        value = msgspec.json.decode(line)
    except (ValueError, RecursionError):
        try:
            value = _decoded_slowly(line)
        except (ValueError, RecursionError) as error:  # Python reads no integer of more than 4,300 digits
            return _no_json(line, _TOO_DEEP if isinstance(error, RecursionError) else str(error))
    return _no_json(line, _TOO_DEEP) if _is_too_deep(value, line) else _message(value, len(line))


def _no_json(line: bytes, reason: str) -> Refusal:
    return Refusal(_guessed_id(line[:_HEAD_BYTES]), PARSE_ERROR, f"the message is no JSON: {reason}")


def _is_too_deep(value: Any, line: bytes) -> bool:
    """Whether a value is nested so deeply that some Pythons could not walk through it; 3.13 decodes any depth."""
    if line.count(b"[") + line.count(b"{") <= _DEEPEST:
        return False
    level, depth = [value], 0
    while level and depth <= _DEEPEST:
        level = [
            inner
            for each in level
            if isinstance(each, dict | list)
            for inner in (each.values() if isinstance(each, dict) else each)
        ]
        depth += 1
    return depth > _DEEPEST


def _message(value: Any, size_bytes: int) -> Message:
    """Say what a JSON value is; an id that is none, such as 1.5 or null, makes a request that has no valid id."""
    if not isinstance(value, dict):
        return Refusal(None, INVALID_REQUEST, _NO_MESSAGE)
    given, params = value.get("id"), value.get("params")
    request_id = given if isinstance(given, int | str) and not isinstance(given, bool) else None
    is_fit = value.get("jsonrpc") == "2.0" and (params is None or isinstance(params, dict))
    method = value.get("method")
    if is_fit and isinstance(method, str):
        if request_id is not None:
            return Request(request_id, method, params, size_bytes)
        if "id" not in value:
            return Notification(method, params)
    elif is_fit and "method" not in value and _is_response(value, request_id):
        return Response()
    return Refusal(request_id, INVALID_REQUEST, _NO_MESSAGE)


def _is_response(value: dict[str, Any], request_id: Id | None) -> bool:
    if request_id is not None and isinstance(value.get("result"), dict):
        return True
    error = value.get("error")
    is_error = isinstance(error, dict) and isinstance(error.get("code"), int) and isinstance(error.get("message"), str)
    return is_error and "id" in value and (request_id is not None or value["id"] is None)


def result_line(request_id: Id, result: dict[str, Any]) -> bytes:
    """Return a successful answer as a line."""
    return msgspec.json.encode({"jsonrpc": "2.0", "id": request_id, "result": result}) + b"\n"


def error_line(request_id: Id | None, error: ProtocolError) -> bytes:
    """Return an error as a line."""
    told = {"code": error.code, "message": str(error), **({} if error.data is None else {"data": error.data})}
    return msgspec.json.encode({"jsonrpc": "2.0", "id": request_id, "error": told}) + b"\n"


def notification_line(method: str, params: dict[str, Any]) -> bytes:
    """Return a notification as a line."""
    return msgspec.json.encode({"jsonrpc": "2.0", "method": method, "params": params}) + b"\n"


def _decoded_slowly(line: bytes) -> Any:
    """Decode what msgspec refuses and other programs write all the same: lone surrogates, 1e400, NaN, no UTF-8."""
    import json  # noqa: PLC0415 - 3 ms, for a rare case

    return _mended(json.loads(line.decode("utf-8", "replace")))


def _mended(value: Any) -> Any:
    """Replace lone surrogates everywhere in a JSON value."""
    if isinstance(value, str):
        return mended(value)
    if isinstance(value, dict):
        return {mended(name): _mended(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_mended(inner) for inner in value]
    return value


def _guessed_id(head: bytes) -> Id | None:
    """Find the request's id in the beginning of an unreadable line, so that its sender need not wait in vain."""
    found = {match[1] for match in _ID.finditer(head.decode("utf-8", "replace"))}
    if len(found) != 1:
        return None
    try:
        guessed: Id = msgspec.json.decode(found.pop())
    except ValueError:  # an escape that is none
        return None
    return guessed
