"""This module says which text of an episode or a note is indexed, and cuts it into chunks."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from memory_mcp.clock import iso
from memory_mcp.models.conversations import Turn
from memory_mcp.models.decisions import Decision
from memory_mcp.models.episodes import Abstained, Episode, Failure, PartialSuccess, StepError, StepTimeout, Success
from memory_mcp.models.notes import Note
from memory_mcp.models.patterns import Approach, Branches, Evidence, Fix, Pattern, Run, title_of
from memory_mcp.retrieval.dates import MONTHS, WEEKDAYS

LONGEST_VALUE = 2_000  # a longer argument (a whole file written) adds words of every kind and no meaning
MOST_CHUNKS = 64  # vectors per document; the keyword index takes the whole text


def episode_text(episode: Episode) -> str:
    """Return task, context, date, tool arguments, files, errors, outcome and lessons, one line each."""
    context = episode.context
    lines = [
        episode.task,
        " ".join((episode.task_type, context.domain, context.language, context.framework, *context.tags)),
        _date_words(episode.started_at),
        *_step_lines(episode),
        *outcome_lines(episode),
    ]
    return "\n".join(dict.fromkeys(line for line in lines if line.strip()))


def step_text(episode: Episode) -> str:
    """Return what an episode says beside its task: its steps and its outcome."""
    return "\n".join(line for line in (*_step_lines(episode), *outcome_lines(episode)) if line.strip())


def note_text(note: Note) -> str:
    """Return the note, its tags and its date."""
    return "\n".join((note.text, " ".join(note.tags), _date_words(note.created_at)))


def turn_text(turn: Turn) -> str:
    """Return a message with who said it and when, and the title of its conversation."""
    message = turn.message
    return "\n".join((f"{message.role}: {message.text}", turn.title, " ".join(turn.tags), _date_words(message.at)))


def decision_text(decision: Decision) -> str:
    """Return what a decision says, the files and names that it speaks of, and its date."""
    places = " ".join((*decision.files, *decision.functions, *decision.names))
    return "\n".join((decision.text, places[:LONGEST_VALUE], _date_words(decision.said_at)))


def pattern_text(pattern: Pattern) -> str:
    """Return what a pattern is, what its newest episodes did, and the tasks that they did it for."""
    lines = [title_of(pattern.definition), *(line for each in pattern.evidence for line in _evidence_lines(each))]
    return "\n".join(dict.fromkeys(line[:LONGEST_VALUE] for line in lines if line.strip()))


def _evidence_lines(evidence: Evidence) -> Iterator[str]:
    yield evidence.task.splitlines()[0] if evidence.task.strip() else ""
    match evidence.detail:
        case Run(commands):
            yield from commands
        case Branches(branches):
            yield from (branch.next for branch in branches)
        case Fix(error, action, fix):
            yield from (error, action, *fix)
        case Approach(companions, checks):
            yield from (*companions, *checks)


def outcome_lines(episode: Episode) -> Iterator[str]:
    """Yield what was said at completion: verdict, reason, artifacts, what was done and what was not."""
    match episode.outcome:
        case Success(verdict, artifacts):
            yield from (verdict, *artifacts)
        case PartialSuccess(verdict, completed, failed, artifacts):
            yield from (verdict, *completed, *failed, *artifacts)
        case Failure(reason, verdict, artifacts):
            yield from (reason, verdict, *artifacts)
        case Abstained(reason, verdict):
            yield from (reason, verdict)


def chunks(text: str, size: int) -> list[str]:
    """Cut text into pieces of at most `size` characters, at line ends or blanks where there are any."""
    pieces: list[str] = []
    current = ""
    for line in text.splitlines():
        for part in _parts(line, size):
            if current and len(current) + 1 + len(part) > size:
                pieces.append(current)
                current = part
            else:
                current = f"{current}\n{part}" if current else part
    if current or not pieces:
        pieces.append(current)
    return pieces[:MOST_CHUNKS]


def _date_words(moment: int) -> str:
    """Return day and month as whole words, as a question's `2024-03-05` is cut; single numbers cost recall@10 0.01."""
    day = iso(moment)[:10].replace("-", "")
    return f"{day} {day[:6]}"


def date_names(moment: int) -> str:
    """Return a day as people say it: `Monday 8 May 2023`."""
    day = datetime.fromtimestamp(moment / 1e6, UTC)
    return f"{WEEKDAYS[day.weekday()]} {day.day} {MONTHS[day.month - 1]} {day.year}"


def _parts(line: str, size: int) -> Iterator[str]:
    while len(line) > size:
        cut = line.rfind(" ", size // 2, size) + 1 or size
        yield line[:cut]
        line = line[cut:]
    yield line


def _step_lines(episode: Episode) -> Iterator[str]:
    for step in episode.steps:
        yield f"{step.tool} {step.action}"[:LONGEST_VALUE]
        yield from (value[:LONGEST_VALUE] for value in _values(step.parameters))
        if isinstance(step.result, StepError | StepTimeout):
            yield step.result.message[:LONGEST_VALUE]


def _values(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _values(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _values(inner)
