"""This module turns SWE-agent trajectories into episodes with their real commands and observations."""

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from memory_mcp.actions.outputs import result_of_text
from memory_mcp.errors import ImporterError
from memory_mcp.importers.folders import files_below, read_inside
from memory_mcp.importers.json_values import decoded
from memory_mcp.importers.moments import bounded
from memory_mcp.importers.records import MALFORMED, Bad, EpisodeRecord, Progress, Record
from memory_mcp.models import limits
from memory_mcp.models.episodes import (
    Context,
    Episode,
    Failure,
    Outcome,
    PartialSuccess,
    Source,
    Step,
    Success,
)

KIND = "swe-agent"
_LONGEST_S = 1e9
_LOOKED_AT = 200_000  # characters of an observation that are searched for the file's name
SUFFIXES = (".traj",)
_ISSUE, _INSTRUCTIONS = "ISSUE:\n", "\nINSTRUCTIONS:"
_EDITS = ("edit ", "insert ")  # these act on the open file, which only the observation names
_EDITED_FILE = re.compile(
    r"\[File: (?:/testbed/|/[\w.-]{1,80}__[\w.-]{1,80}/)?([^\n]{1,500}?) \(\d{1,9} lines total\)\]"
)
_CHANGED_FILE = re.compile(r"^\+\+\+ b/(.+?)\r?$", re.MULTILINE)


class _Turn(Struct):
    action: str = ""
    observation: str = ""
    thought: str = ""
    execution_time: float | None = None


class _Message(Struct):
    role: str = ""
    content: Any = ""


class _Trajectory(Struct):
    trajectory: list[_Turn]
    history: list[_Message] = []
    environment: str = ""
    info: dict[str, Any] = {}


_DECODER = msgspec.json.Decoder(_Trajectory, strict=False)


def read(path: Path, progress: Progress) -> Iterator[Record | Bad]:
    """Read a trajectory, or all below a directory; a file's content is its source's id."""
    for file in files_below(path, *SUFFIXES):
        if isinstance(file, Bad):
            yield file
            continue
        try:
            episode = read_trajectory(file, path)
            progress(file.stat().st_size)
        except OSError as error:
            yield Bad(str(file), f"it cannot be read: {error.strerror}")
            continue
        except ImporterError as error:
            yield Bad(str(file), str(error))
            continue
        assert episode.source is not None  # noqa: S101 - always given
        yield EpisodeRecord(episode.source.id, episode)


def read_trajectory(path: Path, root: Path | None = None) -> Episode:
    """Read one trajectory file as an episode; its content is its source's id, and it may not lie outside `root`.

    Raises:
        ImporterError: the file cannot be read or is no trajectory.

    """
    try:
        content = read_inside(root or path, path)
        moment = bounded(path.stat().st_mtime_ns // 1_000)
    except OSError as error:
        raise ImporterError(f"{path} cannot be read: {error.strerror}") from error
    try:
        source = Source(KIND, hashlib.sha256(content).hexdigest())
        return _episode(decoded(content, _DECODER), path.stem, source, moment)
    except MALFORMED as error:
        raise ImporterError(f"{path} is no SWE-agent trajectory: {error}") from error


def _episode(trajectory: _Trajectory, name: str, source: Source, moment: int) -> Episode:
    """Build the episode; a trajectory carries no times, so the file's own stands for them."""
    outcome = _outcome(trajectory.info)
    return Episode(
        id="",
        project="",
        task=f"{name}: {_task(trajectory)}"[: limits.TASK_CHARACTERS],
        task_type="issue_resolution",
        context=Context(tags=("swe-agent",)),
        started_at=moment,
        updated_at=moment,
        completed_at=moment if outcome else None,
        steps=tuple(_steps(trajectory, moment))[: limits.STEPS_PER_EPISODE],
        outcome=outcome,
        source=source,
    )


def _task(trajectory: _Trajectory) -> str:
    for message in reversed(trajectory.history):  # a demonstration of another issue may stand before the real one
        if message.role == "user":
            _, _, behind = _text(message.content).partition(_ISSUE)
            issue, end, _ = behind.partition(_INSTRUCTIONS)
            if issue.strip() and end:
                return issue.strip()
    return trajectory.environment or "no issue text recorded"


def _text(content: Any) -> str:
    if isinstance(content, list):
        return "\n".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return str(content)


def _steps(trajectory: _Trajectory, moment: int) -> Iterator[Step]:
    for turn in trajectory.trajectory:
        command = turn.action.strip()
        if command:
            file = _EDITED_FILE.search(turn.observation[:_LOOKED_AT]) if command.startswith(_EDITS) else None
            yield Step(
                tool=command.split()[0][: limits.NAME_CHARACTERS],
                action=command[: limits.TASK_CHARACTERS],
                parameters=({"file": file[1]} if file else {})
                | ({"thought": turn.thought.strip()} if turn.thought.strip() else {}),
                result=result_of_text(turn.observation, command),
                latency_ms=_milliseconds(turn.execution_time),
                recorded_at=moment,
            )


def _milliseconds(seconds: float | None) -> float | None:
    return round(seconds * 1_000, 1) if seconds is not None and 0 <= seconds < _LONGEST_S else None


def _outcome(info: dict[str, Any]) -> Outcome | None:
    """Read the exit status; a submitted patch is the agent's own claim."""
    status = info.get("exit_status")
    files = tuple(dict.fromkeys(_CHANGED_FILE.findall(_text(info.get("submission") or ""))))
    if status == "submitted":
        return Success(f"Exit status: submitted. Whether the patch passes its tests is not recorded. {_list(files)}")
    if isinstance(status, str) and status.startswith("submitted"):
        return PartialSuccess(verdict=f"Exit status: {status}. {_list(files)}", completed=files, failed=(status,))
    return Failure(reason=f"Exit status: {status}.") if status else None


def _list(files: tuple[str, ...]) -> str:
    return f"Changed {', '.join(files)}." if files else "No file was changed."
