"""This module defines which JSON values are accepted: their numbers, depth, size and texts."""

from math import isfinite
from typing import Any

import msgspec

from memory_mcp.errors import InvalidInputError, LimitError
from memory_mcp.models import limits

_LEFT_OUT = "… [left out]"


def mended(text: str) -> str:
    """Return valid Unicode: a lone surrogate, left by a client that cut an emoji in two, becomes U+FFFD."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def written(value: Any) -> str:
    """Return a value as JSON on one line, spaced for readers; what JSON has no form for becomes its text."""
    try:
        return msgspec.json.format(msgspec.json.encode(value, enc_hook=str), indent=0).decode()
    except (ValueError, TypeError, OverflowError):  # a lone surrogate, a key that is no text
        import json  # noqa: PLC0415 - 2 ms that a hook need not pay

        return json.dumps(value, ensure_ascii=False, default=str)


def mended_all(value: Any, depth: int = 0) -> Any:
    """Return a JSON value with the texts in it mended.

    Raises:
        LimitError: it is nested too deeply.

    """
    if isinstance(value, str):
        return mended(value)
    if not isinstance(value, dict | list):
        return value
    if depth > 2 * limits.DEPTH:  # twice, since parameters have their own limit and stand inside other values
        raise LimitError(f"the arguments are nested more than {2 * limits.DEPTH} levels deep; send inner parts as text")
    if isinstance(value, dict):
        return {mended(name): mended_all(inner, depth + 1) for name, inner in value.items()}
    return [mended_all(inner, depth + 1) for inner in value]


def checked(value: Any, name: str) -> Any:
    """Return a JSON value with its texts mended.

    Raises:
        InvalidInputError: it holds something, such as a huge number, that could not be read back unchanged.
        LimitError: it is nested too deeply, or holds too many values.

    """
    return _Check().value(value, name, 0)


def tamed(value: Any) -> Any:
    """Return a JSON value that `checked` accepts: parts that it would refuse become text.

    For values of hooks, other programs' files and older versions, where a refusal would lose the rest.
    """
    return _Taming().value(value, 0)


class _Check:
    """Checks one value; `seen` counts the values in it."""

    def __init__(self) -> None:
        self.seen = 0

    def value(self, value: Any, path: str, depth: int) -> Any:
        self.seen += 1
        if isinstance(value, str):
            return mended(value)
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, int):
            return _checked_integer(value, path)
        if isinstance(value, float):
            if not isfinite(value):
                raise InvalidInputError(f"{path} is not a finite number; send it as text")
            return value
        if not isinstance(value, dict | list | tuple):
            raise InvalidInputError(f"{path} is a {type(value).__name__} and must be JSON; send it as text")
        if depth == limits.DEPTH:
            raise LimitError(
                f"{path[:200]} is nested more than {limits.DEPTH} levels deep; send the inner part as text"
            )
        if self.seen + len(value) > limits.VALUES:
            raise LimitError(f"{path[:200]} holds more than {limits.VALUES} values; record the telling ones")
        if isinstance(value, dict):
            return {
                _checked_name(name, path): self.value(inner, f"{path}.{name}", depth + 1)
                for name, inner in value.items()
            }
        return [self.value(inner, f"{path}[{number}]", depth + 1) for number, inner in enumerate(value)]


def _checked_integer(value: int, path: str) -> int:
    if limits.LEAST_INTEGER <= value <= limits.GREATEST_INTEGER:
        return value
    raise InvalidInputError(f"{path[:200]} is an integer of more than 64 bits; send it as text")


def _checked_name(name: Any, path: str) -> str:
    if not isinstance(name, str):
        raise InvalidInputError(f"{path[:200]} has a name that is not text; JSON names are texts")
    return mended(name)


class _Taming:
    """Tames one value; `seen` counts the values in it."""

    def __init__(self) -> None:
        self.seen = 0

    def value(self, value: Any, depth: int) -> Any:
        self.seen += 1
        if not isinstance(value, dict | list | tuple):
            return _tamed_single(value)
        if depth == limits.DEPTH:
            return _as_text(value)
        room = max(limits.VALUES - self.seen, 0) // 2
        if isinstance(value, dict):
            kept = list(value.items())[:room]
            named = {mended(str(name)): self.value(inner, depth + 1) for name, inner in kept}
            return named if len(kept) == len(value) else {**named, _LEFT_OUT: len(value) - len(kept)}
        shown = [self.value(inner, depth + 1) for inner in value[:room]]
        return shown if len(shown) == len(value) else [*shown, _LEFT_OUT]


def _tamed_single(value: Any) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if limits.LEAST_INTEGER <= value <= limits.GREATEST_INTEGER else _digits(value)
    if isinstance(value, float):
        return value if isfinite(value) else str(value)
    return mended(str(value))


def _digits(value: int) -> str:
    try:
        return str(value)
    except ValueError:  # Python writes no integer of more than 4,300 digits
        return f"an integer of {value.bit_length()} bits"


def _as_text(value: Any) -> str:
    try:
        return mended(written(value))
    except (RecursionError, ValueError):
        return _LEFT_OUT
