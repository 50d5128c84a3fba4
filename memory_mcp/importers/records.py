"""This module defines what readers of other programs' files hand over: records by source, and bad ones."""

from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
from msgspec import Struct

from memory_mcp.errors import InvalidInputError, MemoryMcpError
from memory_mcp.models.conversations import Message
from memory_mcp.models.episodes import Episode
from memory_mcp.models.notes import Note

_ADVANCED = 1 << 18  # bytes between two reports of progress
_LONGEST_REASON = 500
Progress = Callable[[int], None]

# What Python raises when a record of another program does not have the expected shape.
MALFORMED = (
    *(ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError),
    *(msgspec.MsgspecError, InvalidInputError),
)


class EpisodeRecord(Struct, frozen=True):
    """An episode; `parent` is the source id of the one that it is a side chain of, `follows` that of the one before.

    `directory` is where the session ran, which names its project; empty where the source does not say.
    """

    source_id: str
    episode: Episode
    parent: str | None = None
    follows: str | None = None
    directory: str = ""


class NoteRecord(Struct, frozen=True):
    """A note; `directory` is the path or the name of the project that the source names, if it names one."""

    source_id: str
    note: Note
    directory: str = ""


class ConversationRecord(Struct, frozen=True):
    """A conversation with its messages."""

    source_id: str
    title: str
    messages: tuple[Message, ...]
    tags: tuple[str, ...] = ()


class Bad(Struct, frozen=True):
    """A record that could not be read, and why; it is reported and passed over."""

    where: str
    reason: str

    @classmethod
    def of(cls, where: str, what: str, error: Exception) -> "Bad":
        """Report that something is not what it should be, with the error's text."""
        ours = isinstance(error, MemoryMcpError | msgspec.MsgspecError | UnicodeError)
        told = str(error) if ours else f"{type(error).__name__} {error}"
        return cls(where, f"this is no {what}: {told}"[:_LONGEST_REASON])


Record = EpisodeRecord | NoteRecord | ConversationRecord
Reader = Callable[[Path, Progress], Iterator[Record | Bad]]


def printable(text: str) -> str:
    """Return a text as valid Unicode; other bytes in a file's name are escaped."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def note_of(text: str, *, tags: tuple[str, ...] = (), at: int = 0, source: str = "", importance: float = 0.5) -> Note:
    """Build a note as a reader knows it; identity and project come when it is stored."""
    return Note("", "", text, tags, importance, at, source)
