"""This module says before a call which of the user's rules it would break, and what the client is to do then."""

from collections.abc import Collection
from typing import Literal

from memory_mcp.actions.tool_calls import planned_step
from memory_mcp.clock import iso
from memory_mcp.hooks.events import Said
from memory_mcp.hooks.fence import Section, clipped, fenced
from memory_mcp.memory import Memory
from memory_mcp.models.calls import ToolCall
from memory_mcp.models.rules import Rule
from memory_mcp.telling import handles

_WRITTEN = ("new_string", "newString", "content", "new_str", "patch", "input", "patchText", "edits")


def with_rules(memory: Memory, call: ToolCall, told: Collection[str], said: Said) -> Said:
    """Add to what is said before a call the rules that it would break.

    A rule that only warns is told once in a session; one that asks or denies holds at each call.
    """
    step = planned_step(call)
    whole = {name: call.arguments[name] for name in _WRITTEN if name in call.arguments}  # a step keeps less of them
    broken = memory.rules.broken_by(step, whole)
    strict = [rule for rule in broken if rule.action != "warn"]
    warned = [rule for rule in broken if rule.action == "warn" and handles.breaking(rule.id) not in told]
    text = "\n".join(filter(None, (said.text, _warning(memory, warned))))
    names = (*said.names, *(rule.id for rule in (*strict, *warned)), *(handles.breaking(rule.id) for rule in warned))
    if not strict:
        return Said(text, names)
    verdict: Literal["ask", "deny"] = "deny" if strict[0].action == "deny" else "ask"
    return Said(text, names, verdict, f"This breaks a rule of this project: {_quoted(strict[0])}")


def _warning(memory: Memory, rules: Collection[Rule]) -> str:
    return fenced(
        [Section("The user's rules:", [_quoted(rule) for rule in rules])], memory.settings.hooks.warning_tokens
    )


def _quoted(rule: Rule) -> str:
    said_at = rule.quotes[0].said_at if rule.quotes else rule.made_at
    return f'"{clipped(rule.text)}" (the user, {iso(said_at)[:10]}; memory-cli rule view {rule.id[-8:]})'
