"""This module reads Claude Code's transcripts: a session is an episode, each side chain a child of it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from memory_mcp.actions.tool_calls import text_of
from memory_mcp.errors import ImporterError, InvalidInputError, LimitError
from memory_mcp.importers.folders import files_below
from memory_mcp.importers.json_values import decoded, loaded
from memory_mcp.importers.line_files import records_in
from memory_mcp.importers.moments import moment_of
from memory_mcp.importers.records import Bad, Progress, Record
from memory_mcp.importers.transcripts import LoggedSession
from memory_mcp.models.calls import ToolCall

KIND = "claude-code"
SUFFIXES = (".jsonl",)
_TELLING = {"stdout", "stderr", "structuredPatch"}  # of what a tool answered, more than the model was shown
_MOST_HELD = 500_000
_PASSED_OVER = frozenset(("file-history-snapshot", "queue-operation", "progress", "last-prompt", "mode", "ai-title"))
_NO_PROMPT = ("<command-", "<local-command-", "Caveat: The messages below", "<system-reminder>", "[Request interrupted")


class _Message(Struct):
    role: str = ""
    content: Any = None


class _Line(Struct):
    type: str = ""
    uuid: str = ""
    parentUuid: str | None = None  # noqa: N815 - Claude Code's own names, as below
    sessionId: str = ""  # noqa: N815
    cwd: Any = None
    agentId: str = ""  # noqa: N815
    isSidechain: bool = False  # noqa: N815
    isMeta: bool = False  # noqa: N815
    timestamp: Any = None
    message: msgspec.Raw = msgspec.Raw(b"null")
    toolUseResult: msgspec.Raw = msgspec.Raw(b"null")  # noqa: N815
    summary: str = ""


_DECODER = msgspec.json.Decoder(_Line)
_MESSAGE = msgspec.json.Decoder(_Message)


def read(path: Path, progress: Progress) -> Iterator[Record | Bad]:
    """Read a transcript, or all below a directory such as ~/.claude/projects.

    Raises:
        ImporterError: the path is not there.

    """
    if not path.exists():
        raise ImporterError(f"{path} is not there; Claude Code's transcripts lie in ~/.claude/projects")
    for file in files_below(path, *SUFFIXES):
        if isinstance(file, Bad):
            yield file
        else:
            yield from _read_file(path, file, progress)


def _read_file(root: Path, file: Path, progress: Progress) -> Iterator[Record | Bad]:
    sessions: dict[str, LoggedSession] = {}
    roots: dict[str, str] = {}  # message of a side chain → its first one

    def take(raw: bytes) -> None:
        _take(decoded(raw, _DECODER), file.stem, sessions, roots)

    yield from records_in(root, file, take, progress, "line of a transcript")
    for session in sorted(sessions.values(), key=lambda each: each.parent is not None):
        yield from session.episodes()


def _take(line: _Line, main: str, sessions: dict[str, LoggedSession], roots: dict[str, str]) -> None:
    """Add a line to its session.

    Raises:
        InvalidInputError: it does not hold what such a line holds.

    """
    if line.type in _PASSED_OVER:
        return
    if line.type == "summary":
        _session(line, main, sessions, roots).title = line.summary
        return
    if line.type not in {"user", "assistant"}:
        if not line.type:
            raise InvalidInputError("it has no type")
        return
    message = decoded(bytes(line.message), _MESSAGE)
    session = _session(line, main, sessions, roots)
    at = moment_of(line.timestamp)
    session.see(at)
    session.directory = session.directory or text_of(line.cwd)
    if line.type == "user":
        _take_user(line, message, session, at)
    else:
        _take_assistant(message, session, at)


def _session(line: _Line, main: str, sessions: dict[str, LoggedSession], roots: dict[str, str]) -> LoggedSession:
    """Return the session of a line: the file's own, or that of the side chain that it belongs to."""
    if len(sessions) + len(roots) > _MOST_HELD:
        raise LimitError(f"the file has more than {_MOST_HELD} sessions and side chains; those beyond are left out")
    own = line.sessionId or main
    if not line.isSidechain:
        return sessions.setdefault(own, LoggedSession(own, KIND))
    root = line.agentId or roots.get(line.parentUuid or "", line.uuid)
    roots[line.uuid] = root
    chain = f"{own}:{root}"
    return sessions.setdefault(chain, LoggedSession(chain, KIND, parent=own))


def _take_user(line: _Line, message: _Message, session: LoggedSession, at: int) -> None:
    parts = message.content if isinstance(message.content, list) else [{"type": "text", "text": message.content}]
    texts = []
    for part in parts:
        if not isinstance(part, dict):
            raise InvalidInputError("a part of the message is no object")
        if part.get("type") == "tool_result":
            response = part.get("content")
            told = loaded(bytes(line.toolUseResult))
            if isinstance(told, dict) and _TELLING & told.keys() and part.get("is_error") is not True:
                response = told
            failed = True if part.get("is_error") is True else None
            session.answer(str(part.get("tool_use_id")), response, failed=failed, at=at, duration_ms=None)
        elif part.get("type") == "text":
            texts.append(text_of(part.get("text")))
    text = "\n".join(texts).strip()
    if text and not line.isMeta and not text.startswith(_NO_PROMPT):
        session.prompt(text, at)


def _take_assistant(message: _Message, session: LoggedSession, at: int) -> None:
    parts = message.content if isinstance(message.content, list) else [{"type": "text", "text": message.content}]
    for part in parts:
        if not isinstance(part, dict):
            continue
        if part.get("type") == "tool_use":
            arguments = part.get("input")
            call = ToolCall(str(part.get("name", "")), arguments if isinstance(arguments, dict) else {}, at)
            session.call(str(part.get("id")), call)
        elif part.get("type") == "text" and isinstance(part.get("text"), str):
            session.said = part["text"]
