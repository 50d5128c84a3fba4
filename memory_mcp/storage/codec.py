"""This module turns rows of episodes and steps into models and back."""

from collections.abc import Sequence
from typing import Any, cast

import msgspec

from memory_mcp.errors import DamagedError
from memory_mcp.models import values
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
from memory_mcp.storage import checksums

_ENCODER = msgspec.json.Encoder()
_OUTCOME = msgspec.json.Decoder(Outcome)
_REWARD = msgspec.json.Decoder(Reward)
_REFLECTION = msgspec.json.Decoder(Reflection)
_RESULT = msgspec.json.Decoder(StepResult)
_PARAMETERS = msgspec.json.Decoder(dict[str, Any])

_EXPONENT = 0x7C  # in the upper byte of a two-byte float; all bits set mean infinity or NaN
_FINITE = bytes(byte for byte in range(256) if byte & _EXPONENT != _EXPONENT)


def dump(value: Any) -> str | None:
    """Encode a value as JSON text; None stays None."""
    return None if value is None else _ENCODER.encode(value).decode()


def dump_step(step: Step) -> tuple[Any, ...]:
    """Return the values of STEP_COLUMNS."""
    fields = step_columns(step)
    return (*fields.values(), checksums.STEP.checksum(fields))


def step_columns(step: Step) -> dict[str, Any]:
    """Return the columns of a step's row that its checksum covers."""
    return {
        "tool": step.tool,
        "action": step.action,
        "parameters": dump(step.parameters or None),
        "result": dump(step.result),
        "latency_ms": None if step.latency_ms is None else float(step.latency_ms),
        "recorded_at": step.recorded_at,
    }


_STEP_FIELDS = tuple(step_columns(Step("", "")))
STEP_COLUMNS = (*_STEP_FIELDS, "checksum")


def load_step(row: tuple[Any, ...], episode_id: str) -> Step:
    """Build a step from the values of STEP_COLUMNS.

    Raises:
        DamagedError: the row does not hold what was written.

    """
    fields = dict(zip(_STEP_FIELDS, row[:-1], strict=True))
    if not checksums.STEP.match(row[-1], fields):
        raise DamagedError(f"a step of episode {episode_id} does not match its checksum")
    parameters, result = fields["parameters"], fields["result"]
    return Step(
        tool=fields["tool"],
        action=fields["action"],
        parameters=values.tamed(_PARAMETERS.decode(parameters)) if parameters else {},  # older ones hold any value
        result=_RESULT.decode(result) if result else None,
        latency_ms=fields["latency_ms"],
        recorded_at=fields["recorded_at"],
    )


def episode_columns(episode: Episode) -> dict[str, Any]:
    """Return the columns of an episode's row that its checksum covers; docs/schema.md says how to add one."""
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


_EPISODE_FIELDS = tuple(episode_columns(Episode("", "", "", "", Context(), started_at=0, updated_at=0)))
EPISODE_COLUMNS = (*(f"e.{name}" for name in _EPISODE_FIELDS), "e.checksum")


def load_episode(
    identity: tuple[str, str, bool, str | None, str | None, int, EpisodeKind, str],
    row: tuple[Any, ...],
    tags: tuple[str, ...],
    steps: tuple[Step, ...],
) -> Episode:
    """Build an episode from EPISODE_COLUMNS and what identifies it.

    That is (id, project, is_global, source kind, source id, updated_at, kind, author).

    Raises:
        DamagedError: the row does not hold what was written.

    """
    episode_id, project, is_global, source_kind, source_id, updated, kind, author = identity
    fields = dict(zip(_EPISODE_FIELDS, row[:-1], strict=True))
    if not checksums.EPISODE.match(row[-1], fields):
        raise DamagedError(f"episode {episode_id} does not match its checksum")
    return Episode(
        id=episode_id,
        project=project,
        task=fields["task"],
        task_type=fields["task_type"],
        context=Context(
            domain=fields["domain"],
            language=fields["language"],
            framework=fields["framework"],
            complexity=fields["complexity"],
            tags=tags,
        ),
        started_at=fields["started_at"],
        updated_at=updated,
        completed_at=fields["completed_at"],
        steps=steps,
        outcome=_decoded(_OUTCOME, fields["outcome"]),
        reward=_decoded(_REWARD, fields["reward_parts"]),
        reflection=_decoded(_REFLECTION, fields["reflection"]),
        is_global=bool(is_global),
        source=Source(source_kind, source_id, author) if source_kind and source_id else None,
        kind=kind,
    )


def _decoded(decoder: msgspec.json.Decoder[Any], text: str | None) -> Any:
    return decoder.decode(text) if text else None


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
        origin=origin if origin and Source(origin, "").is_imported else None,
        evidence=episode.outcome.evidence if episode.outcome else None,
        doubt=getattr(episode.outcome, "doubt", ""),
    )


def hold_vectors(blobs: Sequence[object], dimension: int, *, finite: bool = True) -> bool:
    """Whether each blob holds whole vectors of two-byte floats, finite ones if asked."""
    if not {*map(type, blobs)} <= {bytes} or dimension < 1:
        return False
    found = cast("Sequence[bytes]", blobs)
    if any(size == 0 or size % (2 * dimension) for size in {*map(len, found)}):
        return False
    return not finite or not any(blob[1::2].translate(None, _FINITE) for blob in found)
