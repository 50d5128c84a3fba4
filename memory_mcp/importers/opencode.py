"""This module reads OpenCode's sessions: from its database, or from the files of versions before 1.2."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from memory_mcp.actions.tool_calls import text_of
from memory_mcp.errors import ImporterError, InvalidInputError
from memory_mcp.importers.folders import files_below, open_inside, read_inside
from memory_mcp.importers.json_values import loaded
from memory_mcp.importers.moments import moment_of
from memory_mcp.importers.records import MALFORMED, Bad, Progress, Record
from memory_mcp.importers.transcripts import LoggedSession
from memory_mcp.models.calls import ToolCall
from memory_mcp.storage import foreign

KIND = "opencode"
SUFFIXES = (".db", ".json")
_LONGEST_NAME = 500


def read(path: Path, progress: Progress) -> Iterator[Record | Bad]:
    """Read `opencode.db`, or the directory that holds it or the older `storage`.

    Raises:
        ImporterError: there is neither.

    """
    database = path / "opencode.db" if path.is_dir() else path
    storage = next((each for each in (path / "storage", path) if (each / "session").is_dir()), None)
    if database.is_file():
        try:
            open_inside(path, database).close()
        except ImporterError as error:
            raise ImporterError(f"{database}: {error}") from error
        yield from _read_database(database, progress)
    elif storage is not None:
        yield from _read_storage(path, storage, progress)
    else:
        raise ImporterError(
            f"{path} holds neither opencode.db nor storage; OpenCode's data is in ~/.local/share/opencode"
        )


def _read_database(path: Path, progress: Progress) -> Iterator[Record | Bad]:
    columns = ("id", "parent_id", "title", "directory", "time_created")
    with foreign.opened(path) as database:
        for row in list(database.rows("session", columns, ("directory", "time_created"))):
            try:
                session = _session(row, row["parent_id"], row["time_created"])
            except MALFORMED as error:
                yield Bad.of(f"{path}: session {row['id']!r}"[:_LONGEST_NAME], "session", error)
                continue
            yield from _parts(database, path, session, progress)
            yield from session.episodes()


def _parts(database: foreign.Foreign, path: Path, session: LoggedSession, progress: Progress) -> Iterator[Bad]:
    """Add its parts to a session, and yield the malformed ones."""
    roles: dict[Any, Any] = {}
    chosen = ("session_id", session.source_id)
    for message in database.rows("message", ("id", "data"), (), chosen):
        try:
            roles[message["id"]] = _object(loaded(_bytes(message["data"]))).get("role")
        except MALFORMED as error:
            yield Bad.of(f"{path}: message {message['id']!r}"[:_LONGEST_NAME], "message", error)
    for part in database.rows("part", ("id", "message_id", "time_created", "data"), ("id",), chosen):
        try:
            data = _bytes(part["data"])
            progress(len(data))
            _take(loaded(data), roles.get(part["message_id"]), part["time_created"], session)
        except MALFORMED as error:
            yield Bad.of(f"{path}: part {part['id']!r}"[:_LONGEST_NAME], "part of a session", error)


def _read_storage(root: Path, storage: Path, progress: Progress) -> Iterator[Record | Bad]:
    files = _Files(root, progress)
    for file in files.below(storage / "session"):
        if isinstance(file, Bad):
            yield file
            continue
        try:
            told = files.load(file)
            session = _session(told, told.get("parentID"), _object(told.get("time")).get("created"))
            messages = storage / "message" / _name(session.source_id)
        except (ImporterError, *MALFORMED) as error:
            yield Bad.of(str(file), "session", error)
            continue
        yield from _messages(files, messages, storage, session)
        yield from session.episodes()


def _messages(files: "_Files", messages: Path, storage: Path, session: LoggedSession) -> Iterator[Bad]:
    """Add its messages to a session, and yield the malformed ones."""
    for place in files.below(messages):
        if isinstance(place, Bad):
            yield place
            continue
        try:
            message = files.load(place)
            created = _object(message.get("time")).get("created")
            parts = storage / "part" / _name(message.get("id"))
        except (ImporterError, *MALFORMED) as error:
            yield Bad.of(str(place), "message", error)
            continue
        for part in files.below(parts):
            if isinstance(part, Bad):
                yield part
                continue
            try:
                _take(files.load(part), message.get("role"), created, session)
            except (ImporterError, *MALFORMED) as error:
                yield Bad.of(str(part), "part of a session", error)


class _Files:
    """The JSON files of a folder."""

    def __init__(self, root: Path, progress: Progress) -> None:
        self._root = root
        self._progress = progress

    def below(self, directory: Path) -> Iterator[Path | Bad]:
        """Yield the files of a directory, none where there is no such directory."""
        if directory.is_dir():
            yield from files_below(directory, ".json", root=self._root)

    def load(self, file: Path) -> dict[str, Any]:
        """Return the object in a file.

        Raises:
            ImporterError: it cannot be read.
            InvalidInputError: it is no object.

        """
        content = read_inside(self._root, file)
        self._progress(len(content))
        found = loaded(content)
        if not isinstance(found, dict):
            raise InvalidInputError("it is no object")
        return found


def _session(told: dict[str, Any], parent: Any, created: Any) -> LoggedSession:
    if not isinstance(told.get("id"), str) or not told["id"]:
        raise InvalidInputError("it has no id")
    session = LoggedSession(told["id"], KIND, parent=parent if isinstance(parent, str) else None)
    session.title = text_of(told.get("title"))
    session.directory = text_of(told.get("directory"))
    session.see(moment_of(created))
    return session


def _take(part: Any, role: Any, created: Any, session: LoggedSession) -> None:
    if not isinstance(part, dict):
        raise InvalidInputError("it is no object")
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
    if state.get("status") in ("completed", "error"):
        metadata = _object(state.get("metadata"))
        response = {
            "output": state.get("output") or state.get("error"),
            "exit": metadata.get("exit"),
            "diff": metadata.get("diff"),
        }
        failed = True if state["status"] == "error" else None
        session.answer(call_id, response, failed=failed, at=ended, duration_ms=None)


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _bytes(value: Any) -> bytes:
    if not isinstance(value, str):
        raise InvalidInputError("it has no data")
    return value.encode()


def _name(value: Any) -> str:
    """Return an id after checking that it is a plain directory name."""
    if not isinstance(value, str) or not value or value != Path(value).name or value == "..":
        raise InvalidInputError(f"its id {value!r} names no directory"[:_LONGEST_NAME])
    return value
