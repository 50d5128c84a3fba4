"""This module reads mini-swe-agent's own files, `*.traj.json`: the messages of one run, of versions 1 and 2."""

import hashlib
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from memory_mcp.actions.outputs import result_of, shortened
from memory_mcp.errors import ImporterError
from memory_mcp.importers.folders import read_inside
from memory_mcp.importers.json_values import decoded
from memory_mcp.importers.moments import bounded, moment_of
from memory_mcp.importers.records import MALFORMED, Bad, EpisodeRecord, Progress, Record
from memory_mcp.models import limits
from memory_mcp.models.episodes import (
    Context,
    Episode,
    Failure,
    Outcome,
    Source,
    Step,
    StepResult,
    StepTimeout,
    Success,
)

KIND = "mini-swe-agent"
ENDING = ".traj.json"
_TOOL = "bash"
_SUBMITTED = "submitted"
_TASK = re.compile(r"\{\{\s*task\s*\}\}")
_TEMPLATED = re.compile(r"[{}]")
_NEAR = 200  # characters of a template beside the task, by which it is found in the message
_LONGEST_MESSAGE = 1_000_000  # characters of a message that are read
_BLOCK = re.compile(r"```(?:bash|sh|mswea_bash_command)[ \t]*\n(.*?)\n?```", re.DOTALL)
_CODE = re.compile(r"<returncode>\s*(-?\d{1,9})\s*</returncode>")
_OUTPUT = re.compile(r"<output(?:_head)?>\n?(.*)</output(?:_tail)?>", re.DOTALL)
_TIMED_OUT = re.compile(r"timed out (?:after|and has been killed)")
_CHANGED_FILE = re.compile(r"^\+\+\+ b/(.+?)\r?$", re.MULTILINE)


class _Message(Struct):
    role: str = ""
    content: Any = None
    timestamp: Any = None
    tool_call_id: Any = None
    extra: dict[str, Any] | None = None
    type: str = ""
    call_id: Any = None
    output: Any = None


class _Run(Struct):
    messages: list[_Message]
    info: dict[str, Any] = {}
    trajectory_format: str = ""
    instance_id: str = ""


class _Seen(Struct, frozen=True):
    """What came back of a command."""

    text: str
    code: int | None
    at: int
    timed_out: bool


_DECODER = msgspec.json.Decoder(_Run)


