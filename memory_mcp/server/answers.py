"""This module renders models as the flat, small values that tools answer with."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec

from memory_mcp.clock import iso
from memory_mcp.errors import InvalidInputError
from memory_mcp.models.conversations import Turn
from memory_mcp.models.episodes import Episode, EpisodePage, EpisodeSummary, Step, StepSuccess
from memory_mcp.models.notes import Note
from memory_mcp.models.receipts import Receipt
from memory_mcp.visible import visible_values

Rendered = dict[str, Any]
BUDGET_BYTES = 7_500  # answers stay below 8 KB; what does not fit is named, with the way to get it
_ROW_CHARACTERS = 240
_TEXT_CHARACTERS = 600
_NOTE_CHARACTERS = 4_000


def receipt_of(receipt: Receipt) -> dict[str, Any]:
    """Render a receipt."""
    return {"id": receipt.id, "sequence": receipt.sequence}


def shortened(text: str, longest: int) -> str:
    """Cut a long text and say how much is missing; hidden characters count as their escapes."""
    text = visible_values(text)
    return text if len(text) <= longest else f"{text[:longest]}… [+{len(text) - longest} characters]"


def present(values: dict[str, Any]) -> dict[str, Any]:
    """Leave out what nobody said."""
    return {name: value for name, value in values.items() if value not in (None, "", (), [], {})}


def size_of(row: Rendered) -> int:
    """Return the bytes of a value in JSON."""
    return len(msgspec.json.encode(row))


def fitting(
    rows: Iterable[Rendered], budget: int, measure: Callable[[Rendered], int] = size_of
) -> tuple[list[Rendered], int]:
    """Return the first rows, at least one, that fit into so many bytes, and how many are left."""
    shown: list[Rendered] = []
    size = left = 0
    for row in rows:
        size += measure(row)
        if left or (shown and size > budget):
            left += 1
        else:
            shown.append(row)
    return shown, left


def summary_of(row: EpisodeSummary) -> dict[str, Any]:
    """Render one row of a listing."""
    return present(
        {
            "episode_id": row.id,
            "task_description": shortened(row.task, _ROW_CHARACTERS),
            "status": row.status,
            "outcome": row.outcome,
            "evidence": row.evidence,
            "doubt": shortened(row.doubt, _ROW_CHARACTERS),
            "reward": row.reward,
            "task_type": row.task_type,
            "domain": row.context.domain,
            "language": row.context.language,
            "tags": list(row.context.tags),
            "steps": row.step_count,
            "started_at": iso(row.started_at),
        }
    )


def page_of(page: EpisodePage, cursor_after: Any) -> dict[str, Any]:
    """Render a page; rows beyond the budget are left to the next page, whose cursor `cursor_after(row)` makes."""
    rows, left = fitting(map(summary_of, page.episodes), BUDGET_BYTES)
    next_cursor = cursor_after(page.episodes[len(rows) - 1]) if left else page.next_cursor
    damaged = {"damaged": page.damaged} if page.damaged else {}
    return {"episodes": rows, "next_cursor": next_cursor, **damaged}


def episode_of(episode: Episode, *, timeline: bool, fields: tuple[str, ...], start: int, full: bool) -> dict[str, Any]:
    """Render a whole episode or its timeline; steps beyond the budget are left to `next_step`.

    Raises:
        InvalidInputError: a field is unknown.

    """
    longest = 10**9 if full else _TEXT_CHARACTERS
    head = present(
        {
            "episode_id": episode.id,
            "project": episode.project,
            "task_description": shortened(episode.task, longest * 2),
            "task_type": episode.task_type,
            **{name: getattr(episode.context, name) for name in ("domain", "language", "framework", "complexity")},
            "tags": list(episode.context.tags),
            "status": episode.status,
            "started_at": iso(episode.started_at),
            "completed_at": iso(episode.completed_at) if episode.completed_at else None,
            "outcome": _outcome_of(episode),
            "reward": msgspec.to_builtins(episode.reward),
            "reflection": msgspec.to_builtins(episode.reflection),
            "is_global": episode.is_global or None,
            "source": f"{episode.source.kind}:{episode.source.id}" if episode.source else None,
            "step_count": len(episode.steps),
        }
    )
    if unknown := sorted(set(fields) - (_FIELDS | {"steps"})):
        raise InvalidInputError(f"unknown field {', '.join(unknown)}; known are {', '.join(sorted(_FIELDS))}, steps")
    if fields:
        head = {name: value for name, value in head.items() if name in (*fields, "episode_id")}
        if "steps" not in fields:
            return head
    size = len(msgspec.json.encode(head))
    steps: list[Any] = []
    for number, step in enumerate(episode.steps[start - 1 :], start):
        rendered = _line_of(step, number, episode.started_at) if timeline else _step_of(step, number, longest)
        size += len(msgspec.json.encode(rendered))
        if steps and size > BUDGET_BYTES and not full:
            return {**head, "steps": steps, "next_step": number}
        steps.append(rendered)
    return {**head, "steps": steps}


def _outcome_of(episode: Episode) -> Rendered | None:
    """Render an outcome; nothing is said of a doubt that nobody has."""
    outcome: Rendered | None = msgspec.to_builtins(episode.outcome)
    return outcome and {name: value for name, value in outcome.items() if name != "doubt" or value}


def note_of(note: Note, *, full: bool) -> dict[str, Any]:
    """Render a note; of a long text so much as leaves the answer below its budget."""
    room = BUDGET_BYTES - size_of({"tags": note.tags, "source": note.source})
    lengths = (length for length in range(_NOTE_CHARACTERS, _TEXT_CHARACTERS, -_TEXT_CHARACTERS))
    longest = next((length for length in lengths if size_of({"": note.text[:length]}) < room), _TEXT_CHARACTERS)
    return present(
        {
            "kind": "note",
            "note_id": note.id,
            "project": note.project,
            "text": shortened(note.text, 10**9 if full else longest),
            "tags": list(note.tags),
            "importance": note.importance,
            "source": note.source,
            "created_at": iso(note.created_at),
            "valid_until": iso(note.valid_until) if note.valid_until else None,
            "superseded_by": note.superseded_by,
        }
    )


def conversation_of(conversation: Episode, turns: Sequence[Turn], *, full: bool) -> dict[str, Any]:
    """Render a conversation; messages beyond the budget are left to `next_step`."""
    longest = 10**9 if full else _TEXT_CHARACTERS
    rows, left = fitting(
        (
            {
                "step": turn.position + 1,
                "role": turn.message.role,
                "text": shortened(turn.message.text, longest),
                "at": iso(turn.message.at),
            }
            for turn in turns
        ),
        BUDGET_BYTES,
    )
    more = {"next_step": turns[len(rows)].position + 1} if left else {}
    head = {
        "episode_id": conversation.id,
        "kind": conversation.kind,
        "title": shortened(conversation.task, _ROW_CHARACTERS),
    }
    return {**head, "messages": rows, **more}


_FIELDS = {
    *("episode_id", "project", "task_description", "task_type", "domain", "language", "framework", "complexity"),
    *("tags", "status", "started_at", "completed_at", "outcome", "reward", "reflection", "is_global", "source"),
    "step_count",
}


def _step_of(step: Step, number: int, longest: int) -> dict[str, Any]:
    return present(
        {
            "step": number,
            "tool": step.tool,
            "action": shortened(step.action, longest),
            "parameters": _shortened_values(step.parameters, longest),
            "result": _shortened_values(msgspec.to_builtins(step.result), longest),
            "latency_ms": step.latency_ms,
        }
    )


def _line_of(step: Step, number: int, started_at: int) -> str:
    state = "?" if step.result is None else "ok" if isinstance(step.result, StepSuccess) else "FAILED"
    seconds = max(step.recorded_at - started_at, 0) / 1e6
    return f"{number}. +{seconds:.0f}s {step.tool}: {shortened(step.action, 120)} [{state}]"


def _shortened_values(value: Any, longest: int) -> Any:
    if isinstance(value, str):
        return shortened(value, longest)
    if isinstance(value, dict):
        return {name: _shortened_values(inner, longest) for name, inner in value.items()}
    if isinstance(value, list):
        return [_shortened_values(inner, longest) for inner in value]
    return value
