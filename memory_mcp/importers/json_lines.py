"""This module reads plain JSON lines: a line with a task is an episode, one with a text a note."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import Struct

from memory_mcp.episodes.outcomes import outcome_of, result_of
from memory_mcp.errors import ImporterError, InvalidInputError
from memory_mcp.importers.json_values import decoded
from memory_mcp.importers.line_files import records_in
from memory_mcp.importers.moments import moment_of
from memory_mcp.importers.records import Bad, EpisodeRecord, NoteRecord, Progress, Record, note_of
from memory_mcp.models.episodes import Complexity, Context, Episode, OutcomeType, Step

KIND = "jsonl"
SUFFIXES = (".jsonl", ".ndjson")


class _Step(Struct, forbid_unknown_fields=True):
    tool: str
    action: str
    parameters: dict[str, Any] = {}
    result: Literal["success", "error", "timeout"] | None = None
    output: str = ""
    latency_ms: float | None = None
    time: Any = None


class _Line(Struct, forbid_unknown_fields=True):
    """What a line may hold; `result` of a step is success, error or timeout, `confirmed` says that the user did."""

    id: str = ""
    task: str = ""
    text: str = ""
    task_type: str = ""
    domain: str = ""
    language: str = ""
    framework: str = ""
    complexity: Complexity | None = None
    tags: tuple[str, ...] = ()
    time: Any = None
    steps: tuple[_Step, ...] = ()
    outcome: OutcomeType | None = None
    verdict: str = ""
    confirmed: bool = False
    importance: float = 0.5
    source: str = ""


_DECODER = msgspec.json.Decoder(_Line)


def read(path: Path, progress: Progress) -> Iterator[Record | Bad]:
    """Read a file of lines; one without an id is known by its content.

    Raises:
        ImporterError: it cannot be read.

    """
    if not path.is_file():
        raise ImporterError(f"{path} is not a file")

    def take(raw: bytes) -> Record | None:
        line = decoded(raw, _DECODER)
        return _record(line, line.id or hashlib.sha256(raw.strip()).hexdigest())

    found: Iterator[Record | Bad] = records_in(path, path, take, progress, "task or text")
    yield from found


def _record(line: _Line, source_id: str) -> Record:
    at = moment_of(line.time)
    if not line.task:
        if not line.text:
            raise InvalidInputError("a line needs a task or a text")
        return NoteRecord(
            source_id, note_of(line.text, tags=line.tags, at=at, source=line.source, importance=line.importance)
        )
    outcome = outcome_of(line.outcome, verdict=line.verdict, confirmed=line.confirmed) if line.outcome else None
    steps = tuple(
        Step(
            each.tool,
            each.action,
            each.parameters,
            result_of(each.result, each.output) if each.result else None,
            each.latency_ms,
            moment_of(each.time) or at,
        )
        for each in line.steps
    )
    context = Context(line.domain, line.language, line.framework, line.complexity, line.tags)
    episode = Episode(
        id="",
        project="",
        task=line.task,
        task_type=line.task_type,
        context=context,
        started_at=at,
        updated_at=at,
        completed_at=at if outcome else None,
        steps=steps,
        outcome=outcome,
    )
    return EpisodeRecord(source_id, episode)
