"""This module knows how clients other than Claude Code and OpenCode name events, and what they take as an answer."""

import contextlib
import json
from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Struct

from memory_mcp.hooks.events import Event, EventName, Said
from memory_mcp.models import values

Fields = dict[str, Any]


class Dialect(Struct, frozen=True):
    """What a client calls its events, the moments at which its model reads a text, the verdicts that it obeys."""

    names: dict[str, str]
    shown: frozenset[EventName]
    verdicts: frozenset[str]
    read: Callable[[Fields], Fields]


_TAKES = (
    *("session_id", "agent_id", "source", "prompt", "tool_name", "tool_input", "tool_response", "error"),
    *("is_interrupt", "duration_ms", "last_assistant_message"),
)
# Cursor names the tool of a server without its server
_OWN_TOOLS = frozenset(
    (
        *("query_memory", "recommend_playbook", "create_episode", "check_action", "add_episode_steps", "rules"),
        *("complete_episode", "record_feedback", "checkpoint_episode", "resume_from_handoff", "remember_note"),
        *("get_episode", "health_check"),
    )
)
_MCP = "MCP:"
_CONTEXT, _CONTEXT_END = "<hook_context>", "</hook_context>"


def _codex(told: Fields) -> Fields:
    """Codex 0.169: as Claude Code's, but a patch stands in the argument `command`, and outputs are bare texts."""
    arguments = told.get("tool_input")
    if told.get("tool_name") == "apply_patch" and isinstance(arguments, dict) and "command" in arguments:
        return {**told, "tool_input": {**_without(arguments, "command"), "input": arguments["command"]}}
    return told


def _gemini(told: Fields) -> Fields:
    """Gemini CLI 0.61: the answer of a tool holds what the model reads, what the user sees and an error.

    `PreCompress` comes before every request, so it is none of the events. What hooks said at a session's start stands
    before its first prompt; it is not the user's word.
    """
    read = {**told, "last_assistant_message": told.get("prompt_response"), "prompt": _own_prompt(told.get("prompt"))}
    answer = told.get("tool_response")
    if not isinstance(answer, dict):
        return read
    text, shown = _text(answer.get("llmContent")), answer.get("returnDisplay")
    error = answer.get("error")
    if isinstance(shown, dict) and isinstance(shown.get("fileDiff"), str):
        read["tool_response"] = {"diff": shown["fileDiff"]}
    elif told.get("tool_name") == "run_shell_command":
        read["tool_response"] = {"output": _unwrapped(text), "exit_code": _exit_code(text)}
    else:
        read["tool_response"] = text
    if error and told.get("tool_name") != "run_shell_command":
        read |= {"hook_event_name": "PostToolUseFailure", "error": text or _text(error)}
    return read


def _cursor(told: Fields) -> Fields:
    """Cursor: the session is a conversation, the answer of a tool JSON in a string."""
    tool, output = told.get("tool_name"), told.get("tool_output")
    if isinstance(output, str):
        with contextlib.suppress(ValueError, RecursionError):  # a bare text
            output = json.loads(output)
    if isinstance(tool, str) and tool.startswith(_MCP) and tool.removeprefix(_MCP) in _OWN_TOOLS:
        tool = f"mcp__memory-mcp__{tool.removeprefix(_MCP)}"
    return {
        **told,
        "session_id": told.get("conversation_id") or told.get("session_id"),
        "tool_name": tool,
        "tool_response": output,
        "error": told.get("error_message"),
        "duration_ms": told.get("duration"),
    }


def _vscode(told: Fields) -> Fields:
    """VS Code: two common fields are in camel case in some releases."""
    return {
        **told,
        "session_id": told.get("session_id") or told.get("sessionId"),
        "hook_event_name": told.get("hook_event_name") or told.get("hookEventName"),
    }


_AS_CLAUDE = {name: name for name in ("SessionStart", "UserPromptSubmit", "PreToolUse", "PostToolUse", "Stop")}
_AS_CLAUDE["PreCompact"] = "PreCompact"
# the client's own name of an event → Claude Code's, which events.py reads; 'setup' installs these
DIALECTS: dict[str, Dialect] = {
    "codex": Dialect(
        {**_AS_CLAUDE, "SessionEnd": "SessionEnd"},
        frozenset(("session-start", "user-prompt", "before-tool")),
        frozenset(("deny",)),
        _codex,
    ),
    "gemini": Dialect(
        {
            "SessionStart": "SessionStart",
            "BeforeAgent": "UserPromptSubmit",
            "BeforeTool": "PreToolUse",
            "AfterTool": "PostToolUse",
            "AfterAgent": "Stop",
            "SessionEnd": "SessionEnd",
        },
        frozenset(("session-start", "user-prompt", "after-tool")),
        frozenset(("ask", "deny")),
        _gemini,
    ),
    "cursor": Dialect(
        {
            "sessionStart": "SessionStart",
            "beforeSubmitPrompt": "UserPromptSubmit",
            "preToolUse": "PreToolUse",
            "postToolUse": "PostToolUse",
            "postToolUseFailure": "PostToolUseFailure",
            "stop": "Stop",
            "preCompact": "PreCompact",
            "sessionEnd": "SessionEnd",
        },
        frozenset(("session-start", "after-tool")),
        frozenset(("deny",)),
        _cursor,
    ),
    "vscode": Dialect(_AS_CLAUDE, frozenset(("session-start", "before-tool")), frozenset(("ask", "deny")), _vscode),
}


