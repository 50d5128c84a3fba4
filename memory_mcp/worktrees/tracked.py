"""This module lists the files that git tracks, from the index alone."""

import struct
from pathlib import Path

from memory_mcp.worktrees.reading import read_file
from memory_mcp.worktrees.trees import WorkTree

_HEAD = struct.Struct(">4sII")
_MODE = struct.Struct(">I")
_FLAGS = struct.Struct(">H")
_MODE_AT = 24  # after the times, the device and the inode (https://git-scm.com/docs/index-format)
_STATED = 40  # bytes before the object's name
_REGULAR = {0o100644, 0o100755}
_EXTENDED = 0x4000
_MOST_BYTES = 32 << 20
_MOST_CONFIG = 1 << 20


def tracked_files(tree: WorkTree) -> frozenset[str]:
    """Return the paths of the regular files that git tracks; none where the index is absent, huge or not understood."""
    content = read_file(tree.private / "index", _MOST_BYTES)
    if content is None:
        return frozenset()
    try:
        return _parse(content, _name_bytes(tree.common))
    except (struct.error, IndexError, ValueError):
        return frozenset()


def _parse(content: bytes, name_bytes: int) -> frozenset[str]:
    magic, version, count = _HEAD.unpack_from(content)
    if magic != b"DIRC" or version not in {2, 3, 4}:
        return frozenset()
    found = []
    place, before = _HEAD.size, b""
    for _ in range(count):
        mode = _MODE.unpack_from(content, place + _MODE_AT)[0]
        flags_at = place + _STATED + name_bytes
        flags = _FLAGS.unpack_from(content, flags_at)[0]
        start = flags_at + 2 + (2 if version > 2 and flags & _EXTENDED else 0)  # noqa: PLR2004 - the index's version
        if version == 4:  # noqa: PLR2004 - as above
            cut, start = _offset(content, start)
            end = content.index(b"\0", start)
            before = before[: len(before) - cut] + content[start:end]
            place = end + 1
        else:
            end = content.index(b"\0", start)
            before = content[start:end]
            place += (end - place + 8) // 8 * 8
        if mode in _REGULAR:
            found.append(before.decode("utf-8", "surrogateescape"))
    return frozenset(found)


def _offset(content: bytes, place: int) -> tuple[int, int]:
    """Read a number as git's pack files hold it: seven bits a byte, each further byte counts one more."""
    byte = content[place]
    number = byte & 0x7F
    while byte & 0x80:
        place += 1
        byte = content[place]
        number = ((number + 1) << 7) | (byte & 0x7F)
    return number, place + 1


def _name_bytes(common: Path) -> int:
    """Return the length of an object's name: 32 bytes where the repository was made for SHA-256."""
    config = (read_file(common / "config", _MOST_CONFIG) or b"").decode("utf-8", "replace").lower()
    return 32 if "objectformat = sha256" in config else 20
