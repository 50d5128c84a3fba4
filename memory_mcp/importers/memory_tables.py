"""This module reads the SQLite files of mcp-memory-service and claude-mem: their memories are notes."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from memory_mcp.errors import ImporterError, InvalidInputError
from memory_mcp.importers.json_values import loaded
from memory_mcp.importers.moments import moment_of
from memory_mcp.importers.records import Bad, NoteRecord, Progress, Record, note_of
from memory_mcp.models import limits
from memory_mcp.storage import foreign

MEMORY_SERVICE = "mcp-memory-service"
CLAUDE_MEM = "claude-mem"
SUFFIXES = (".db",)
_MEMORIES = ("content_hash", "content", "tags", "memory_type", "metadata", "created_at", "deleted_at")
_TOLD = ("title", "subtitle", "text", "narrative", "facts", "concepts", "files_read", "files_modified")
_OBSERVATIONS = ("id", "project", "type", *_TOLD, "created_at", "created_at_epoch")
_SUMMED_UP = ("request", "investigated", "learned", "completed", "next_steps", "notes", "files_read", "files_edited")
_SUMMARIES = ("id", "project", *_SUMMED_UP, "created_at", "created_at_epoch")


def read_memory_service(path: Path, progress: Progress) -> Iterator[Record | Bad]:
    """Read the `memories` of mcp-memory-service's `sqlite_vec.db`.

    Raises:
        ImporterError: it is no such file.

    """
    with foreign.opened(path) as database:
        for row in database.rows("memories", _MEMORIES, ("created_at",)):
            content = str(row["content"] or "")
            progress(len(content))
            if row["deleted_at"] is not None:
                continue
            named = [str(row["memory_type"] or ""), *_listed(row["tags"])]
            note = note_of(_cut(content), tags=_tags(named), at=moment_of(row["created_at"]))
            yield NoteRecord(str(row["content_hash"] or _digest(content)), note)


def read_claude_mem(path: Path, progress: Progress) -> Iterator[Record | Bad]:
    """Read the observations and session summaries of claude-mem's database.

    Raises:
        ImporterError: it is no such file.

    """
    with foreign.opened(path) as database:
        if not database.columns("observations") and not database.columns("session_summaries"):
            raise ImporterError(
                f"{path} holds neither observations nor session_summaries; is it claude-mem's database?"
            )
        for table, columns, told in (
            ("observations", _OBSERVATIONS, _TOLD),
            ("session_summaries", _SUMMARIES, _SUMMED_UP),
        ):
            if not database.columns(table):
                continue
            for row in database.rows(table, columns, ("project", "id")):
                text = "\n".join(_line(name, row[name]) for name in told if _line(name, row[name]))
                progress(len(text))
                at = moment_of(row["created_at_epoch"]) or moment_of(row["created_at"])
                project = str(row["project"] or "").strip()
                tags = _tags([str(row.get("type") or "session summary"), project.rstrip("/").rpartition("/")[2]])
                own = _digest(text) if row["id"] is None else row["id"]
                yield NoteRecord(f"{table}:{own}", note_of(_cut(text), tags=tags, at=at), project)


def _line(name: str, value: Any) -> str:
    shown = ", ".join(_listed(value)) if str(value or "").lstrip().startswith("[") else str(value or "").strip()
    if not shown:
        return ""
    return shown if name in {"title", "text", "narrative"} else f"{name.replace('_', ' ')}: {shown}"


def _listed(value: Any) -> list[str]:
    """Return the parts of a list, kept as JSON or with commas."""
    text = str(value or "").strip()
    if text.startswith("["):
        try:
            found = loaded(text.encode())
        except InvalidInputError:
            return [text]
        return [str(each) for each in found] if isinstance(found, list) else [text]
    return [part.strip() for part in text.split(",") if part.strip()]


def _tags(values: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(value.strip()[: limits.TAG_CHARACTERS] for value in values if value.strip()))[
        : limits.TAGS
    ]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _cut(text: str) -> str:
    return text[: limits.NOTE_CHARACTERS]
