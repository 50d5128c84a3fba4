"""This module holds the answers to a request that are errors of JSON-RPC."""

from typing import Any

from memory_mcp.errors import MemoryMcpError

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603
UNSUPPORTED_REVISION = -32022


class ProtocolError(MemoryMcpError):
    """The request cannot be served; the text is the error's message."""

    def __init__(self, code: int, message: str, data: Any = None) -> None:
        super().__init__(message)
        self.code, self.data = code, data


def unfit_params() -> ProtocolError:
    """Return the answer to parameters that do not have the form of their method, in the words of the SDK."""
    return ProtocolError(INVALID_PARAMS, "Invalid request parameters", "")


def no_method(name: str) -> ProtocolError:
    """Return the answer to a method that this revision, or this server, does not have, in the words of the SDK."""
    return ProtocolError(METHOD_NOT_FOUND, "Method not found", name)
