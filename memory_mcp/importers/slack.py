"""This module reads a Slack export: a channel is a note, a thread or a day of a channel a conversation."""

import json
import re
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

from memory_mcp.errors import ImporterError
from memory_mcp.importers.records import Bad, ConversationRecord, NoteRecord, Progress, Record, note_of
from memory_mcp.models import limits
from memory_mcp.models.conversations import Message

KIND = "slack"
SUFFIXES = (".json", ".zip")
_LISTS = ("channels.json", "groups.json", "mpims.json", "dms.json")
_NO_MESSAGE = frozenset(
    ("channel_join", "channel_leave", "channel_topic", "channel_purpose", "channel_name", "bot_add")
)
_MENTION = re.compile(r"<@(\w+)(?:\|([^>]+))?>")
_LINK = re.compile(r"<((?:https?|mailto):[^|>]+)(?:\|([^>]+))?>")
_LARGEST = 200_000_000  # bytes of one file inside an archive


class _Source:
    """The files of an export, unpacked or not."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._archive = zipfile.ZipFile(path) if path.is_file() else None
        except (OSError, zipfile.BadZipFile) as error:
            raise ImporterError(f"{path} is neither a directory nor a zip file of a Slack export") from error

    def names(self) -> list[str]:
        if self._archive:
            return sorted(each.filename for each in self._archive.infolist() if each.file_size <= _LARGEST)
        return sorted(each.relative_to(self._path).as_posix() for each in self._path.rglob("*.json"))

    def load(self, name: str, progress: Progress) -> Any:
        content = self._archive.read(name) if self._archive else (self._path / name).read_bytes()
        progress(len(content))
        return json.loads(content)


def read(path: Path, progress: Progress) -> Iterator[Record | Bad]:
    """Read an export: the zip file that Slack makes, or its directory.

    Raises:
        ImporterError: it is no export.

    """
    if not path.exists():
        raise ImporterError(f"{path} is not there")
    source = _Source(path)
    names = source.names()
    if not any(name in _LISTS for name in names):
        raise ImporterError(f"{path} has none of {', '.join(_LISTS)}; is it a Slack export?")
    people = _people(source, names, progress)
    for name in (each for each in _LISTS if each in names):
        for channel in source.load(name, progress):
            if isinstance(channel, dict) and (channel.get("name") or channel.get("id")):
                yield from _channel(channel, people)
                yield from _talks(source, names, str(channel.get("name") or channel["id"]), people, progress)


def _people(source: _Source, names: list[str], progress: Progress) -> dict[str, str]:
    rows = source.load("users.json", progress) if "users.json" in names else []
    return {
        str(row["id"]): str((row.get("profile") or {}).get("display_name") or row.get("real_name") or row.get("name"))
        for row in rows
        if isinstance(row, dict) and row.get("id")
    }


def _channel(channel: dict[str, Any], people: dict[str, str]) -> Iterator[Record]:
    name = str(channel.get("name") or channel.get("id"))
    told = [f"{part}: {_plain(value, people)}" for part in ("topic", "purpose") if (value := _value(channel.get(part)))]
    members = [people.get(str(each), str(each)) for each in channel.get("members") or []]
    if told:
        text = "\n".join((f"Slack channel #{name}", *told, f"{len(members)} members: {', '.join(members[:50])}"))
        yield NoteRecord(
            f"channel:{channel.get('id') or name}", note_of(text[: limits.NOTE_CHARACTERS], tags=("slack",))
        )


def _value(part: Any) -> str:
    return str(part.get("value") or "").strip() if isinstance(part, dict) else ""


def _talks(
    source: _Source, names: list[str], channel: str, people: dict[str, str], progress: Progress
) -> Iterator[Record | Bad]:
    """Yield the threads of a channel, and by day what is said outside of threads."""
    threads: dict[str, list[Message]] = {}
    days: dict[str, list[Message]] = {}
    for name in (each for each in names if PurePosixPath(each).parent.as_posix() == channel and each.endswith(".json")):
        try:
            rows = source.load(name, progress)
        except (OSError, ValueError) as error:
            yield Bad(name, f"it cannot be read: {error}")
            continue
        for number, row in enumerate(rows if isinstance(rows, list) else [], 1):
            try:
                message = _message(row, people)
            except (TypeError, ValueError, KeyError, AttributeError) as error:
                yield Bad(f"{name}: message {number}", f"this is no message: {type(error).__name__} {error}")
                continue
            if message is None:
                continue
            thread = str(row.get("thread_ts") or "")
            day = datetime.fromtimestamp(message.at / 1e6, tz=UTC).strftime("%Y-%m-%d")
            (threads.setdefault(thread, []) if thread else days.setdefault(day, [])).append(message)
    tags = ("slack", channel[: limits.TAG_CHARACTERS])
    for thread, messages in threads.items():
        messages.sort(key=lambda each: each.at)
        title = f"#{channel}: {messages[0].text.splitlines()[0][:120]}"
        yield ConversationRecord(f"thread:{channel}:{thread}", title, tuple(messages), tags)
    for day, messages in days.items():
        messages.sort(key=lambda each: each.at)
        yield ConversationRecord(f"day:{channel}:{day}", f"#{channel} on {day}", tuple(messages), tags)


def _message(row: dict[str, Any], people: dict[str, str]) -> Message | None:
    text = _plain(row.get("text") or "", people).strip()
    if row.get("type") != "message" or row.get("subtype") in _NO_MESSAGE or not text:
        return None
    profile = row.get("user_profile") or {}
    who = (
        people.get(str(row.get("user")))
        or profile.get("display_name")
        or row.get("username")
        or row.get("user")
        or "bot"
    )
    marked = bool(row.get("pinned_to")) or any(each.get("name") == "star" for each in row.get("reactions") or [])
    return Message(
        str(who)[: limits.NAME_CHARACTERS], text[: limits.MESSAGE_CHARACTERS], int(float(row["ts"]) * 1e6), marked
    )


def _plain(text: str, people: dict[str, str]) -> str:
    """Return a text without Slack's marks for mentions and links."""
    named = _MENTION.sub(lambda found: f"@{found[2] or people.get(found[1], found[1])}", text)
    linked = _LINK.sub(lambda found: f"{found[2]} ({found[1]})" if found[2] else found[1], named)
    return linked.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
