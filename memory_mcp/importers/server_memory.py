"""This module reads the graph of @modelcontextprotocol/server-memory: an entity with its relations is a note."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
from msgspec import Struct

from memory_mcp.errors import ImporterError, LimitError
from memory_mcp.importers.json_values import decoded
from memory_mcp.importers.line_files import records_in
from memory_mcp.importers.records import Bad, NoteRecord, Progress, Record, note_of
from memory_mcp.models import limits

KIND = "server-memory"
_MOST_HELD = 500_000
_HEAD = 1_000  # characters of a name that each part of a long note begins with
SUFFIXES = (".json", ".jsonl")


class _Entity(Struct, tag="entity", tag_field="type"):
    name: str
    entityType: str = ""  # noqa: N815 - the program's own name
    observations: list[str] = []


class _Relation(Struct, tag="relation", tag_field="type"):
    from_: str = msgspec.field(name="from")
    to: str
    relationType: str  # noqa: N815 - as above


_DECODER = msgspec.json.Decoder(_Entity | _Relation)


def read(path: Path, progress: Progress) -> Iterator[Record | Bad]:
    """Read `memory.json` or `memory.jsonl`.

    Raises:
        ImporterError: it cannot be read.

    """
    entities: dict[str, _Entity] = {}
    relations: dict[str, list[str]] = {}
    if not path.is_file():
        raise ImporterError(
            f"{path} is not a file; server-memory keeps its graph in the file that MEMORY_FILE_PATH names"
        )

    def take(raw: bytes) -> None:
        if len(entities) + len(relations) > _MOST_HELD:
            raise LimitError(f"the file has more than {_MOST_HELD} entities; those beyond are left out")
        found = decoded(raw, _DECODER)
        if isinstance(found, _Relation):
            relations.setdefault(found.from_, []).append(f"{found.from_} {found.relationType} {found.to}")
        else:
            entities[found.name] = found

    yield from records_in(path, path, take, progress, "entity or relation")
    for name, entity in entities.items():
        head = f"{name} ({entity.entityType})" if entity.entityType else name
        lines = [head, *(f"- {each}" for each in entity.observations), *relations.pop(name, [])]
        yield from _notes(name, lines, entity.entityType)
    for name, lines in relations.items():  # of entities that are not in the file
        yield from _notes(name, [name, *lines], "")


def _notes(name: str, lines: list[str], kind: str) -> Iterator[Record]:
    """Yield a note of the lines, or several where they are too long for one."""
    tags = tuple(filter(None, (kind[: limits.TAG_CHARACTERS],)))
    parts: list[str] = [""]
    head = lines[0][:_HEAD]
    longest = limits.NOTE_CHARACTERS - len(head) - 2
    for line in lines:
        for piece in (line[at : at + longest] for at in range(0, len(line), longest)):
            if len(parts[-1]) + len(piece) + 1 > limits.NOTE_CHARACTERS:
                parts.append(head)
            parts[-1] = f"{parts[-1]}\n{piece}" if parts[-1] else piece
    for number, part in enumerate(parts):
        yield NoteRecord(name if not number else f"{name}#{number + 1}", note_of(part, tags=tags))
