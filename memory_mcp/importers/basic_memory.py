"""This module reads the Markdown files of basic-memory: each is a note, long ones several."""

import re
from collections.abc import Iterator
from pathlib import Path

from memory_mcp.errors import ImporterError
from memory_mcp.importers.folders import files_below, read_inside
from memory_mcp.importers.moments import bounded, moment_of
from memory_mcp.importers.records import Bad, NoteRecord, Progress, Record, note_of, printable
from memory_mcp.models import limits

KIND = "basic-memory"
SUFFIXES = (".md",)
_LARGEST = 10_000_000
_FRONTMATTER = re.compile(r"\A\ufeff?---[ \t\r]*\n(.*?)\n---[ \t\r]*(?:\n|\Z)", re.DOTALL)
_FIELD = re.compile(r"^(\w[\w-]*):[ \t]*(.*)$")
_ITEM = re.compile(r"^\s+-\s+(.+)$|^-\s+(.+)$")
_HASHTAG = re.compile(r"(?<![\w/#&])#([A-Za-z][\w-]{1,60})\b")


def read(path: Path, progress: Progress) -> Iterator[Record | Bad]:
    """Read a file, or all below a directory.

    Raises:
        ImporterError: the path is not there.

    """
    if not path.exists():
        raise ImporterError(f"{path} is not there; basic-memory keeps its notes in ~/basic-memory")
    for file in files_below(path, *SUFFIXES):
        if isinstance(file, Bad):
            yield file
            continue
        try:
            content = read_inside(path, file, _LARGEST)
            text = content.decode().replace("\r\n", "\n")
            at = bounded(file.stat().st_mtime_ns // 1_000)
        except ImporterError as error:
            yield Bad(str(file), str(error))
            continue
        except (OSError, UnicodeDecodeError) as error:
            yield Bad(str(file), f"it cannot be read: {error}")
            continue
        progress(len(content))
        name = printable(str(file.relative_to(path)) if path.is_dir() else file.name)
        yield from _notes(name, text, at)


def _notes(name: str, text: str, at: int) -> Iterator[Record]:
    found = _FRONTMATTER.match(text)
    fields = _fields(found[1]) if found else {}
    body = text[found.end() :].strip() if found else text.strip()
    title = next(iter(fields.get("title", [])), "") or Path(name).stem
    head = "" if title in body[: len(title) + 10] else f"{title}\n\n"
    whole = (head + body).strip()
    tags = dict.fromkeys((*fields.get("tags", []), *fields.get("type", []), *_HASHTAG.findall(body)))
    told = moment_of(next(iter(fields.get("modified", fields.get("created", []))), ""))
    source_id = next(iter(fields.get("permalink", [])), "") or name
    for number, start in enumerate(range(0, len(whole), limits.NOTE_CHARACTERS)):
        part = whole[start : start + limits.NOTE_CHARACTERS]
        note = note_of(part, tags=tuple(tags)[: limits.TAGS], at=told or at, source=name[-limits.NAME_CHARACTERS :])
        yield NoteRecord(source_id if not number else f"{source_id}#{number + 1}", note)


def _fields(text: str) -> dict[str, list[str]]:
    """Read the frontmatter's simple fields: a value, a list in brackets, or a list in lines."""
    fields: dict[str, list[str]] = {}
    name = ""
    for line in text.splitlines():
        if found := _FIELD.match(line):
            name = found[1]
            value = found[2].strip()
            parts = value[1:-1].split(",") if value.startswith("[") else [value]
            fields[name] = [part.strip().strip("'\"").removeprefix("#") for part in parts if part.strip().strip("'\"")]
        elif name and (item := _ITEM.match(line)):
            fields[name].append((item[1] or item[2]).strip().strip("'\"").removeprefix("#"))
    return fields
