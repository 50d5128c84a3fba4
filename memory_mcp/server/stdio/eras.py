"""This module knows the two eras of the protocol: what a request must carry, and what an answer does.

Up to 2025-11-25 a client shakes hands and the connection remembers it; at 2026-07-28 each request says all by itself.
"""

from collections.abc import Mapping
from typing import Any, Protocol, TypeVar

import msgspec
from msgspec import Struct

from memory_mcp.server.methods import Call, Method, Result
from memory_mcp.server.prompts import INSTRUCTIONS, SERVER_INFO
from memory_mcp.server.protocol_errors import (
    INVALID_PARAMS,
    INVALID_REQUEST,
    UNSUPPORTED_REVISION,
    ProtocolError,
    no_method,
    unfit_params,
)
from memory_mcp.server.stdio.forms import Envelope, Initialize, Meta, Nothing, Token
from memory_mcp.server.stdio.lines import Notification, Request

HANDSHAKE_REVISIONS = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
STATELESS_REVISIONS = ("2026-07-28",)
_REVISION_KEY = "io.modelcontextprotocol/protocolVersion"
_CAPABILITIES_KEY = "io.modelcontextprotocol/clientCapabilities"
_SERVER_KEY = "io.modelcontextprotocol/serverInfo"
_CAPABILITIES = {
    "tools": {"listChanged": False},
    "resources": {"subscribe": False, "listChanged": False},
    "prompts": {"listChanged": False},
}
_Form = TypeVar("_Form", bound=Struct)


class Opened(Struct, frozen=True):
    """A request that may be served."""

    method: Method
    params: Struct
    progress_token: Token | None


class Era(Protocol):
    """How one era reads requests and completes results."""

    def open(self, request: Request) -> Opened:
        """Find the method and read its parameters.

        Raises:
            ProtocolError: the request cannot be served.

        """

    def close(self, method: Method, result: Result) -> Result:
        """Return a result as this era wants it."""

    def note(self, notification: Notification) -> None:
        """Take in what a client tells."""


def begin(request: Request, methods: Mapping[str, Method]) -> Era:
    """Return the era that the first request of a connection decides on."""
    is_stateless = request.method != "initialize" and _has_envelope(request)
    return Stateless(methods) if is_stateless else Handshake(methods)


class Handshake:
    """The era up to 2025-11-25."""

    def __init__(self, methods: Mapping[str, Method]) -> None:
        self._methods = {
            **methods,
            "initialize": Method(Initialize, self._initialize),
            "ping": Method(Nothing, lambda *_: {}),
        }
        self._is_open = False

    def open(self, request: Request) -> Opened:
        """Find the method and read its parameters.

        Raises:
            ProtocolError: the request cannot be served.

        """
        if request.method != "initialize" and _has_envelope(request):
            raise ProtocolError(
                INVALID_REQUEST,
                "this connection serves the handshake protocol era; "
                "requests carrying the 2026-07-28 envelope are not accepted on it",
            )
        method = self._methods.get(request.method)
        if method is None:
            raise no_method(request.method)
        given = request.params or {}
        meta = _read(given["_meta"], Meta) if given.get("_meta") is not None else Meta()
        params = _read(given, method.params)
        if not self._is_open and request.method not in {"initialize", "ping"}:
            raise unfit_params()
        return Opened(method, params, meta.progress_token)

    @staticmethod
    def close(_: Method, result: Result) -> Result:
        """Return a result as it is."""
        return result

    def note(self, notification: Notification) -> None:
        """Open the connection for a client that has skipped the handshake."""
        if notification.method == "notifications/initialized":
            self._is_open = True

    def _initialize(self, given: Initialize, _: Call) -> Result:
        self._is_open = True
        wanted = given.protocol_version
        return {
            "protocolVersion": wanted if wanted in HANDSHAKE_REVISIONS else HANDSHAKE_REVISIONS[-1],
            "capabilities": _CAPABILITIES,
            "serverInfo": SERVER_INFO,
            "instructions": INSTRUCTIONS,
        }


class Stateless:
    """The era of 2026-07-28."""

    def __init__(self, methods: Mapping[str, Method]) -> None:
        self._methods = {**methods, "server/discover": Method(Nothing, self._discover, is_cacheable=True)}

    def open(self, request: Request) -> Opened:
        """Find the method and read its parameters.

        Raises:
            ProtocolError: the request cannot be served.

        """
        given = request.params or {}
        if request.method == "initialize":
            wanted = given.get("protocolVersion")
            raise ProtocolError(
                UNSUPPORTED_REVISION,
                "connection is serving the 2026-07-28 protocol; the initialize handshake is not accepted",
                _supported(wanted) if isinstance(wanted, str) else {"supported": STATELESS_REVISIONS},
            )
        _check_envelope(given.get("_meta"))
        method = self._methods.get(request.method)
        if method is None:
            raise no_method(request.method)
        envelope = _read(given["_meta"], Envelope)
        return Opened(method, _read(given, method.params), envelope.progress_token)

    @staticmethod
    def close(method: Method, result: Result) -> Result:
        """Add how long a result holds and who made it."""
        holds = {"ttlMs": 0, "cacheScope": "private"} if method.is_cacheable else {}
        return {**holds, "resultType": "complete", "_meta": {_SERVER_KEY: SERVER_INFO}, **result}

    def note(self, notification: Notification) -> None:
        """Do nothing; no notification changes a later request."""

    @staticmethod
    def _discover(_: Struct, __: Call) -> Result:
        return {
            "supportedVersions": STATELESS_REVISIONS,
            "capabilities": _CAPABILITIES,
            "instructions": INSTRUCTIONS,
        }


def _has_envelope(request: Request) -> bool:
    meta = (request.params or {}).get("_meta")
    return isinstance(meta, dict) and _REVISION_KEY in meta


def _check_envelope(meta: Any) -> None:
    """Refuse a request whose envelope lacks something, in the words of the SDK."""
    keys = (_REVISION_KEY, _CAPABILITIES_KEY)
    if not isinstance(meta, dict):
        needed = " and ".join(f"{key!r}" for key in keys)
        message = f"params._meta must be an object carrying the required {needed} envelope keys"
        raise ProtocolError(INVALID_PARAMS, message)
    if missing := [key for key in keys if key not in meta]:
        message = f"params._meta is missing the required envelope key(s): {', '.join(missing)}"
        raise ProtocolError(INVALID_PARAMS, message)
    revision = meta[_REVISION_KEY]
    if not isinstance(revision, str):
        raise ProtocolError(INVALID_PARAMS, "the protocol-version envelope value must be a string")
    if revision not in STATELESS_REVISIONS:
        raise ProtocolError(UNSUPPORTED_REVISION, "Unsupported protocol version", _supported(revision))


def _supported(wanted: str) -> dict[str, Any]:
    return {"supported": STATELESS_REVISIONS, "requested": wanted}


def _read(given: Any, form: type[_Form]) -> _Form:
    try:
        return msgspec.convert(given, form)
    except msgspec.ValidationError as error:
        raise unfit_params() from error
