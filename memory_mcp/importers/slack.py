"""This module reads a Slack export: a channel is a note, a thread or a day of a channel a conversation."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

from memory_mcp.errors import ImporterError, InvalidInputError
from memory_mcp.importers.moments import moment_of
from memory_mcp.importers.records import MALFORMED, Bad, ConversationRecord, NoteRecord, Progress, Record, note_of
from memory_mcp.importers.slack_files import SlackFiles
from memory_mcp.models import limits
from memory_mcp.models.conversations import Message

KIND = "slack"
SUFFIXES = (".json", ".zip")
_LISTS = ("channels.json", "groups.json", "mpims.json", "dms.json")
_NO_MESSAGE = ("channel_join", "channel_leave", "channel_topic", "channel_purpose", "channel_name", "bot_add")
_MENTION = re.compile(r"<@(\w{1,50})(?:\|([^>]{1,200}))?>")
_LINK = re.compile(r"<((?:https?|mailto):[^|<>]{1,2000})(?:\|([^<>]{1,2000}))?>")


def read(path: Path, progress: Progress) -> Iterator[Record | Bad]:
    """Read an export: the zip file that Slack makes, or its directory.

    Raises:
        ImporterError: it is no export.

    """
    if not path.exists():
        raise ImporterError(f"{path} is not there")
    files = SlackFiles(path, progress)
    try:
        yield from files.refused
        lists = [name for name in _LISTS if name in files.names]
        if not lists:
            raise ImporterError(f"{path} has none of {', '.join(_LISTS)}; is it a Slack export?")
        yield from _read(files, lists)
    finally:
        files.close()


def _read(files: SlackFiles, lists: list[str]) -> Iterator[Record | Bad]:
    people: dict[str, str] = {}
    if "users.json" in files.names:
        yield from _people(files, people)
    days: dict[str, list[str]] = {}
    for name in files.names:
        days.setdefault(PurePosixPath(name).parent.as_posix(), []).append(name)
    for name in lists:
        try:
            channels = files.rows(name)
        except ImporterError as error:
            yield Bad(name, str(error))
            continue
        for number, channel in enumerate(channels, 1):
            try:
                own = _channel_name(channel)
                note = _channel(channel, own, people)
            except MALFORMED as error:
                yield Bad.of(f"{name}: channel {number}", "channel", error)
                continue
            if note is not None:
                yield note
            yield from _talks(files, days.pop(own, []), own, people)


def _people(files: SlackFiles, people: dict[str, str]) -> Iterator[Bad]:
    """Fill in the names of people, and yield the malformed entries."""
    try:
        rows = files.rows("users.json")
    except ImporterError as error:
        yield Bad("users.json", str(error))
        return
    for number, row in enumerate(rows, 1):
        try:
            profile = row.get("profile") or {}
            people[str(row["id"])] = str(profile.get("display_name") or row.get("real_name") or row.get("name"))
        except MALFORMED as error:
            yield Bad.of(f"users.json: person {number}", "person", error)


def _channel_name(channel: Any) -> str:
    name = channel.get("name") or channel.get("id")
    if not isinstance(name, str):
        raise InvalidInputError("it has neither a name nor an id")
    return name


def _channel(channel: dict[str, Any], name: str, people: dict[str, str]) -> Record | None:
    told = [f"{part}: {_plain(value, people)}" for part in ("topic", "purpose") if (value := _value(channel.get(part)))]
    listed = channel.get("members")
    members = [people.get(str(each), str(each)) for each in listed] if isinstance(listed, list) else []
    if not told:
        return None
    text = "\n".join((f"Slack channel #{name}", *told, f"{len(members)} members: {', '.join(members[:50])}"))
    source_id = f"channel:{channel.get('id') or name}"
    return NoteRecord(source_id, note_of(text[: limits.NOTE_CHARACTERS], tags=("slack",)))


def _value(part: Any) -> str:
    return str(part.get("value") or "").strip() if isinstance(part, dict) else ""


def _talks(files: SlackFiles, names: list[str], channel: str, people: dict[str, str]) -> Iterator[Record | Bad]:
    """Yield the threads of a channel, and by day what is said outside of threads."""
    threads: dict[str, list[Message]] = {}
    days: dict[str, list[Message]] = {}
    for name in names:
        try:
            rows = files.rows(name)
        except ImporterError as error:
            yield Bad(name, str(error))
            continue
        for number, row in enumerate(rows, 1):
            try:
                message = _message(row, people)
                thread = str(row.get("thread_ts") or "")
            except MALFORMED as error:
                yield Bad.of(f"{name}: message {number}", "message", error)
                continue
            if message is None:
                continue
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
    said = row.get("text") or ""
    if not isinstance(said, str):
        raise InvalidInputError("its text is not a string")
    text = _plain(said[: 2 * limits.MESSAGE_CHARACTERS], people).strip()
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
    at = moment_of(float(row["ts"]))
    if not at:
        raise InvalidInputError(f"its time is {str(row['ts'])[:50]}")
    marked = bool(row.get("pinned_to")) or any(each.get("name") == "star" for each in row.get("reactions") or [])
    return Message(str(who)[: limits.NAME_CHARACTERS], text[: limits.MESSAGE_CHARACTERS], at, marked)


def _plain(text: str, people: dict[str, str]) -> str:
    """Return a text without Slack's marks for mentions and links."""
    named = _MENTION.sub(lambda found: f"@{found[2] or people.get(found[1], found[1])}", text)
    linked = _LINK.sub(lambda found: f"{found[2]} ({found[1]})" if found[2] else found[1], named)
    return linked.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
