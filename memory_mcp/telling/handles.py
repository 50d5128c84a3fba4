"""This module names what is told but is no record, without its words: an erasure must not have to look for them."""

import zlib

_AVOIDED, _BESIDE, _FAILED = "avoid", "beside", "failed"


def avoiding(shape: str, error: str) -> str:
    """Name a warning that actions of a shape end in an error."""
    return f"{_AVOIDED} {hashed(shape)} {hashed(error)}"


def beside(file: str, other: str) -> str:
    """Name the advice that two files change together."""
    return f"{_BESIDE} {hashed(file)} {hashed(other)}"


def failed(signature: str) -> str:
    """Name what failed last, by its error."""
    return f"{_FAILED} {hashed(signature)}"


def is_of_other_shape(name: str, shape: str) -> bool | None:
    """Whether an action heeds the warning of that name; None for other names."""
    kind, _, rest = name.partition(" ")
    return not rest.startswith(hashed(shape)) if kind == _AVOIDED else None


def other_file(name: str) -> str:
    """Return the hash of the file that the advice of that name adds, empty for other names."""
    kind, _, rest = name.partition(" ")
    return rest.partition(" ")[2] if kind == _BESIDE else ""


def hashed(text: str) -> str:
    """Return the digits that stand for a text."""
    raw = text.encode("utf-8", "surrogatepass")
    return f"{zlib.crc32(raw):08x}{zlib.crc32(raw[::-1]):08x}"
