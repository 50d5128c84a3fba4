"""This module turns the lines of a file, gzipped or not, into records, and stops at a compression bomb."""

import gzip
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO, TypeVar, cast

from memory_mcp.errors import ImporterError
from memory_mcp.importers.folders import open_inside
from memory_mcp.importers.records import MALFORMED, Bad, Progress

T = TypeVar("T")
_LONGEST_LINE = 50_000_000
_ADVANCED = 1 << 18  # bytes between two reports of progress
_HIGHEST_RATIO = 200  # of unpacked to gzipped bytes
_SMALL = 100_000_000  # unpacked bytes that are allowed at any ratio


def records_in(
    root: Path, file: Path, take: Callable[[bytes], T | None], progress: Progress, what: str, *, or_pipe: bool = False
) -> Iterator[T | Bad]:
    """Pass each line of a file in a folder to `take`; yield the records that it makes and the lines that it refuses.

    `what` says what a line should be; `take` refuses one by an error of `MALFORMED`. With `or_pipe` the file may be a
    pipe, and its writer is waited for, because the user named it.
    """
    done = 0
    try:
        for number, line in _numbered(root, file, or_pipe=or_pipe):
            done += len(line)
            if done > _ADVANCED:
                progress(done)
                done = 0
            if not line.strip():
                continue
            if len(line) > _LONGEST_LINE:
                yield Bad(f"{file}:{number}", f"it has more than {_LONGEST_LINE} bytes")
                continue
            try:
                made = take(line)
            except MALFORMED as error:
                yield Bad.of(f"{file}:{number}", what, error)
                continue
            if made is not None:
                yield made
    except ImporterError as error:
        yield Bad(str(file), str(error))
    except (OSError, EOFError, zlib.error) as error:
        yield Bad(str(file), f"it cannot be read: {error}")
    progress(done)


def _numbered(root: Path, file: Path, *, or_pipe: bool) -> Iterator[tuple[int, bytes]]:
    """Yield the lines of a file with their numbers; of a line that is too long only the beginning."""
    with ExitStack() as stack:
        is_pipe = or_pipe and file.is_fifo()
        raw = stack.enter_context(file.open("rb") if is_pipe else open_inside(root, file))
        if file.suffix != ".gz":
            yield from _lines(raw, None)
            return
        most = max(_SMALL, file.stat().st_size * _HIGHEST_RATIO)
        yield from _lines(cast("BinaryIO", stack.enter_context(gzip.GzipFile(fileobj=raw))), most)


def _lines(stream: BinaryIO, most: int | None) -> Iterator[tuple[int, bytes]]:
    done = number = 0
    is_rest = False  # whether this is the rest of a line that was too long
    while line := stream.readline(_LONGEST_LINE + 1):
        done += len(line)
        if most is not None and done > most:
            raise ImporterError(f"it is compressed more than {_HIGHEST_RATIO} times, and was read up to line {number}")
        if not is_rest:
            number += 1
            yield number, line
        is_rest = len(line) > _LONGEST_LINE and not line.endswith(b"\n")
