"""This module reads what a client tells its hooks."""

from typing import Any, Literal, get_args

import msgspec
from msgspec import Struct

from memory_mcp.errors import InvalidInputError
from memory_mcp.models import limits, values
from memory_mcp.models.calls import ToolCall

EventName = Literal[
    "session-start", "user-prompt", "before-tool", "after-tool", "stop", "before-compaction", "session-end"
]
# as Claude Code names them in `hook_event_name` (2.1.197)
_CLAUDE_NAMES: dict[str, EventName] = {
    "SessionStart": "session-start",
    "UserPromptSubmit": "user-prompt",
    "PreToolUse": "before-tool",
    "PostToolUse": "after-tool",
    "PostToolUseFailure": "after-tool",
    "Stop": "stop",
    "PreCompact": "before-compaction",
    "SessionEnd": "session-end",
}
UNNAMED = "unnamed"
COMPACTED = "compact"  # the source of a session that goes on with a summary of itself
RESUMED = "resume"  # the source of a session that goes on with all that it was told
_CLAUDE_CODE = "claude-code"
NATIVE = {_CLAUDE_CODE, "opencode"}  # speak as Claude Code does; under the names of their importers
FOREIGN = {"codex", "gemini", "cursor", "vscode"}  # see dialects.py
_CLIENTS = NATIVE | FOREIGN


class Event(Struct, frozen=True):
    """One event of an agent's session; `said` is the client's name for it, `at` microseconds UTC.

    A sub-agent's session is named after the one that started it, as in its transcript; `message` is the agent's last
    one.
    """

    name: EventName
    said: str
    session_id: str
    at: int
    prompt: str = ""
    source: str = ""
    call: ToolCall | None = None
    client: str = _CLAUDE_CODE
    message: str = ""


class Said(Struct, frozen=True):
    """A text for an agent, and the ids or names of what it tells.

    `verdict` is what a rule asks the client to do with the call that is about to be made, `reason` the rule's words.
    """

    text: str = ""
    names: tuple[str, ...] = ()
    verdict: Literal["", "ask", "deny"] = ""
    reason: str = ""


class _Told(Struct):
    """The fields that we read; others pass."""

    hook_event_name: str = ""
    session_id: str = ""
    agent_id: Any = ""
    client: Any = ""
    last_assistant_message: Any = ""
    prompt: Any = ""
    source: Any = ""
    tool_name: str = ""
    tool_input: Any = None
    tool_response: Any = None
    error: Any = None
    is_interrupt: Any = False
    duration_ms: Any = None


def read_event(content: bytes, named: str, at: int, client: str = "") -> Event:
    """Read the JSON that a client hands to a hook; `named` is the event's name on the command line, if any.

    `client` is who calls, where that is neither Claude Code nor OpenCode.

    Raises:
        InvalidInputError: it is no JSON object, or the event or the client is none of ours.

    """
    if client and client not in _CLIENTS:
        raise InvalidInputError(f"there is no client '{client}'; there are {', '.join(sorted(_CLIENTS))}")
    if client in FOREIGN:
        from memory_mcp.hooks.dialects import in_claudes_words  # noqa: PLC0415 - the others' hooks do not pay for it

        translated, own = in_claudes_words(content or b"{}", client)
        event = read_event(translated, named, at)
        return msgspec.structs.replace(event, said=own or event.said, client=client)
    told = _told(content or b"{}")
    name = named or _CLAUDE_NAMES.get(told.hook_event_name, told.hook_event_name)
    ours = next((each for each in get_args(EventName) if each == name), None)
    if ours is None:
        raise InvalidInputError(f"there is no hook '{name}'; there are {', '.join(get_args(EventName))}")
    return Event(
        name=ours,
        said=told.hook_event_name or next(said for said, each in _CLAUDE_NAMES.items() if each == name),
        session_id=_session_id(told),
        at=at,
        prompt=told.prompt if isinstance(told.prompt, str) else "",
        source=told.source if isinstance(told.source, str) else "",
        call=_call(told, at) if told.tool_name else None,
        client=told.client if isinstance(told.client, str) and told.client in _CLIENTS else _CLAUDE_CODE,
        message=told.last_assistant_message if isinstance(told.last_assistant_message, str) else "",
    )


def _session_id(told: _Told) -> str:
    agent = told.agent_id if isinstance(told.agent_id, str) else ""
    return f"{told.session_id or UNNAMED}{f':{agent}' if agent else ''}"


def _told(content: bytes) -> _Told:
    """Decode a hook's JSON; JavaScript may cut an emoji in half, and the fast decoder refuses such a text."""
    try:
        return msgspec.json.decode(content, type=_Told)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass  # decoded again below, which tells the reason
    import json  # noqa: PLC0415 - 2 ms, for a rare case

    try:
        return msgspec.convert(values.tamed(json.loads(content.decode("utf-8", "replace"))), _Told)
    except (ValueError, RecursionError) as error:
        raise InvalidInputError(f"stdin is not a hook's JSON: {error}") from error


def _call(told: _Told, at: int) -> ToolCall:
    has_failed = told.hook_event_name == "PostToolUseFailure"
    return ToolCall(
        tool=told.tool_name,
        arguments=values.tamed(told.tool_input) if isinstance(told.tool_input, dict) else {},
        at=at,
        response=values.tamed(told.error if has_failed else told.tool_response),
        failed=True if has_failed else None,
        interrupted=told.is_interrupt is True,
        duration_ms=_duration(told.duration_ms),
    )


def _duration(given: Any) -> float | None:
    if not isinstance(given, int | float) or isinstance(given, bool):
        return None
    return float(given) if given <= limits.GREATEST_COUNT else None
