"""This module writes the paths of a command line in one way: with `/`, and relative to the work tree."""

import posixpath
from collections.abc import Sequence

from memory_mcp.expressions import expression

# where containers and clients put a work tree, used when nobody says where it lies
_USUAL_ROOT = expression(r"/(?:testbed|app|workspace|workdir|repo|code|project|usr/src/app)(?=/|$)")
_WINDOWS = expression(r"^(?:[A-Za-z]:|\.{1,2}|~)?[\\/]?[\w .@+-]*(?:\\[\w .@+-]+)+\\?$")
_HOME = expression(r"^(?:/home/[^/]+|/Users/[^/]+|/root|[A-Za-z]:/Users/[^/]+)(?=/|$)")
_PASSING = expression(
    r"/(?:tmp|private/tmp)/(?:tmp[\w-]{6,}|tmp\.\w{6,}|pytest-of-[^/]+/[^/]+)|/var/folders/[^/]+/[^/]+/T/[^/]+"
)
_TEMPORARY = expression(r"^(?:/private)?(?:/tmp|/var/tmp|/var/folders/[^/]+/[^/]+/T)/[^/]+$")


def normal_path(word: str, root: str = "") -> str:
    """Return a word with its path, if it is one, relative to the work tree; any other word as it is."""
    if "\\" in word and _WINDOWS.match(word):
        word = word.replace("\\", "/")
    if word.startswith("./") and len(word) > 2:  # noqa: PLR2004 - more than the dot and the slash
        word = word[2:].lstrip("/")
    if root and (word == root or word.startswith(f"{root}/")):
        return word[len(root) :].strip("/") or "."
    if word.startswith("/") and (found := _USUAL_ROOT.match(word)):
        return word[found.end() :].strip("/") or "."
    return word


def lasting_path(word: str, root: str = "") -> str:
    """Return a word like `normal_path`, and without what only names a user or a directory that passes."""
    word = normal_path(word, root)
    return _PASSING.sub("<temporary>", _HOME.sub("~", word)) if "/" in word else word


def is_temporary(word: str) -> bool:
    """Whether a file lies right in the system's temporary directory; a work tree may lie deeper there."""
    return _TEMPORARY.match(word) is not None


def directory_after(directory: str, words: Sequence[str], root: str = "") -> str:
    """Return where `cd` with these arguments leads from a directory; the root of the work tree is the empty text."""
    named = [word for word in words if word.lower() not in {"/d", "-p", "--", "-path", "-literalpath"}]
    if not named or named[0] == "-":
        return ""
    target = lasting_path(named[0], root)
    if target.startswith(("/", "~", "$")) or target[1:2] == ":":
        return target.rstrip("/") or "/"
    if named[0].startswith("/"):  # inside the work tree
        directory = ""
    joined = posixpath.normpath(posixpath.join(directory, target))
    return "" if joined == "." else joined
