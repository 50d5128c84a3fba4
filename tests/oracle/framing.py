"""Bytes as the SDK's JSON-RPC messages; what is no message gets an answer, never silence."""

import json
import re
from collections.abc import Iterator
from typing import Any

import mcp_types as types
from msgspec import Struct
from pydantic import ValidationError

_BOM = b"\xef\xbb\xbf"
_ID = re.compile(rb'"id"\s*:\s*(-?\d{1,18}|"(?:[^"\\]|\\.){0,200}")')
_SURROGATES = re.compile("[\ud800-\udfff]")
_HEAD_BYTES = 4_096


class Refusal(Struct, frozen=True):
    """A line that is no message, and the error to answer it with; `id` is None where the line gave none."""

    id: int | str | None
    code: int
    message: str

    def encode(self) -> bytes:
        """Return the JSON-RPC error as a line."""
        error = {"jsonrpc": "2.0", "id": self.id, "error": {"code": self.code, "message": self.message}}
        return json.dumps(error).encode() + b"\n"


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
            elif self._buffer.strip():
                yield bytes(self._buffer)
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
        self._buffer.clear()
        self._skipping = True
        return Refusal(
            _guessed_id(head), types.INVALID_REQUEST, f"the message is longer than {self._longest} bytes; send less"
        )


def parse_line(line: bytes) -> types.JSONRPCMessage | Refusal:
    """Read one line; a byte-order mark is dropped and a lone surrogate, as cut emoji leave them, becomes U+FFFD."""
    line = line.strip().removeprefix(_BOM)
    try:
        return types.jsonrpc_message_adapter.validate_json(line, by_name=False)
    except ValidationError:
        pass  # the reason is found out below, where the answer can carry the request's id
    try:
        value = _mended(json.loads(line.decode("utf-8", "replace")))
    except (ValueError, RecursionError) as error:  # Python reads no integer of more than 4,300 digits
        reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        return Refusal(_guessed_id(line[:_HEAD_BYTES]), types.PARSE_ERROR, f"the message is no JSON: {reason}")
    try:
        return types.jsonrpc_message_adapter.validate_python(value, by_name=False)
    except (ValidationError, RecursionError):
        given = value.get("id") if isinstance(value, dict) else None
        usable = given if isinstance(given, int | str) and not isinstance(given, bool) else None
        return Refusal(
            usable, types.INVALID_REQUEST, "the message is no JSON-RPC 2.0 request, notification or response"
        )


def _mended(value: Any) -> Any:
    """Replace lone surrogates everywhere in a JSON value."""
    if isinstance(value, str):
        return _SURROGATES.sub("\ufffd", value)
    if isinstance(value, dict):
        return {_mended(name): _mended(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_mended(inner) for inner in value]
    return value


def _guessed_id(head: bytes) -> int | str | None:
    """Find the request's id in the beginning of an unreadable line, so that its sender need not wait in vain."""
    found = {match[1] for match in _ID.finditer(head)}
    if len(found) != 1:
        return None
    guessed: int | str = json.loads(found.pop().decode("utf-8", "replace"))
    return guessed
