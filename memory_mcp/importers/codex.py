"""This module reads Codex's sessions: `rollout-*.jsonl` below ~/.codex/sessions."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from memory_mcp.actions.tool_calls import text_of
from memory_mcp.errors import ImporterError
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
# what stands above the output of a command since exit codes are told in words: at most six lines
_ENDED = re.compile(
    r"\A(?:(?:Chunk ID|Wall time|Exit code|Process exited with code|Process running with session ID"
    r"|Original token count|Total output lines)\b[^\n]*\n){1,7}Output:\n?"
)
_EXIT_CODE = re.compile(r"^(?:Exit code:|Process exited with code) (-?\d{1,9})\b", re.MULTILINE)
_WALL_TIME = re.compile(r"^Wall time: (\d{1,9}(?:\.\d{1,9})?) seconds", re.MULTILINE)
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
    output: Any = item.get("output")
    duration_ms = None
    if isinstance(output, str) and output.startswith("{"):
        try:
            output = msgspec.json.decode(output)
        except (msgspec.DecodeError, RecursionError):
            output = item.get("output")
    if isinstance(output, dict) and isinstance(output.get("metadata"), dict):
        metadata = output["metadata"]
        seconds = metadata.get("duration_seconds")
        duration_ms = float(seconds) * 1_000 if isinstance(seconds, int | float) else None
        output = {"output": output.get("output"), "exit_code": metadata.get("exit_code")}
    elif found := _ENDED.match(text_of(output)):
        head = found[0]
        seconds = _WALL_TIME.search(head)
        duration_ms = float(seconds[1]) * 1_000 if seconds else None
        code = _EXIT_CODE.search(head)
        output = {"output": text_of(output)[found.end() :], "exit_code": int(code[1]) if code else None}
    session.answer(str(item.get("call_id")), output, failed=None, at=at, duration_ms=duration_ms)
