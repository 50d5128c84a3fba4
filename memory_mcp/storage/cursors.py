"""This module makes the opaque texts by which a client asks for the next page of a listing, and reads them."""

import binascii
from typing import Annotated

import msgspec
from msgspec import Struct

from memory_mcp.errors import InvalidInputError
from memory_mcp.models import limits

_Column = Annotated[int, msgspec.Meta(ge=-limits.GREATEST_COUNT, le=limits.GREATEST_COUNT)]
_TO_URL, _FROM_URL = bytes.maketrans(b"+/", b"-_"), str.maketrans("-_", "+/")


class Position(Struct, frozen=True, array_like=True):
    """Where a listing goes on: after the record of this time and key, newest first."""

    created_at: _Column
    key: _Column


def dump_cursor(position: Position) -> str:
    """Make the opaque text that a client hands back for the next page."""
    encoded = binascii.b2a_base64(msgspec.json.encode(position), newline=False)
    return encoded.translate(_TO_URL).rstrip(b"=").decode()


def load_cursor(cursor: str) -> Position:
    """Read a cursor.

    Raises:
        InvalidInputError: the text is not a cursor of ours.

    """
    try:
        encoded = binascii.a2b_base64(cursor.translate(_FROM_URL) + "=" * (-len(cursor) % 4))
        return msgspec.json.decode(encoded, type=Position)
    except (msgspec.DecodeError, binascii.Error, ValueError) as error:
        raise InvalidInputError(f"'{cursor}' is no cursor; use next_cursor of the page before, unchanged") from error
