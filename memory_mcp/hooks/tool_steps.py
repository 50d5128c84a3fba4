"""This module turns what a client says of a tool call into a step."""

import json
import re
from typing import Any

from memory_mcp.actions.outputs import result_of, shortened_values
from memory_mcp.actions.steps import action_of
from memory_mcp.hooks.events import Event
from memory_mcp.models import limits
from memory_mcp.models.episodes import Step, StepResult

_TELLING = ("command", "file_path", "path", "filePath", "pattern", "query", "url", "description", "prompt")
_OWN = ("mcp__memory-mcp__", "memory-mcp_")
_BEGINNING = ("create_episode", "resume_from_handoff")
_EPISODE_ID = re.compile(r'\\*"episode_id\\*":\s*\\*"([0-9a-f]{32})')
_UNRECORDED = (*_OWN, "TodoWrite", "todowrite", "TodoRead", "todoread")
_TEXTS = ("stdout", "output", "stderr", "error", "message", "text", "content", "result")
_CODES = ("exit_code", "exitCode", "exit", "returncode", "returnCode", "code")


def is_recorded(tool: str) -> bool:
    """Whether calls of a tool are steps: our own tools and to-do lists are not."""
    return bool(tool) and not tool.startswith(_UNRECORDED)


def begun_episode(event: Event) -> str | None:
    """Return the id of the episode that the agent has just begun through our own tools, if it did."""
    if not event.tool.startswith(_OWN) or not event.tool.endswith(_BEGINNING) or event.failed:
        return None
    found = _EPISODE_ID.search(json.dumps(event.response, default=str))
    return found[1] if found else None


def planned_step(event: Event) -> Step:
    """Build the step that an agent is about to make."""
    return Step(event.tool[: limits.NAME_CHARACTERS], _action(event), _parameters(event), recorded_at=event.at)


def made_step(event: Event) -> Step:
    """Build the step that an agent has made, with its result; interrupted by the user, it has none."""
    plan = planned_step(event)
    is_check = action_of(plan).kind in {"test", "build"}
    result = None if event.interrupted else _result(event.response, event.failed, is_check=is_check)
    return Step(plan.tool, plan.action, plan.parameters, result, event.duration_ms, event.at)


def _action(event: Event) -> str:
    """Return the argument that tells most, or all of them, as one text."""
    for name in _TELLING:
        value = event.arguments.get(name)
        if isinstance(value, str) and value.strip():
            return value[: limits.TASK_CHARACTERS]
    told = json.dumps(event.arguments, ensure_ascii=False, default=str) if event.arguments else event.tool
    return told[: limits.TASK_CHARACTERS // 5]


def _parameters(event: Event) -> dict[str, Any]:
    """Return the arguments, shortened; what the action says already is left out."""
    action = _action(event)
    shown: dict[str, Any] = shortened_values(
        {name: value for name, value in event.arguments.items() if value != action}
    )
    file = event.arguments.get("file_path") or event.arguments.get("filePath")
    return {**shown, "file": file} if isinstance(file, str) and file else shown


def _result(response: Any, failed: bool | None, *, is_check: bool) -> StepResult:  # noqa: FBT001 - the client's own word
    if not isinstance(response, dict):
        return result_of(_text(response), exit_code=None, failed=failed, is_check=is_check)
    codes = [response[name] for name in _CODES if isinstance(response.get(name), int)]
    code = int(codes[0]) if codes and not isinstance(codes[0], bool) else None
    said = failed or (response.get("success") is False) or (response.get("is_error") is True)
    texts = [_text(response[name]) for name in _TEXTS if response.get(name)]
    text = "\n".join(each for each in texts if each) or json.dumps(response, ensure_ascii=False, default=str)
    return result_of(text, exit_code=code, failed=bool(said), is_check=is_check)


def _text(value: Any) -> str:
    """Return the text of a response: as it is, of its parts, or as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "\n".join(_text(part.get("text", "") if isinstance(part, dict) else part) for part in value)
    return "" if value is None else json.dumps(value, ensure_ascii=False, default=str)
