"""This module turns a tool call, as agents record it, into a step."""

import re
from math import isfinite
from typing import Any

from memory_mcp.actions.outputs import result_of, shortened, shortened_values
from memory_mcp.actions.steps import command_of
from memory_mcp.expressions import expression
from memory_mcp.models import limits, values
from memory_mcp.models.calls import ToolCall
from memory_mcp.models.episodes import Step, StepResult

_TELLING = ("command", "cmd", "file_path", "path", "filePath", "pattern", "query", "url", "description", "prompt")
_MOST_PARAMETERS = limits.PAYLOAD_BYTES // 8  # characters, of up to four bytes; a longer file name comes on top
_OWN = ("mcp__memory-mcp__", "memory-mcp_", "mcp_memory-mcp_", "mcp__memory_mcp__")
# tools with which an agent plans, asks and finds other tools, by client: no step of a task
_HARNESS = {
    "ToolSearch", "TodoWrite", "TodoRead", "TaskCreate", "TaskGet", "TaskList", "TaskUpdate", "TaskStop",
    "EnterPlanMode", "ExitPlanMode", "exit_plan_mode", "AskUserQuestion", "Skill", "SlashCommand", "StructuredOutput",
    "SendMessage", "SendUserMessage", "TeamCreate", "TeamDelete", "CronCreate", "CronDelete", "CronList",
    "EnterWorktree", "ExitWorktree", "ListMcpResourcesTool", "WaitForMcpServers",
    "todowrite", "todoread", "question", "skill", "plan_enter", "plan_exit", "invalid",
    "update_plan", "request_user_input", "tool_search", "get_goal", "create_goal", "update_goal",
    "write_todos", "ask_user", "enter_plan_mode", "activate_skill", "update_topic", "complete_task",
    "manage_todo_list",
}  # fmt: skip
_BEGINNING = ("create_episode", "resume_from_handoff")
_STARTING = {"Agent", "Task"}
_PATCHED = expression(r"^\*\*\* (?:Add|Update|Delete) File: (.+?)\s*$", re.MULTILINE)
_EPISODE_ID = expression(r'\\*"episode_id\\*":\s*\\*"([0-9a-f]{32})')
_TEXTS = ("stdout", "output", "stderr", "error", "message", "text", "content", "result")
_PATCHES = ("input", "patch", "patchText")
_MOST_PATCHED = 50
_WHOLE_FILES = {"originalFile", "content"}  # in an answer to an edit
_CODES = ("exit_code", "exitCode", "exit", "returncode", "returnCode", "code")


def is_recorded(tool: str) -> bool:
    """Whether calls of a tool are steps: our own tools, and those by which an agent organises itself, are not."""
    return bool(tool) and tool not in _HARNESS and not tool.startswith(_OWN)


def sub_agent(call: ToolCall) -> str | None:
    """Return the id of the sub-agent that a call has started, if it did."""
    found = call.response.get("agentId") if isinstance(call.response, dict) else None
    return found if call.tool in _STARTING and isinstance(found, str) and found else None


def begun_episode(call: ToolCall) -> str | None:
    """Return the id of the episode that an agent has just begun through our own tools, if it did."""
    if not call.tool.startswith(_OWN) or not call.tool.endswith(_BEGINNING) or call.failed:
        return None
    found = _EPISODE_ID.search(values.written(call.response))
    return found[1] if found else None


def planned_step(call: ToolCall) -> Step:
    """Build the step of a call that is about to be made."""
    return Step(call.tool[: limits.NAME_CHARACTERS], _action(call), _parameters(call), recorded_at=call.at)


def made_step(call: ToolCall) -> Step:
    """Build the step of a call that was made, with its result; interrupted by the user, it has none."""
    plan = planned_step(call)
    result = None if call.interrupted else _result(call, command_of(plan) or "")
    return Step(plan.tool, plan.action, plan.parameters, result, _latency(call), call.at)


def _latency(call: ToolCall) -> float | None:
    """Return how long a call took, if the client said so with a number that makes sense."""
    given = call.duration_ms
    return given if given is not None and isfinite(given) and given >= 0 else None


