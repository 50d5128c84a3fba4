"""This module decodes JSON of other programs, and mends lone surrogates and numbers that are not finite."""

import json
import math
from typing import Any, TypeVar

import msgspec

from memory_mcp.errors import InvalidInputError
from memory_mcp.models.choices import complaint

T = TypeVar("T")
_ANY: msgspec.json.Decoder[Any] = msgspec.json.Decoder()


def decoded(raw: bytes, decoder: msgspec.json.Decoder[T]) -> T:
    """Decode a document; lone surrogates become U+FFFD, NaN and infinities become null.

    Raises:
        InvalidInputError: it is not JSON, has another shape, or is nested too deeply.

    """
    try:
        return decoder.decode(raw)
    except RecursionError as error:
        raise InvalidInputError("it is nested too deeply") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        refused = error
    try:
        return decoder.decode(msgspec.json.encode(_mended(json.loads(raw))))
    except (ArithmeticError, RecursionError, ValueError, msgspec.MsgspecError):
        shown = complaint(refused, decoder.type) if isinstance(refused, msgspec.MsgspecError) else str(refused)
        raise InvalidInputError(shown) from refused


def loaded(raw: bytes) -> Any:
    """Decode a document of any shape.

    Raises:
        InvalidInputError: it is not JSON, or is nested too deeply.

    """
    return decoded(raw.removeprefix(b"\xef\xbb\xbf"), _ANY)


def _mended(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, list):
        return [_mended(each) for each in value]
    if isinstance(value, dict):
        return {_mended(name): _mended(inner) for name, inner in value.items()}
    return value
