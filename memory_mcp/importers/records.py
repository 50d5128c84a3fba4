"""This module defines what readers of other programs' files hand over: records by source, and bad ones."""

from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
from msgspec import Struct

from memory_mcp.errors import InvalidInputError
from memory_mcp.models.conversations import Message
from memory_mcp.models.episodes import Episode
from memory_mcp.models.notes import Note

_ADVANCED = 1 << 18  # bytes between two reports of progress
Progress = Callable[[int], None]


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
    """A note."""

    source_id: str
    note: Note


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


Record = EpisodeRecord | NoteRecord | ConversationRecord
Reader = Callable[[Path, Progress], Iterator[Record | Bad]]


def files_below(path: Path, *suffixes: str) -> list[Path]:
    """Return a file, or the files of these suffixes below a directory, in a stable order."""
    if not path.is_dir():
        return [path]
    return sorted(each for each in path.rglob("*") if each.suffix in suffixes and each.is_file())


def read_lines(
    file: Path, take: Callable[[bytes], Record | None], progress: Progress, what: str
) -> Iterator[Record | Bad]:
    """Hand over the lines of a file and yield the records that they make, if any, and the lines that are refused.

    `what` says what a line should be.

    `take` refuses a line by msgspec.DecodeError, UnicodeDecodeError or InvalidInputError.
    """
    done = 0
    try:
        with file.open("rb") as stream:
            for number, line in enumerate(stream, 1):
                done += len(line)
                if done > _ADVANCED:
                    progress(done)
                    done = 0
                if not line.strip():
                    continue
                try:
                    made = take(line)
                except (msgspec.DecodeError, UnicodeDecodeError, InvalidInputError) as error:
                    yield Bad(f"{file}:{number}", f"this is no {what}: {error}")
                    continue
                if made is not None:
                    yield made
    except OSError as error:
        yield Bad(str(file), f"it cannot be read: {error.strerror}")
    progress(done)


def total_bytes(path: Path, *suffixes: str) -> int:
    """Return the size of what `files_below` returns."""
    return sum(each.stat().st_size for each in files_below(path, *suffixes) if each.exists())


def note_of(text: str, *, tags: tuple[str, ...] = (), at: int = 0, source: str = "", importance: float = 0.5) -> Note:
    """Build a note as a reader knows it; identity and project come when it is stored."""
    return Note("", "", text, tags, importance, at, source)
