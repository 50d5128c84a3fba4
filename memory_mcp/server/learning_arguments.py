"""This module declares the arguments of the tools that advise, hand over, and work on patterns, tags and links."""

from typing import Annotated, Literal

from msgspec import Meta

from memory_mcp.models.patterns import PatternKind
from memory_mcp.models.recommendations import Judgement
from memory_mcp.models.relationships import RelationshipKind
from memory_mcp.server.arguments import Arguments, Limit


class RecommendPlaybook(Arguments, frozen=True):
    """Arguments of recommend_playbook."""

    task_description: str = ""
    task_type: str = ""
    language: str = ""
    framework: str = ""
    playbook_id: Annotated[str, Meta(description="Instead of a task: show it again")] | None = None


class RecommendPatterns(Arguments, frozen=True):
    """Arguments of recommend_patterns."""

    task_description: Annotated[str, Meta(description="The task, or an error")]
    task_type: str = ""
    domain: str = ""
    language: str = ""
    framework: str = ""
    limit: Limit = 5


class CheckAction(Arguments, frozen=True):
    """Arguments of check_action."""

    command: str = ""
    file: Annotated[str, Meta(description="About to be edited")] = ""


class RecordFeedback(Arguments, frozen=True):
    """Arguments of record_feedback."""

    feedback: Judgement
    recommendation_id: Annotated[str, Meta(description="Or playbook_id")] | None = None
    pattern_ids: tuple[str, ...] = ()
    rating: Annotated[int, Meta(ge=1, le=5)] | None = None
    note: str = ""


class CheckpointEpisode(Arguments, frozen=True):
    """Arguments of checkpoint_episode."""

    episode_id: str
    note: Annotated[str, Meta(description="State of the work")] = ""
    next_steps: tuple[str, ...] = ()


class HandoffId(Arguments, frozen=True):
    """Arguments of get_handoff and resume_from_handoff."""

    handoff_id: Annotated[str, Meta(description="Or an episode_id: its newest")]


class SearchPatterns(Arguments, frozen=True):
    """Arguments of search_patterns."""

    query: Annotated[str, Meta(description="Task, command, file or error")]
    limit: Limit = 10


class AnalyzePatterns(Arguments, frozen=True):
    """Arguments of analyze_patterns."""

    kind: PatternKind | None = None
    limit: Limit = 10


class PatternId(Arguments, frozen=True):
    """Arguments of explain_pattern."""

    pattern_id: str


class TagRecord(Arguments, frozen=True):
    """Arguments of tag_record."""

    record_id: Annotated[str, Meta(description="An episode_id or note_id")]
    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()


class RenameTag(Arguments, frozen=True):
    """Arguments of rename_tag."""

    old: str
    new: str


class Relate(Arguments, frozen=True):
    """Arguments of add_relationship and remove_relationship."""

    from_episode_id: str
    kind: Annotated[RelationshipKind, Meta(description="from … to: a parent to its child, what depends to its base")]
    to_episode_id: str


class RelatedEpisodes(Arguments, frozen=True):
    """Arguments of related_episodes."""

    episode_id: str
    depth: Annotated[int, Meta(ge=1, le=20)] = 1
    form: Annotated[Literal["list", "dot"], Meta(description="dot: for Graphviz")] = "list"


class OrderEpisodes(Arguments, frozen=True):
    """Arguments of order_episodes."""

    kind: RelationshipKind


class Rules(Arguments, frozen=True):
    """Arguments of rules."""

    action: Literal["list", "add", "settle", "retire"] = "list"
    file: Annotated[str, Meta(description="list, add: that it applies to")] = ""
    name: Annotated[str, Meta(description="list, add: a function that it applies to")] = ""
    text: Annotated[str, Meta(description="add: the user's words")] = ""
    decision_id: Annotated[str, Meta(description="retire; settle: the one that holds")] | None = None
    other_id: Annotated[str, Meta(description="settle, add: the one that it replaces")] | None = None
    both: Annotated[bool, Meta(description="settle: both hold")] = False
