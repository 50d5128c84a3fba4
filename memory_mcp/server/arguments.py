"""This module declares the arguments of every tool; their schemas are made from here."""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from memory_mcp.models.episodes import Complexity, OutcomeType, Status
from memory_mcp.models.recall import Scope

Limit = Annotated[int, Meta(ge=1, le=100)]
Time = Annotated[str, Meta(description="2026-01-31, or age: 7d")]


class Arguments(Struct, frozen=True, forbid_unknown_fields=True):
    """What all argument lists share: unknown names are refused."""


class Result(Arguments, frozen=True):
    """How a step went; `output` for success, `message` for error and timeout."""

    type: Literal["success", "error", "timeout"]
    output: str = ""
    message: str = ""


class StepArguments(Arguments, frozen=True):
    """One step."""

    tool: str
    action: Annotated[str, Meta(description="The command or change")]
    parameters: dict[str, Any] = {}
    result: Result | None = None
    latency_ms: Annotated[float, Meta(ge=0)] | None = None


class CreateEpisode(Arguments, frozen=True):
    """Arguments of create_episode."""

    task_description: Annotated[str, Meta(description="In the user's words")]
    task_type: Annotated[str, Meta(description="e.g. bug_fix, feature, testing")]
    domain: Annotated[str, Meta(description="Subject area, e.g. auth")]
    language: str = ""
    framework: str = ""
    complexity: Complexity | None = None
    tags: tuple[str, ...] = ()


class AddEpisodeSteps(Arguments, frozen=True):
    """Arguments of add_episode_steps."""

    episode_id: str
    steps: tuple[StepArguments, ...]


class CompleteEpisode(Arguments, frozen=True):
    """Arguments of complete_episode."""

    episode_id: str
    outcome_type: OutcomeType
    verdict: Annotated[str, Meta(description="What was learnt, for next time")] = ""
    artifacts: Annotated[tuple[str, ...], Meta(description="Files made or changed")] = ()
    completed: Annotated[tuple[str, ...], Meta(description="partial_success: what was done")] = ()
    failed: Annotated[tuple[str, ...], Meta(description="partial_success: what was not")] = ()
    reason: Annotated[str, Meta(description="failure, abstained: why")] = ""
    confirmed_by_user: Annotated[bool, Meta(description="Only if the user said so in words")] = False


class GetEpisode(Arguments, frozen=True):
    """Arguments of get_episode."""

    episode_id: str
    view: Annotated[Literal["whole", "timeline"], Meta(description="timeline: one line a step")] = "whole"
    fields: Annotated[tuple[str, ...], Meta(description="Only these fields")] = ()
    from_step: Annotated[int, Meta(ge=1, description="next_step of the answer before")] = 1
    full_text: Annotated[bool, Meta(description="Do not shorten long texts")] = False


class ListEpisodes(Arguments, frozen=True):
    """Arguments of list_episodes."""

    status: Status | None = None
    outcome: OutcomeType | None = None
    domain: str | None = None
    task_type: str | None = None
    language: str | None = None
    tags: tuple[str, ...] = ()
    since: Time | None = None
    until: Time | None = None
    limit: Limit = 20
    cursor: Annotated[str, Meta(description="next_cursor of the page before")] | None = None


class QueryMemory(Arguments, frozen=True):
    """Arguments of query_memory."""

    query: Annotated[str, Meta(description="Task, error or question")]
    limit: Limit = 5
    domain: str | None = None
    task_type: str | None = None
    tags: tuple[str, ...] = ()
    since: Time | None = None
    until: Time | None = None
    scope: Annotated[Scope, Meta(description="all: other projects too")] = "project"
    fresh_only: bool = False
    decisions_only: Annotated[bool, Meta(description="Only what was decided")] = False
    explain: Annotated[bool, Meta(description="With the parts of each score")] = False


class RememberNote(Arguments, frozen=True):
    """Arguments of remember_note."""

    text: str
    tags: tuple[str, ...] = ()
    importance: Annotated[float, Meta(ge=0, le=1)] = 0.5
    source: str = ""
    valid_until: Time | None = None
    supersedes: Annotated[str, Meta(description="id of the note that this replaces")] | None = None
    is_global: Annotated[bool, Meta(description="Visible in every project")] = False


class MessageArguments(Arguments, frozen=True):
    """One message."""

    role: Annotated[str, Meta(description="user, assistant or a name")]
    text: str
    time: Time | None = None
    important: bool = False


class RememberConversation(Arguments, frozen=True):
    """Arguments of remember_conversation."""

    messages: tuple[MessageArguments, ...]
    title: Annotated[str, Meta(description="What it was about")] = ""
    conversation_id: Annotated[str, Meta(description="Add to this one instead")] = ""
    tags: tuple[str, ...] = ()


class UpdateEpisode(Arguments, frozen=True):
    """Arguments of update_episode."""

    episode_id: str
    task_description: str | None = None
    task_type: str | None = None
    domain: str | None = None
    language: str | None = None
    framework: str | None = None
    complexity: Complexity | None = None
    add_tags: tuple[str, ...] = ()
    remove_tags: tuple[str, ...] = ()


class EpisodeId(Arguments, frozen=True):
    """Arguments of delete_episode."""

    episode_id: str


class NoteId(Arguments, frozen=True):
    """Arguments of delete_note."""

    note_id: str


class Nothing(Arguments, frozen=True):
    """Arguments of tools that take none."""
