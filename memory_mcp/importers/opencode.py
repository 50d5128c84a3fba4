"""This module reads OpenCode's sessions: from its database, or from the files of versions before 1.2."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from memory_mcp.actions.tool_calls import ToolCall, text_of
from memory_mcp.errors import ImporterError
from memory_mcp.importers.records import Bad, Progress, Record
from memory_mcp.importers.transcripts import LoggedSession, moment_of
from memory_mcp.storage import foreign

KIND = "opencode"
SUFFIXES = (".db", ".json")


def read(path: Path, progress: Progress) -> Iterator[Record | Bad]:
    """Read `opencode.db`, or the directory that holds it or the older `storage`.

    Raises:
        ImporterError: there is neither.

    """
    database = path / "opencode.db" if path.is_dir() else path
    storage = next((each for each in (path / "storage", path) if (each / "session").is_dir()), None)
    if database.is_file():
        yield from _read_database(database, progress)
    elif storage is not None:
        yield from _read_storage(storage, progress)
    else:
        raise ImporterError(
            f"{path} holds neither opencode.db nor storage; OpenCode's data is in ~/.local/share/opencode"
        )


def _read_database(path: Path, progress: Progress) -> Iterator[Record | Bad]:
    with foreign.opened(path) as database:
        for row in list(
            database.rows("session", ("id", "parent_id", "title", "directory", "time_created"), "time_created")
        ):
            session = _session(row["id"], row["parent_id"], row["title"], row["time_created"])
            session.directory = text_of(row["directory"])
            roles: dict[str, Any] = {}
            for message in database.rows("message", ("id", "data"), "time_created", ("session_id", row["id"])):
                roles[message["id"]] = json.loads(message["data"]).get("role")
            for part in database.rows(
                "part", ("id", "message_id", "time_created", "data"), "id", ("session_id", row["id"])
            ):
                progress(len(part["data"]))
                try:
                    _take(json.loads(part["data"]), roles.get(part["message_id"]), part["time_created"], session)
                except ValueError as error:
                    yield Bad(f"{path}: part {part['id']}", str(error))
            yield from session.episodes()


def _read_storage(storage: Path, progress: Progress) -> Iterator[Record | Bad]:
    for file in sorted((storage / "session").rglob("*.json")):
        try:
            told = _load(file, progress)
            session = _session(told["id"], told.get("parentID"), told.get("title"), told.get("time", {}).get("created"))
            session.directory = text_of(told.get("directory"))
            for message_file in _sorted(storage / "message" / told["id"]):
                message = _load(message_file, progress)
                created = message.get("time", {}).get("created")
                for part_file in _sorted(storage / "part" / message["id"]):
                    _take(_load(part_file, progress), message.get("role"), created, session)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            yield Bad(str(file), f"this is no session: {type(error).__name__} {error}")
            continue
        yield from session.episodes()


def _session(session_id: str, parent: str | None, title: str | None, created: Any) -> LoggedSession:
    session = LoggedSession(session_id, KIND, parent=parent, title=title or "")
    session.see(moment_of(created))
    return session


def _take(part: dict[str, Any], role: str | None, created: Any, session: LoggedSession) -> None:
    at = moment_of(created)
    session.see(at)
    text = part.get("text")
    if part.get("type") == "text" and isinstance(text, str) and not part.get("synthetic"):
        if role == "user":
            session.prompt(text, at)
        else:
            session.said = text
    state = part.get("state")
    if part.get("type") != "tool" or not isinstance(state, dict):
        return
    time = _object(state.get("time"))
    began, ended = moment_of(time.get("start")) or at, moment_of(time.get("end"))
    call_id = str(part.get("callID") or part.get("id"))
    session.call(call_id, ToolCall(str(part.get("tool", "")), _object(state.get("input")), began))
    if state.get("status") in {"completed", "error"}:
        exit_code = _object(state.get("metadata")).get("exit")
        response = {"output": state.get("output") or state.get("error"), "exit": exit_code}
        failed = True if state["status"] == "error" else None
        session.answer(call_id, response, failed=failed, at=ended, duration_ms=None)


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _sorted(directory: Path) -> Iterable[Path]:
    return sorted(directory.glob("*.json"))


def _load(file: Path, progress: Progress) -> dict[str, Any]:
    content = file.read_bytes()
    progress(len(content))
    found: dict[str, Any] = json.loads(content)
    return found
