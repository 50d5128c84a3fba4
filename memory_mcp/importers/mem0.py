"""This module reads what mem0 and OpenMemory export as JSON: each memory is a note."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from memory_mcp.errors import ImporterError, InvalidInputError
from memory_mcp.importers.folders import read_inside
from memory_mcp.importers.json_values import loaded
from memory_mcp.importers.moments import moment_of
from memory_mcp.importers.records import MALFORMED, Bad, NoteRecord, Progress, Record, note_of
from memory_mcp.models import limits

KIND = "mem0"
SUFFIXES = (".json",)
_LISTS = ("memories", "results", "items", "data")
_TEXTS = ("memory", "content", "text", "data")
_GONE = ("deleted", "archived")


def read(path: Path, progress: Progress) -> Iterator[Record | Bad]:
    """Read an export: a list of memories, or an object with one.

    Raises:
        ImporterError: it cannot be read, or holds no list.

    """
    try:
        content = read_inside(path, path)
        found = loaded(content)
    except ImporterError as error:
        raise ImporterError(f"{path}: {error}") from error
    except InvalidInputError as error:
        raise ImporterError(f"{path} is no JSON: {error}") from error
    rows = found
    if isinstance(found, dict):
        rows = next((found[name] for name in _LISTS if isinstance(found.get(name), list)), None)
    if not isinstance(rows, list):
        raise ImporterError(f"{path} holds no list of memories; known names of one are {', '.join(_LISTS)}")
    for number, row in enumerate(rows, 1):
        progress(len(content) // len(rows))
        try:
            made = _record(row)
        except MALFORMED as error:
            yield Bad.of(f"{path}: memory {number}", "memory", error)
            continue
        if made is not None:
            yield made


def _record(row: Any) -> Record | None:
    texts = (row[name] for name in _TEXTS if isinstance(row.get(name), str)) if isinstance(row, dict) else iter(())
    text = next(texts, "")
    if not text.strip():
        raise InvalidInputError(f"it has none of the texts {', '.join(_TEXTS)}")
    if row.get("state") in _GONE:
        return None
    return NoteRecord(str(row.get("id") or row.get("hash") or text[:200]), _note(row, text))


def _note(row: dict[str, Any], text: str) -> Any:
    metadata = row.get("metadata") if isinstance(row.get("metadata"), dict) else {}
    categories = row.get("categories") or (metadata or {}).get("categories") or []
    listed = categories if isinstance(categories, list) else [categories]
    named = [str(each.get("name", "")) if isinstance(each, dict) else str(each) for each in listed]
    who = str(row.get("user_id") or row.get("agent_id") or row.get("app_name") or "")
    tags = tuple(dict.fromkeys(name.strip()[: limits.TAG_CHARACTERS] for name in named if name.strip()))[: limits.TAGS]
    at = moment_of(row.get("updated_at")) or moment_of(row.get("created_at"))
    return note_of(text[: limits.NOTE_CHARACTERS], tags=tags, at=at, source=who[: limits.NAME_CHARACTERS])
