"""This module says how hooks stand in each coding agent's file, and what an agent's hooks cannot do."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from msgspec import Struct

from memory_cli.clients.catalogue import ClientName
from memory_mcp.hooks.dialects import DIALECTS

_TIMEOUT_S = 10
_CLAUDE_EVENTS = (
    *("SessionStart", "UserPromptSubmit", "PreToolUse", "PostToolUse", "PostToolUseFailure", "Stop", "PreCompact"),
    "SessionEnd",
)
_MATCHED = {"PreToolUse", "PostToolUse", "PostToolUseFailure", "BeforeTool", "AfterTool"}
_CODEX_END_S = 3  # Codex allows no more at a session's end, and warns


_FIELDS: Mapping[str, Any] = MappingProxyType({"type": "command", "timeout": _TIMEOUT_S})
_NOTHING: Mapping[str, Any] = MappingProxyType({})


class Layout(Struct, frozen=True):
    """How an agent's file holds hooks: in groups with a matcher or one by one, and what else they say."""

    events: tuple[str, ...]
    options: str = ""
    is_flat: bool = False
    fields: Mapping[str, Any] = _FIELDS
    file: Mapping[str, Any] = _NOTHING

    def entry(self, event: str, command: str) -> dict[str, Any]:
        """Return what stands in the list of an event."""
        hook = {**self.fields, "command": command}
        if event == "SessionEnd" and self.options == " --client codex":
            hook["timeout"] = _CODEX_END_S
        if self.is_flat:
            return hook
        return {**({"matcher": "*"} if event in _MATCHED else {}), "hooks": [hook]}


LAYOUTS: dict[ClientName, Layout] = {
    "claude": Layout(_CLAUDE_EVENTS),
    "codex": Layout(tuple(DIALECTS["codex"].names), " --client codex"),
    "gemini": Layout(
        tuple(DIALECTS["gemini"].names),
        " --client gemini",
        fields={"name": "memory-mcp", "type": "command", "timeout": _TIMEOUT_S * 1_000},
    ),
    "cursor": Layout(
        tuple(DIALECTS["cursor"].names),
        " --client cursor",
        is_flat=True,
        fields={"timeout": _TIMEOUT_S},
        file={"version": 1},
    ),
    "vscode": Layout(tuple(DIALECTS["vscode"].names), " --client vscode", is_flat=True),
}

# what somebody who uses several agents would miss, as it was read in their packages and manuals
LACKS: dict[ClientName, tuple[str, ...]] = {
    "opencode": (
        "what is known against a call is told with its result",
        "it cannot ask the user about a rule: the rule is told instead",
    ),
    "codex": (
        "it runs them once you have trusted them with /hooks",
        "it cannot ask the user about a rule: the rule is told instead",
        "they do not say how a command ended: only tests, builds and linters are known to fail, by their output",
    ),
    "gemini": (
        "what is known against a call is told with its result",
        "they do not say when the context was summarised, so nothing is told again then",
    ),
    "cursor": (
        "what answers a prompt, and what is known against a call, is told with the result of the next tool",
        "it cannot ask the user about a rule: the rule is told instead",
        "they do not hand over the agent's last message",
    ),
    "vscode": (
        "what answers a prompt is told before the next tool",
        "they do not say how a command ended: only tests, builds and linters are known to fail, by their output",
        "they neither say that a session has ended nor hand over the agent's last message",
        "it runs Claude Code's hooks too, so install only one of the two",
    ),
}
