"""This module turns rows into models and back, with a checksum over what was written."""

import base64
import binascii
import zlib
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct

from memory_mcp.errors import DamagedError, InvalidInputError
from memory_mcp.models.episodes import (
    Context,
    Episode,
    EpisodeKind,
    EpisodeSummary,
    Outcome,
    Reflection,
    Reward,
    Source,
    Step,
    StepResult,
    outcome_type,
)
from memory_mcp.models.notes import Note
from memory_mcp.models.patterns import Definition, Detail

_ENCODER = msgspec.json.Encoder()
_OUTCOME = msgspec.json.Decoder(Outcome)
_REWARD = msgspec.json.Decoder(Reward)
_REFLECTION = msgspec.json.Decoder(Reflection)
_RESULT = msgspec.json.Decoder(StepResult)
_DEFINITION = msgspec.json.Decoder(Definition)
_DETAIL = msgspec.json.Decoder(Detail)
_PARAMETERS = msgspec.json.Decoder(dict[str, Any])

_EXPONENT = 0x7C  # in the upper half of a two-byte float; all of it set means infinite, or no number
_FINITE = bytes(byte for byte in range(256) if byte & _EXPONENT != _EXPONENT)


class Position(Struct, frozen=True, array_like=True):
    """Where a listing goes on: after the record of this time and key, newest first."""

    created_at: int
    key: int


def dump(value: Any) -> str | None:
    """Encode a value as JSON text; None stays None."""
    return None if value is None else _ENCODER.encode(value).decode()


def checksum(*columns: Any) -> int:
    """CRC-32 over the columns as written; a flipped bit in a payload passes SQLite's own integrity check."""
    return zlib.crc32(repr(columns).encode("utf-8", "surrogatepass"))


def dump_step(step: Step) -> tuple[Any, ...]:
    """Return the columns tool … checksum of a step's row."""
    columns = (
        step.tool,
        step.action,
        dump(step.parameters or None),
        dump(step.result),
        None if step.latency_ms is None else float(step.latency_ms),
        step.recorded_at,
    )
    return (*columns, checksum(*columns))


def load_step(row: tuple[Any, ...], episode_id: str) -> Step:
    """Build a step from its columns tool … checksum.

    Raises:
        DamagedError: the row does not hold what was written.

    """
    tool, action, parameters, result, latency_ms, recorded_at, stored = row
    if checksum(*row[:-1]) != stored:
        raise DamagedError(f"a step of episode {episode_id} does not match its checksum")
    return Step(
        tool=tool,
        action=action,
        parameters=_PARAMETERS.decode(parameters) if parameters else {},
        result=_RESULT.decode(result) if result else None,
        latency_ms=latency_ms,
        recorded_at=recorded_at,
    )


def episode_columns(episode: Episode) -> dict[str, Any]:
    """Return the columns of an episode's row that its checksum covers."""
    return {
        "task": episode.task,
        "task_type": episode.task_type,
        "domain": episode.context.domain,
        "language": episode.context.language,
        "framework": episode.context.framework,
        "complexity": episode.context.complexity,
        "started_at": episode.started_at,
        "completed_at": episode.completed_at,
        "outcome": dump(episode.outcome),
        "reward_parts": dump(episode.reward),
        "reflection": dump(episode.reflection),
    }


EPISODE_COLUMNS = tuple(
    f"e.{name}" for name in episode_columns(Episode("", "", "", "", Context(), started_at=0, updated_at=0))
)


def load_episode(
    identity: tuple[str, str, bool, str | None, str | None, int, EpisodeKind],
    row: tuple[Any, ...],
    tags: tuple[str, ...],
    steps: tuple[Step, ...],
) -> Episode:
    """Build an episode from (id, project, is_global, source kind, source id, updated_at, kind) and its checked columns.

    Raises:
        DamagedError: the row does not hold what was written.

    """
    episode_id, project, is_global, source_kind, source_id, updated, kind = identity
    if checksum(*row[:-1]) != row[-1]:
        raise DamagedError(f"episode {episode_id} does not match its checksum")
    task, task_type, domain, language, framework, complexity, started, completed, *texts = row[:-1]
    outcome, reward, reflection = texts
    return Episode(
        id=episode_id,
        project=project,
        task=task,
        task_type=task_type,
        context=Context(domain=domain, language=language, framework=framework, complexity=complexity, tags=tags),
        started_at=started,
        updated_at=updated,
        completed_at=completed,
        steps=steps,
        outcome=_OUTCOME.decode(outcome) if outcome else None,
        reward=_REWARD.decode(reward) if reward else None,
        reflection=_REFLECTION.decode(reflection) if reflection else None,
        is_global=bool(is_global),
        source=Source(source_kind, source_id) if source_kind and source_id else None,
        kind=kind,
    )


def task_key(task: str) -> str:
    """Return the form under which repetitions of one task are recognised."""
    return " ".join(task.casefold().split())[:500]


def text_bytes(rows: Sequence[tuple[Any, ...]]) -> int:
    """Add up the bytes of the texts in rows of columns."""
    return sum(len(column.encode()) for row in rows for column in row if isinstance(column, str))


def summary_of(episode: Episode, step_count: int, origin: str | None) -> EpisodeSummary:
    """Return the row of a listing of an episode that was loaded without its steps."""
    return EpisodeSummary(
        id=episode.id,
        project=episode.project,
        task=episode.task,
        task_type=episode.task_type,
        context=episode.context,
        started_at=episode.started_at,
        outcome=outcome_type(episode.outcome) if episode.outcome else None,
        completed_at=episode.completed_at,
        reward=episode.reward.total if episode.reward else None,
        step_count=step_count,
        origin=origin,
    )


def identity(definition: Definition) -> str:
    """Return the text that two sightings of one pattern share."""
    return _ENCODER.encode(definition).decode()


def load_identity(text: str, stored: int) -> Definition:
    """Read a pattern's definition from its identity.

    Raises:
        DamagedError: it does not hold what was written.

    """
    if checksum(text) != stored:
        raise DamagedError(f"the identity of a pattern does not match its checksum: {text[:80]}")
    definition: Definition = _DEFINITION.decode(text)
    return definition


def load_detail(text: str) -> Detail:
    """Read what one episode says about a pattern."""
    detail: Detail = _DETAIL.decode(text)
    return detail


def note_checksum(note: Note) -> int:
    """Checksum of a note's own columns."""
    return checksum(note.text, float(note.importance), note.source, note.valid_until)


def dump_cursor(position: Position) -> str:
    """Make the opaque text that a client hands back for the next page."""
    return base64.urlsafe_b64encode(_ENCODER.encode(position)).decode().rstrip("=")


def load_cursor(cursor: str) -> Position:
    """Read a cursor.

    Raises:
        InvalidInputError: the text is not a cursor of ours.

    """
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)), type=Position)
    except (msgspec.DecodeError, binascii.Error, ValueError) as error:
        raise InvalidInputError(f"'{cursor}' is no cursor; use next_cursor of the page before, unchanged") from error


def holds_vectors(blob: object, dimension: int) -> bool:
    """Whether a blob holds whole vectors of two-byte floats, none of them infinite or no number."""
    if not isinstance(blob, bytes) or not blob or dimension < 1 or len(blob) % (2 * dimension):
        return False
    return not blob[1::2].translate(None, _FINITE)
