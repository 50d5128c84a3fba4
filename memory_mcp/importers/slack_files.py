"""This module reads the untrusted files of a Slack export, unpacked or in its zip file."""

import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from memory_mcp.errors import ImporterError
from memory_mcp.importers.folders import files_below, open_inside, read_inside
from memory_mcp.importers.json_values import loaded
from memory_mcp.importers.records import MALFORMED, Bad, Progress

_LARGEST = 64_000_000  # bytes of one file
_MOST_BYTES = 4_000_000_000  # of all files of an archive
_MOST_FILES = 500_000
_HIGHEST_RATIO = 200  # of unpacked to compressed bytes
_SMALL = 1_000_000  # unpacked bytes that are allowed at any ratio
_ENCRYPTED = 0x1
_BROKEN = (*MALFORMED, OSError, EOFError, RuntimeError, NotImplementedError, zipfile.BadZipFile, zlib.error)


class SlackFiles:
    """The JSON files of an export by their names; `refused` says which cannot be read, and why."""

    def __init__(self, path: Path, progress: Progress) -> None:
        self._path = path
        self._progress = progress
        self._left = _MOST_BYTES
        self.refused: list[Bad] = []
        self._stream: BinaryIO | None = None
        self._archive: zipfile.ZipFile | None = None
        self._entries: dict[str, zipfile.ZipInfo] = {}
        if path.is_dir():
            self.names = sorted(self._unpacked())
            return
        try:
            self._stream = open_inside(path, path)
        except ImporterError as error:
            raise ImporterError(f"{path}: {error}") from error
        try:
            self._archive = zipfile.ZipFile(self._stream)
        except (*_BROKEN, struct.error) as error:
            self._stream.close()
            raise ImporterError(f"{path} is neither a directory nor a zip file of a Slack export") from error
        if len(self._archive.infolist()) > _MOST_FILES:
            self._stream.close()
            raise ImporterError(f"{path} holds more than {_MOST_FILES} files")
        self._entries = {entry.filename: entry for entry in self._packed(self._archive)}
        self.names = sorted(self._entries)

    def close(self) -> None:
        """Close the archive."""
        if self._stream is not None:
            self._stream.close()

    def load(self, name: str) -> Any:
        """Return what a file holds.

        Raises:
            ImporterError: it cannot be read.

        """
        try:
            content = self._unpack(name) if self._archive else read_inside(self._path, self._path / name, _LARGEST)
            self._progress(len(content))
            return loaded(content)
        except _BROKEN as error:
            raise ImporterError(f"it cannot be read: {error}") from error

    def rows(self, name: str) -> list[Any]:
        """Return the rows of a file that should hold a list.

        Raises:
            ImporterError: it cannot be read, or holds something else.

        """
        found = self.load(name)
        if not isinstance(found, list):
            raise ImporterError("it does not hold a list")
        return found

    def _unpacked(self) -> Iterator[str]:
        for file in files_below(self._path, ".json"):
            if isinstance(file, Bad):
                self.refused.append(file)
            else:
                yield file.relative_to(self._path).as_posix()

    def _packed(self, archive: zipfile.ZipFile) -> Iterator[zipfile.ZipInfo]:
        """Yield the readable files of an archive; of several with one name, only the first."""
        seen: set[str] = set()
        for entry in archive.infolist():
            name = PurePosixPath(entry.filename)
            if entry.is_dir() or name.suffix != ".json":
                continue
            reason = ""
            if name.is_absolute() or ".." in name.parts or "\\" in entry.filename:
                reason = "its name leads out of the archive"
            elif entry.filename in seen:
                reason = "there is another file of this name before it"
            elif entry.flag_bits & _ENCRYPTED:
                reason = "it is encrypted; unpack the archive yourself and import the directory"
            elif entry.file_size > max(_SMALL, entry.compress_size * _HIGHEST_RATIO):
                reason = f"it is compressed more than {_HIGHEST_RATIO} times"
            seen.add(entry.filename)
            if reason:
                self.refused.append(Bad(f"{self._path}: {entry.filename}", reason))
            else:
                yield entry

    def _unpack(self, name: str) -> bytes:
        assert self._archive is not None  # noqa: S101 - asked for archives only
        most = min(_LARGEST, self._left)
        with self._archive.open(self._entries[name]) as stream:
            content = stream.read(most + 1)
        self._left -= min(len(content), most)
        if len(content) > most:
            raise ImporterError(f"it has more than {most} bytes")
        return content