def text_of(value: Any) -> str:
    """Return the text of a message or a response: as it is, of its parts, or as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        parts = (part.get("text", "") if isinstance(part, dict) else part for part in value)
        return "\n".join(text for part in parts if (text := text_of(part)))
    return "" if value is None else values.written(value)


def _action(call: ToolCall) -> str:
    """Return the argument that tells most, or all of them, as one text."""
    if files := _patched(call):
        return " ".join(files)[: limits.TASK_CHARACTERS]
    for name in _TELLING:
        value = call.arguments.get(name)
        if isinstance(value, list) and value and all(isinstance(word, str) for word in value):
            value = " ".join(value)
        if isinstance(value, str) and value.strip():
            return value[: limits.TASK_CHARACTERS]
    told = values.written(call.arguments) if call.arguments else call.tool
    return told[: limits.TASK_CHARACTERS // 5]


def _parameters(call: ToolCall) -> dict[str, Any]:
    """Return the arguments, shortened; what the action says already is left out."""
    action = _action(call)
    told = {name: value for name, value in call.arguments.items() if value != action}
    if patch_in(call.response):
        told.pop("content", None)  # the whole file, of which the patch is what was written
    if files := _patched(call):
        told["files"] = files
    shown: dict[str, Any] = shortened_values(values.tamed(told))
    if len(values.written(shown)) > _MOST_PARAMETERS:
        shown = {"parameters": shortened(values.written(shown))}
    file = call.arguments.get("file_path") or call.arguments.get("filePath")
    return {**shown, "file": values.mended(file[: limits.TASK_CHARACTERS])} if isinstance(file, str) and file else shown


def patch_in(response: Any) -> str:
    """Return the patch that a client gives with the answer to an edit: Claude Code its hunks, OpenCode a text."""
    if not isinstance(response, dict):
        return ""
    if isinstance(diff := response.get("diff"), str):
        return diff
    hunks = response.get("structuredPatch")
    shown = [_hunk(hunk) for hunk in hunks if isinstance(hunk, dict)] if isinstance(hunks, list) else []
    return "\n".join(shown)


def _hunk(hunk: dict[str, Any]) -> str:
    old, new = (f"{hunk.get(f'{side}Start')},{hunk.get(f'{side}Lines')}" for side in ("old", "new"))
    lines = hunk.get("lines")
    texts = [line for line in lines if isinstance(line, str)] if isinstance(lines, list) else []
    return "\n".join((f"@@ -{old} +{new} @@", *texts))


def _patched(call: ToolCall) -> list[str]:
    """Return the files that a patch in a call's arguments names, as Codex writes one."""
    patches = (call.arguments.get(name) for name in _PATCHES)
    text = next((patch for patch in patches if isinstance(patch, str) and "*** Begin Patch" in patch), "")
    return list(dict.fromkeys(_PATCHED.findall(text)))[:_MOST_PATCHED]


def _is_new_file(response: dict[str, Any], name: str) -> bool:
    """Whether a text of a response is the file that was just written, which the arguments hold."""
    return name == "content" and "filePath" in response


def _result(call: ToolCall, command: str) -> StepResult:
    response = call.response
    if not isinstance(response, dict):
        return result_of(text_of(response), exit_code=None, failed=call.failed, command=command)
    codes = [response[name] for name in _CODES if isinstance(response.get(name), int)]
    code = int(codes[0]) if codes and not isinstance(codes[0], bool) else None
    said = call.failed or (response.get("success") is False) or (response.get("is_error") is True)
    text = patch_in(response)
    if not text and any(name in response for name in _TEXTS):
        texts = [text_of(response[name]) for name in _TEXTS if response.get(name) and not _is_new_file(response, name)]
        text = "\n".join(each for each in texts if each)
    elif not text:
        shown = {name: value for name, value in response.items() if name not in _WHOLE_FILES}
        text = values.written(shown)
    return result_of(text, exit_code=code, failed=bool(said), command=command)
