"""This module reads how a call of Codex went from the text that Codex gave its model as the answer."""

import re
from typing import Any

import msgspec
from msgspec import Struct

from memory_mcp.actions.tool_calls import text_of

# What Codex writes above an output, at most eight lines: unified exec, the shell tool, and a program of tool calls
# (`response_header`, `format_exec_output_for_model_freeform` and `prepend_script_status` in its source).
_HEAD = re.compile(
    r"\A(?:(?:Chunk ID|Wall time|Exit code|Process exited with code|Process running with session ID"
    r"|Original token count|Total output lines|Warning: truncated output|Warning: The maximum number of unified exec"
    r"|Script (?:completed|failed|terminated|running with cell ID))\b[^\n]*\n){1,8}Output:\n*"
)
_EXIT_CODE = re.compile(r"^(?:Exit code:|Process exited with code) (-?\d{1,9})\b", re.MULTILINE)
_WALL_TIME = re.compile(r"^Wall time:? (\d{1,9}(?:\.\d{1,9})?) seconds", re.MULTILINE)
_SCRIPT_FAILED = "Script failed\n"
# what it answers where nothing ran, in place of an output
_REFUSED = re.compile(
    r"\A(?:exec_command failed\b|write_stdin (?:failed|rejected)\b|apply_patch verification failed:|execution error: "
    r"|(?:exec command|patch) rejected by user|failed to parse function arguments\b|unsupported call: )"
)
_ABORTED = re.compile(r"\A(?:Wall time: [\d.]{1,12} seconds\n)?aborted by user(?: after [\d.]{1,12}s)?\s*\Z")


class Answer(Struct, frozen=True):
    """What a call gave out; it has no result where the user aborted it."""

    output: Any
    failed: bool | None = None
    duration_ms: float | None = None
    aborted: bool = False


def read_answer(output: Any) -> Answer:
    """Read the output of an item that answers a call."""
    given = _structured(output)
    if isinstance(given, dict) and isinstance(given.get("metadata"), dict):
        return _with_metadata(given, given["metadata"])
    if isinstance(given, dict):
        return Answer(given)
    text = text_of(given)
    if _ABORTED.match(text):
        return Answer(text, aborted=True)
    if found := _HEAD.match(text):
        return _with_head(found[0], text[found.end() :])
    return Answer(given, failed=True if _REFUSED.match(text) else None)


def _structured(output: Any) -> Any:
    if not isinstance(output, str) or not output.startswith("{"):
        return output
    try:
        return msgspec.json.decode(output)
    except (msgspec.DecodeError, RecursionError):
        return output


def _with_metadata(given: dict[str, Any], metadata: dict[str, Any]) -> Answer:
    seconds = metadata.get("duration_seconds")
    took = float(seconds) * 1_000 if isinstance(seconds, int | float) else None
    return Answer({"output": given.get("output"), "exit_code": metadata.get("exit_code")}, duration_ms=took)


def _with_head(head: str, text: str) -> Answer:
    seconds = _WALL_TIME.search(head)
    code = _EXIT_CODE.search(head)
    return Answer(
        {"output": text, "exit_code": int(code[1]) if code else None},
        failed=True if head.startswith(_SCRIPT_FAILED) else None,
        duration_ms=float(seconds[1]) * 1_000 if seconds else None,
    )
