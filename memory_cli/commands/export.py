"""This module is `memory-cli export`."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import IO, Annotated

import msgspec
import typer

from memory_cli import show
from memory_cli.opening import Opening, opening
from memory_mcp.errors import InvalidInputError
from memory_mcp.importers.archives import export_lines


def export(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="The file to write; - prints it.")],
    all_projects: Annotated[bool, typer.Option("--all", help="Every project of the memory.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
) -> None:
    """Write everything as JSON lines; 'memory-cli import jsonl' of it gives the same memory back.

    Episodes with their steps, conversations, notes, relationships, handoffs, recommendations and feedback; patterns are
    learnt again from the episodes, and keep their ids.
    """
    place = opening(context)
    if str(file) == "-":
        for line in _lines(place, all_projects=all_projects):
            show.json_text(line.decode())
        return
    if os.path.lexists(file) and not force:
        raise InvalidInputError(f"{file} is there already; --force replaces it")
    part = file.with_name(f"{file.name}.part")
    written = 0
    try:
        with _private(part) as stream, show.progress() as bar:
            task = bar.add_task("records", total=None)
            for line in _lines(place, all_projects=all_projects):
                stream.write(line)
                written += 1
                bar.advance(task, 1)
        part.replace(file)
    except OSError as error:
        raise InvalidInputError(f"{file} cannot be written: {error.strerror}") from error
    finally:
        with suppress(OSError):  # if nothing could be written, there is nothing to remove
            part.unlink(missing_ok=True)
    show.line(f"wrote {written} lines, {file.stat().st_size / 1e6:.1f} MB, to {file}")


def _lines(place: Opening, *, all_projects: bool) -> Iterator[bytes]:
    with ExitStack() as stack:
        memory = stack.enter_context(place.memory())
        if not all_projects:
            yield from export_lines(memory.store, memory.clock)
            return
        for project in memory.store.projects():
            flags = {**place.flags, "project.name": project}
            with msgspec.structs.replace(place, flags=flags).memory() as other:
                yield from export_lines(other.store, other.clock)


def _private(path: Path) -> IO[bytes]:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")
