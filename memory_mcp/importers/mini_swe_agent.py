"""This module turns runs of mini-swe-agent into episodes: its own files, and collections with one run a line."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
from msgspec import Struct

from memory_mcp.actions.outputs import result_of
from memory_mcp.errors import ImporterError
from memory_mcp.importers.folders import files_below
from memory_mcp.importers.json_values import decoded
from memory_mcp.importers.line_files import records_in
from memory_mcp.importers.mini_trajectories import ENDING, KIND, read_file
from memory_mcp.importers.moments import bounded
from memory_mcp.importers.records import Bad, EpisodeRecord, Progress, Record
from memory_mcp.models import limits
from memory_mcp.models.episodes import (
    Context,
    Episode,
    Failure,
    Outcome,
    Source,
    Step,
    StepResult,
    Success,
)

SUFFIXES = (".jsonl", ".gz", ".json")
_SUBMITTED = "submitted"


class _Step(Struct):
    action: str
    tool: str = "bash"
    output: str = ""
    exit_code_zero: bool | None = None


class _Run(Struct):
    """A line; `claimed` is what the agent said at its end, not whether the task was solved."""

    id: str
    task: str
    steps: list[_Step]
    task_type: str = ""
    language: str = ""
    claimed: str = ""


_DECODER = msgspec.json.Decoder(_Run)


def read(path: Path, progress: Progress) -> Iterator[Record | Bad]:
    """Read a file of runs, gzipped or not, or a `.traj.json`, or all below a directory; other JSON is passed over.

    Raises:
        ImporterError: the path is not there.

    """
    if not path.exists():
        raise ImporterError(f"{path} is not there")
    for file in files_below(path, *SUFFIXES):
        if isinstance(file, Bad):
            yield file
            continue
        if file.name.endswith(ENDING) or file.suffix == ".json":
            if file.name.endswith(ENDING) or file == path:
                yield from read_file(path, file, progress)
            continue
        try:
            moment = bounded(file.stat().st_mtime_ns // 1_000)
        except OSError as error:
            yield Bad(str(file), f"it cannot be read: {error.strerror}")
            continue

        def take(raw: bytes, moment: int = moment) -> Record:
            return _record(decoded(raw, _DECODER), moment)

        found: Iterator[Record | Bad] = records_in(path, file, take, progress, "run of mini-swe-agent")
        yield from found


def _record(run: _Run, moment: int) -> EpisodeRecord:
    """Build the episode; a run carries no times, so the file's own stands for them."""
    outcome = _outcome(run.claimed)
    episode = Episode(
        id="",
        project="",
        task=run.task[: limits.TASK_CHARACTERS],
        task_type=run.task_type,
        context=Context(language=run.language, tags=(KIND,)),
        started_at=moment,
        updated_at=moment,
        completed_at=moment if outcome else None,
        steps=tuple(_step(each, moment) for each in run.steps[: limits.STEPS_PER_EPISODE] if each.action.strip()),
        outcome=outcome,
        source=Source(KIND, run.id),
    )
    return EpisodeRecord(run.id, episode)


def _step(given: _Step, moment: int) -> Step:
    command = given.action.strip()[: limits.TASK_CHARACTERS]
    return Step(given.tool[: limits.NAME_CHARACTERS], command, result=_result(given), recorded_at=moment)


def _result(given: _Step) -> StepResult | None:
    """Read how a command went; nothing is known of one without an exit code."""
    if given.exit_code_zero is None:
        return None
    code = 0 if given.exit_code_zero else 1
    return result_of(given.output, exit_code=code, failed=None, command=given.action)


def _outcome(claimed: str) -> Outcome | None:
    """Return what the agent said of its end: a submitted patch is a claim, which the verdict says."""
    if not claimed:
        return None
    if claimed == _SUBMITTED:
        return Success("The agent submitted a patch. Whether it solves the task is not recorded.")
    return Failure(reason=f"The agent ended with: {claimed}.")