def in_claudes_words(content: bytes, client: str) -> tuple[bytes, str]:
    """Return what a client told its hook as Claude Code would tell it, and the event's own name.

    What is no JSON object is returned as it is, for the reader of events to refuse.
    """
    try:
        told = values.tamed(json.loads(content.decode("utf-8", "replace")))
    except (ValueError, RecursionError):
        return content, ""
    if not isinstance(told, dict):
        return content, ""
    dialect = DIALECTS[client]
    own = told.get("hook_event_name") or told.get("hookEventName") or ""
    own = own if isinstance(own, str) else ""
    said = dialect.read({**told, "hook_event_name": dialect.names.get(own, own)})
    kept = {name: said[name] for name in (*_TAKES, "hook_event_name") if said.get(name) is not None}
    return msgspec.json.encode({**kept, "client": client}), own


def shows(client: str, name: EventName) -> bool:
    """Whether the model of a client reads what a hook says at this event."""
    return client not in DIALECTS or name in DIALECTS[client].shown


def fitted(event: Event, said: Said) -> Said:
    """Return what is left to say of an answer where a client shows or obeys only a part of it at this event."""
    if event.client not in DIALECTS:
        return said
    dialect = DIALECTS[event.client]
    is_shown = event.name in dialect.shown
    obeyed = event.name == "before-tool" and said.verdict in dialect.verdicts
    if obeyed:
        return said if is_shown else msgspec.structs.replace(said, text="", names=())
    if not is_shown:
        return Said()
    was_asked = said.verdict in dialect.verdicts  # before the call
    reason = said.reason if said.verdict and not was_asked else ""
    return Said("\n".join(filter(None, (said.text, reason))), said.names)


def answer(event: Event, said: Said) -> str:
    """Return an answer as a client reads it."""
    if event.client == "cursor":
        asked = {"permission": said.verdict, "user_message": said.reason, "agent_message": said.reason}
        return json.dumps(
            {**({"additional_context": said.text} if said.text else {}), **(asked if said.verdict else {})}
        )
    specific = {"hookEventName": event.said, **({"additionalContext": said.text} if said.text else {})}
    if event.client == "gemini":
        decided = {"decision": said.verdict, "reason": said.reason} if said.verdict else {}
        return json.dumps({**decided, **({"hookSpecificOutput": specific} if said.text else {})})
    if said.verdict:
        specific |= {"permissionDecision": said.verdict, "permissionDecisionReason": said.reason}
    return json.dumps({"hookSpecificOutput": specific})


def _without(fields: Fields, name: str) -> Fields:
    return {each: value for each, value in fields.items() if each != name}


def _text(content: Any) -> str:
    """Return the text of a model's part, or of several."""
    if isinstance(content, str):
        return content
    if isinstance(content, dict):
        return _text(content.get("text") or content.get("message") or "")
    return "\n".join(_text(each) for each in content) if isinstance(content, list) else ""


def _own_prompt(prompt: Any) -> Any:
    """Return a prompt without what hooks put before it, in which Gemini CLI writes `<` as `&lt;`."""
    while isinstance(prompt, str) and prompt.startswith(_CONTEXT):
        _, ended, prompt = prompt.partition(_CONTEXT_END)
        prompt = prompt.lstrip("\n") if ended else ""
    return prompt


def _unwrapped(text: str) -> str:
    return text.removeprefix("<untrusted_context>\n").removesuffix("\n</untrusted_context>").removeprefix("Output: ")


def _exit_code(text: str) -> int | None:
    """Return the exit code of a command: Gemini CLI names none but another than 0, and none of what was stopped."""
    _, found, rest = text.rpartition("\nExit Code: ")
    if found:
        code = rest.partition("\n")[0].strip()
        return int(code) if code.lstrip("-").isdecimal() and len(code) < len("-2147483648") else 1
    return 0 if _unwrapped(text) != text and "\nSignal: " not in text else None
