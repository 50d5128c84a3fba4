"""This module normalises a remote's address to one name, without user, password, token or port."""

import os.path
from pathlib import Path

from memory_mcp.expressions import expression

_LONGEST = 1_000
_WEB = expression(r"[A-Za-z][A-Za-z0-9+.-]*://(?P<authority>[^/?#]*)/+(?P<path>[^?#]*)(?:[?#].*)?")
_SCP = expression(r"(?P<authority>[^/:\[\]]+|[^/:]*\[[^\]/]+\]):(?!:)(?P<path>.*)")
_PORT = expression(r":\d*$")
_HELPER = expression(r"[A-Za-z0-9+.-]+::")  # a program that git would start
_DRIVE = expression(r"[A-Za-z]:[\\/]")


def remote_name(address: str, directory: Path) -> str:
    """Return `host/owner/name`, or the path of a remote on this machine; empty for anything else.

    An address is untrusted text: one with control characters, or longer than any real address, gives an empty name.
    """
    told = address.strip()
    if not told or len(told) > _LONGEST or not told.isprintable() or _HELPER.match(told):
        return ""
    if told.lower().startswith("file://"):
        return _local(told[len("file://") :].removeprefix("localhost"), directory)
    if "://" in told:
        match = _WEB.fullmatch(told)
        return _hosted(match["authority"], match["path"]) if match else ""
    match = None if _DRIVE.match(told) else _SCP.fullmatch(_without_user(told))
    return _hosted(match["authority"], match["path"]) if match else _local(told, directory)


def _hosted(authority: str, path: str) -> str:
    user, _, rest = authority.rpartition("@")
    if ":" in user and "@" in path:
        return ""  # the password may have both signs, and end in the path
    host = _PORT.sub("", rest).lower()
    if ":" in host and not host.startswith("["):
        return ""  # not a port, so this is a password that contains a slash
    plain = "/".join(part for part in path.split("/") if part).removesuffix(".git").rstrip("/")
    name = f"{host}/{plain}"
    return name if host and plain and not any(map(str.isspace, name)) else ""  # addresses have no spaces


def _without_user(told: str) -> str:
    """Drop `user@` or `user:password@` in front of a host."""
    user, at, rest = told.rpartition("@")
    return rest if at and "/" not in user else told


def _local(told: str, directory: Path) -> str:
    path = os.path.normpath(directory / told)
    return path if os.path.isabs(path) else ""  # noqa: PTH117 - a text, not a path that is opened
