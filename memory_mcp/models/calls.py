"""This module defines a call of a tool, as clients tell of it."""

from typing import Any

from msgspec import Struct


class ToolCall(Struct, frozen=True):
    """A call of a tool; `failed` is None where nobody says, `response` is whatever came back."""

    tool: str
    arguments: dict[str, Any]
    at: int
    response: Any = None
    failed: bool | None = None
    interrupted: bool = False
    duration_ms: float | None = None
