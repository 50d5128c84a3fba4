"""This module defines whose word a record is: set by the door through which it came, never by its text."""

from collections.abc import Iterable
from typing import Literal, get_args

from msgspec import Struct

Voice = Literal["user", "repository", "agent", "tool", "web", "import", "team"]
# Where a text is told without being asked for: at a session's start, with a prompt, before or after an action.
Moment = Literal["briefing", "prompt", "action"]

TALK = frozenset(("user", "assistant"))  # steps that record what was said
ARCHIVE = "archive"  # the door of what an archive brings, whoever wrote that
HOOK = "hook"  # the door of what a client tells its hooks
AGENT_SHELL = "agent-shell"  # the door of memory-cli where an agent runs it
_AGENT_DOORS = frozenset(("server", AGENT_SHELL))
_LIVE = "hooks:"
_CLIENTS = frozenset(("claude-code", "opencode", "codex", "gemini", "cursor", "vscode"))
LIVE_CLIENTS = tuple(f"{before}{client}" for client in sorted(_CLIENTS) for before in ("", _LIVE))
_GIT = "git"
_WEB_TOOLS = frozenset(("webfetch", "websearch", "web_fetch", "web_search", "fetch", "google_web_search"))
_ROLES: dict[str, Voice] = {
    **dict.fromkeys(("user", "human"), "user"),
    **dict.fromkeys(("assistant", "ai"), "agent"),
    **dict.fromkeys(("tool", "function"), "tool"),
}
_RANKS = {voice: rank for rank, voice in enumerate(get_args(Voice))}


class Door(Struct, frozen=True):
    """How a record came in: who wrote it, and the source that it names."""

    actor: str
    source_kind: str = ""
    source_id: str = ""

    @property
    def is_of_client(self) -> bool:
        """Whether it was recorded by a client's hooks or read from its own transcript."""
        return self.source_kind.removeprefix(_LIVE) in _CLIENTS


class Speaking(Struct, frozen=True):
    """A record that may be told without being asked for; `label` says whose word it is, empty for the user's own.

    Where `part` is given, only that part of its text may be told; `with_outcome` says whether what was said of an
    episode's outcome may be told too.
    """

    id: str
    voice: Voice
    label: str = ""
    part: str = ""
    with_outcome: bool = False


def lowest(voices: Iterable[Voice]) -> Voice:
    """Return the voice of what rests on several; on nothing known rests nothing that speaks."""
    return max(voices, key=_RANKS.__getitem__, default="import")


def voice_of(door: Door, role: str = "user") -> Voice:
    """Return whose word a text is that came through a door; a conversation's turn has a role."""
    if door.actor in _AGENT_DOORS:
        return "agent"
    if door.actor == ARCHIVE or (door.source_kind not in {"", _GIT} and not door.is_of_client):
        return "import"
    if door.source_kind == _GIT:
        return "repository"
    is_asked_by_agent = door.is_of_client and ":" in door.source_id  # a sub-agent, by the agent that started it
    return "agent" if is_asked_by_agent else _ROLES.get(role.lower(), "import")


def voice_of_outcome(door: Door) -> Voice:
    """Return whose word it is how a task ended: of a session that a client recorded, the agent's."""
    return "agent" if door.is_of_client or door.actor == HOOK else voice_of(door)


def voice_of_step(door: Door, tool: str) -> Voice:
    """Return whose word a step is: what was said in it, else the output of its tool."""
    if tool in TALK:
        return voice_of(door, tool)
    deeds = voice_of_deeds(door)
    return "web" if deeds == "tool" and tool.lower().replace("-", "_") in _WEB_TOOLS else deeds


def voice_of_deeds(door: Door) -> Voice:
    """Return whose word the steps are in which something was done: a tool's, if we saw them or their transcript."""
    spoken = voice_of(Door(door.actor, door.source_kind))
    return "tool" if spoken == "user" else spoken
