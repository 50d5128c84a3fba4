"""This module checks whether a row is unchanged: a flipped bit passes SQLite's own integrity check."""

import zlib
from collections.abc import Mapping
from typing import Any

import msgspec

_ENCODER = msgspec.msgpack.Encoder()
_BY_NAME = 1 << 32  # version 1, above the 32 bits of the CRC


class Fields:
    """The columns of one kind of record that its checksum covers.

    Version 0, of stores up to schema 3, is a CRC-32 over Python's `repr` of exactly the first columns in their order.
    Version 1 is a CRC-32 over the names and values of all fields that are not null, as msgpack: a column that is added
    later, and null in older rows, changes no checksum.
    """

    def __init__(self, *first: str) -> None:
        self.first = first

    def checksum(self, fields: Mapping[str, Any]) -> int:
        """Return the checksum of a row's fields, in the order in which they are declared."""
        return _BY_NAME | _crc_by_name(fields)

    def match(self, stored: int, fields: Mapping[str, Any]) -> bool:
        """Whether a row's fields match a stored checksum of either version."""
        if stored >= _BY_NAME:
            return stored == _BY_NAME | _crc_by_name(fields)
        ordered = tuple(fields[name] for name in self.first)
        return stored == zlib.crc32(repr(ordered).encode("utf-8", "surrogatepass"))


def _crc_by_name(fields: Mapping[str, Any]) -> int:
    return zlib.crc32(_ENCODER.encode({name: value for name, value in fields.items() if value is not None}))


EPISODE = Fields(
    "task",
    "task_type",
    "domain",
    "language",
    "framework",
    "complexity",
    "started_at",
    "completed_at",
    "outcome",
    "reward_parts",
    "reflection",
)
STEP = Fields("tool", "action", "parameters", "result", "latency_ms", "recorded_at")
NOTE = Fields("text", "importance", "source", "valid_until")
TURN = Fields("role", "text", "at", "is_marked")
SNAPSHOT = Fields("head", "branch", "files")
HANDOFF = Fields("steps", "note", "next_steps")
IDENTITY = Fields("identity")
DECISION = Fields("text", "who", "voice", "origin", "turn")
