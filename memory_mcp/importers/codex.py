"""This module reads Codex's sessions: `rollout-*.jsonl` below ~/.codex/sessions."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from memory_mcp.actions.tool_calls import text_of
from memory_mcp.errors import ImporterError
from memory_mcp.importers.codex_answers import read_answer
from memory_mcp.importers.folders import files_below
from memory_mcp.importers.json_values import decoded, loaded
from memory_mcp.importers.line_files import records_in
from memory_mcp.importers.moments import moment_of
from memory_mcp.importers.records import Bad, Progress, Record
from memory_mcp.importers.transcripts import LoggedSession
from memory_mcp.models.calls import ToolCall

KIND = "codex"
SUFFIXES = (".jsonl",)
_CALLS = frozenset(("function_call", "custom_tool_call", "local_shell_call"))
_ANSWERS = frozenset(("function_call_output", "custom_tool_call_output", "local_shell_call_output"))
_NO_PROMPT = ("<environment_context>", "<user_instructions>", "<permissions", "# AGENTS.md", "<turn_aborted>")


class _Line(Struct):
    timestamp: Any = None
    type: str = ""
    payload: dict[str, Any] | None = None


_DECODER = msgspec.json.Decoder(_Line)


def read(path: Path, progress: Progress) -> Iterator[Record | Bad]:
    """Read a session, or all below a directory.

    Raises:
        ImporterError: the path is not there.

    """
    if not path.exists():
        raise ImporterError(f"{path} is not there; Codex's sessions lie in ~/.codex/sessions")
    for file in files_below(path, *SUFFIXES):
        if isinstance(file, Bad):
            yield file
        else:
            yield from _read_file(path, file, progress)


def _read_file(root: Path, file: Path, progress: Progress) -> Iterator[Record | Bad]:
    session = LoggedSession(file.stem, KIND)
    yield from records_in(
        root, file, lambda raw: _take(decoded(raw, _DECODER), raw, session), progress, "line of a session"
    )
    yield from session.episodes()


def _take(line: _Line, raw: bytes, session: LoggedSession) -> None:
    at = moment_of(line.timestamp)
    item: dict[str, Any] = line.payload if line.payload is not None else loaded(raw)
    if line.type == "session_meta" and isinstance(item.get("id"), str):
        session.source_id = item["id"]
        session.directory = text_of(item.get("cwd"))
    kind = item.get("type") if line.payload is not None else line.type
    session.see(at)
    if line.payload is not None and line.type != "response_item":
        return
    if kind == "message":
        text = text_of(item.get("content"))
        if item.get("role") == "user" and not text.lstrip().startswith(_NO_PROMPT):
            session.prompt(text, at)
        elif item.get("role") == "assistant" and text:
            session.said = text
    elif kind in _CALLS:
        session.call(str(item.get("call_id") or item.get("id")), _call(item, at))
    elif kind in _ANSWERS:
        _answer(item, session, at)


def _call(item: dict[str, Any], at: int) -> ToolCall:
    if item.get("type") == "local_shell_call":
        action = item.get("action")
        return ToolCall("shell", action if isinstance(action, dict) else {}, at)
    given = item.get("arguments", item.get("input"))
    arguments: Any = given
    if isinstance(given, str):
        try:
            arguments = msgspec.json.decode(given)
        except (msgspec.DecodeError, RecursionError):
            arguments = {"input": given}
    return ToolCall(str(item.get("name", "")), arguments if isinstance(arguments, dict) else {"input": given}, at)


def _answer(item: dict[str, Any], session: LoggedSession, at: int) -> None:
    """Take an answer; a call that the user aborted stays without one."""
    answer = read_answer(item.get("output"))
    if not answer.aborted:
        call_id = str(item.get("call_id"))
        session.answer(call_id, answer.output, failed=answer.failed, at=at, duration_ms=answer.duration_ms)
