"""This module reads what mem0 and OpenMemory export as JSON: each memory is a note."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from memory_mcp.errors import ImporterError
from memory_mcp.importers.records import Bad, NoteRecord, Progress, Record, note_of
from memory_mcp.importers.transcripts import moment_of
from memory_mcp.models import limits

KIND = "mem0"
SUFFIXES = (".json",)
_LISTS = ("memories", "results", "items", "data")
_TEXTS = ("memory", "content", "text", "data")
_GONE = frozenset(("deleted", "archived"))


def read(path: Path, progress: Progress) -> Iterator[Record | Bad]:
    """Read an export: a list of memories, or an object with one.

    Raises:
        ImporterError: it cannot be read, or holds no list.

    """
    try:
        content = path.read_bytes()
        found: Any = json.loads(content)
    except OSError as error:
        raise ImporterError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise ImporterError(f"{path} is no JSON: {error}") from error
    rows = found if isinstance(found, list) else next((found[name] for name in _LISTS if name in found), None)
    if not isinstance(rows, list):
        raise ImporterError(f"{path} holds no list of memories; known names of one are {', '.join(_LISTS)}")
    for number, row in enumerate(rows, 1):
        progress(len(content) // len(rows))
        text = (
            next((row[name] for name in _TEXTS if isinstance(row.get(name), str)), "") if isinstance(row, dict) else ""
        )
        if not text.strip():
            yield Bad(f"{path}: memory {number}", f"it has none of the texts {', '.join(_TEXTS)}")
            continue
        if row.get("state") in _GONE:
            continue
        yield NoteRecord(str(row.get("id") or row.get("hash") or text[:200]), _note(row, text))


def _note(row: dict[str, Any], text: str) -> Any:
    metadata = row.get("metadata") if isinstance(row.get("metadata"), dict) else {}
    categories = row.get("categories") or (metadata or {}).get("categories") or []
    named = [each.get("name", "") if isinstance(each, dict) else str(each) for each in categories]
    who = str(row.get("user_id") or row.get("agent_id") or row.get("app_name") or "")
    tags = tuple(dict.fromkeys(name.strip()[: limits.TAG_CHARACTERS] for name in named if name.strip()))[: limits.TAGS]
    at = moment_of(row.get("updated_at")) or moment_of(row.get("created_at"))
    return note_of(text[: limits.NOTE_CHARACTERS], tags=tags, at=at, source=who[: limits.NAME_CHARACTERS])