def read_file(root: Path, file: Path, progress: Progress) -> Iterator[Record | Bad]:
    """Read one file, which holds one run."""
    try:
        content = read_inside(root, file)
        moment = bounded(file.stat().st_mtime_ns // 1_000)
        record = _record(decoded(content, _DECODER), file.name.removesuffix(ENDING), content, moment)
    except OSError as error:
        yield Bad(str(file), f"it cannot be read: {error.strerror}")
    except ImporterError as error:
        yield Bad(str(file), str(error))
    except MALFORMED as error:
        yield Bad.of(str(file), "trajectory of mini-swe-agent", error)
    else:
        progress(len(content))
        yield record


def _record(run: _Run, name: str, content: bytes, moment: int) -> EpisodeRecord:
    """Build the episode; the id tells two runs of one issue apart by when they began, else by what they hold.

    Raises:
        ImporterError: it holds no messages.

    """
    if not run.messages:
        raise ImporterError("it holds no messages")
    times = [at for at in map(_time, run.messages) if at]
    began = str(times[0]) if times else hashlib.sha256(content).hexdigest()[:16]
    source_id = f"{began}/{run.instance_id or name}"
    outcome = _outcome(run.info)
    started_at, updated_at = (min(times), max(times)) if times else (moment, moment)
    episode = Episode(
        id="",
        project="",
        task=_task(run)[: limits.TASK_CHARACTERS],
        task_type="issue_resolution",
        context=Context(tags=(KIND,)),
        started_at=started_at,
        updated_at=updated_at,
        completed_at=updated_at if outcome else None,
        steps=tuple(_steps(run.messages, updated_at))[: limits.STEPS_PER_EPISODE],
        outcome=outcome,
        source=Source(KIND, source_id),
    )
    return EpisodeRecord(source_id, episode, directory=_directory(run.info))


def _task(run: _Run) -> str:
    """Return what stands in the first prompt in the place of `{{task}}`, by the template that the file holds."""
    prompt = next((_text(message.content) for message in run.messages if message.role == "user"), "")
    template = _setting(run.info, "agent", "instance_template")
    if (place := _TASK.search(template)) is not None:
        before = _TEMPLATED.split(template[: place.start()])[-1][-_NEAR:]
        after = _TEMPLATED.split(template[place.end() :])[0][:_NEAR]
        start = prompt.find(before) + len(before) if before in prompt else -1
        end = prompt.find(after, start) if after.strip() else len(prompt)
        if 0 <= start < end:
            return prompt[start:end].strip()
    return prompt.strip() or "no task recorded"


def _directory(info: dict[str, Any]) -> str:
    """Return where a run on this machine worked; a container's directory is none of ours."""
    config = info.get("config")
    kind = config.get("environment_type") if isinstance(config, dict) else None
    is_here = isinstance(kind, str) and kind.endswith(".LocalEnvironment")
    return _setting(info, "environment", "cwd") if is_here else ""


def _setting(info: dict[str, Any], part: str, name: str) -> str:
    config = info.get("config")
    inner = config.get(part) if isinstance(config, dict) else None
    value = inner.get(name) if isinstance(inner, dict) else None
    return value if isinstance(value, str) else ""


def _steps(messages: Sequence[_Message], moment: int) -> Iterator[Step]:
    """Pair each message's commands with what came back before the next one."""
    asked: list[tuple[str, Any]] = []
    seen: list[_Message] = []
    at = 0
    for message in messages:
        commands = _commands(message)
        if commands:
            yield from _paired(asked, seen, at or moment)
            asked, seen, at = commands, [], _time(message)
        elif message.role not in {"assistant", "exit"} and asked:
            seen.append(message)
    yield from _paired(asked, seen, at or moment)


def _commands(message: _Message) -> list[tuple[str, Any]]:
    """Return the commands of a message, each with the id of its call: version 2 lists them, version 1 has one block."""
    actions = (message.extra or {}).get("actions")
    if isinstance(actions, list):
        told = [each for each in actions if isinstance(each, dict)]
        return [
            (str(each["command"]), each.get("tool_call_id")) for each in told if str(each.get("command", "")).strip()
        ]
    if message.role != "assistant" or (message.extra and "actions" in message.extra):
        return []
    blocks = _BLOCK.findall(_text(message.content)[:_LONGEST_MESSAGE])
    return [(blocks[0], None)] if len(blocks) == 1 else []


def _paired(asked: Sequence[tuple[str, Any]], seen: Sequence[_Message], at: int) -> Iterator[Step]:
    """Return the steps; the last command of a run ends it, and nothing comes back."""
    by_id = {each.tool_call_id or each.call_id: each for each in seen if each.tool_call_id or each.call_id}
    in_order = iter(each for each in seen if not (each.tool_call_id or each.call_id))
    for command, call_id in asked:
        answer = by_id.get(call_id) if isinstance(call_id, str) else next(in_order, None)
        back = _seen(answer) if answer is not None else None
        took = (back.at - at) / 1_000 if back and back.at > at else None
        shown = command.strip()[: limits.TASK_CHARACTERS]
        yield Step(_TOOL, shown, result=_result(back, command) if back else None, latency_ms=took, recorded_at=at)


def _seen(message: _Message) -> _Seen | None:
    """Return what a message gives back; None for one that is no answer to a command, and the end of a run."""
    extra = message.extra or {}
    text = _text(message.content if message.content is not None else message.output)
    at = _time(message)
    if isinstance(code := extra.get("returncode"), int) and not isinstance(code, bool):
        told = str(extra.get("exception_info") or "")
        shown = "\n".join(filter(None, (told, _text(extra.get("raw_output")))))
        return _Seen(shown, code, at, bool(_TIMED_OUT.search(told)))
    if (found := _CODE.search(text[:_LONGEST_MESSAGE])) is not None:
        output = _OUTPUT.search(text[:_LONGEST_MESSAGE])
        return _Seen(output[1].rstrip("\n") if output else text, int(found[1]), at, timed_out=False)
    if _TIMED_OUT.search(text[: _NEAR * 10]):
        output = _OUTPUT.search(text[:_LONGEST_MESSAGE])
        return _Seen(output[1].strip() if output else text, None, at, timed_out=True)
    return None


def _result(seen: _Seen, command: str) -> StepResult:
    if seen.timed_out:
        return StepTimeout(shortened(seen.text))
    return result_of(seen.text, exit_code=seen.code, failed=None, command=command)


def _outcome(info: dict[str, Any]) -> Outcome | None:
    """Read the exit status: a submitted patch is the agent's claim."""
    status = info.get("exit_status")
    if not isinstance(status, str) or not status:
        return None
    if status.lower() == _SUBMITTED:
        files = ", ".join(dict.fromkeys(_CHANGED_FILE.findall(_text(info.get("submission")))))
        claim = "The agent submitted a patch. Whether it solves the task is not recorded."
        return Success(f"{claim} It changes {files}." if files else claim)
    return Failure(reason=f"The agent ended with: {status}.")


def _time(message: _Message) -> int:
    return moment_of((message.extra or {}).get("timestamp")) or moment_of(message.timestamp)


def _text(content: Any) -> str:
    if isinstance(content, list):
        return "\n".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""
