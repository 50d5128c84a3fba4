"""This module defines the lines of an export; together they are everything that a project remembers."""

from msgspec import Struct

from memory_mcp.models.conversations import Message
from memory_mcp.models.decisions import Decision, SettledKind
from memory_mcp.models.episodes import Episode
from memory_mcp.models.notes import Note
from memory_mcp.models.patterns import Definition
from memory_mcp.models.recommendations import Recommendation
from memory_mcp.models.relationships import Relationship
from memory_mcp.models.snapshots import Snapshot

FORMAT = "memory-mcp export 1"


class Header(Struct, frozen=True, tag="header", tag_field="line"):
    """The first line of each project."""

    format: str
    version: str
    project: str
    exported_at: int


class TurnPart(Struct, frozen=True):
    """A turn of a conversation."""

    id: str
    message: Message


class EpisodeLine(Struct, frozen=True, tag="episode", tag_field="line"):
    """An episode with its steps and the state of the files that it touched, or a conversation with its turns."""

    episode: Episode
    turns: tuple[TurnPart, ...] = ()
    snapshot: Snapshot | None = None


class NoteLine(Struct, frozen=True, tag="note", tag_field="line"):
    """A note."""

    note: Note


class RelationshipLine(Struct, frozen=True, tag="relationship", tag_field="line"):
    """A relationship."""

    relationship: Relationship


class PatternLine(Struct, frozen=True, tag="pattern", tag_field="line"):
    """What of a pattern does not follow from the episodes: under which id it is known, and since when."""

    id: str
    first_seen: int
    retired_at: int | None
    definitions: tuple[Definition, ...]


class HandoffLine(Struct, frozen=True, tag="handoff", tag_field="line"):
    """A checkpoint: a place in an episode."""

    id: str
    made_at: int
    episode_id: str
    steps: int
    note: str
    next_steps: tuple[str, ...]


class RecommendationLine(Struct, frozen=True, tag="recommendation", tag_field="line"):
    """A recommendation; `acted` and `shares` say of its documents which were acted on, and how that went."""

    recommendation: Recommendation
    acted: dict[str, int | None] = {}
    shares: dict[str, int | None] = {}


class FeedbackLine(Struct, frozen=True, tag="feedback", tag_field="line"):
    """Feedback on a recommendation or a record; `share` in thousandths."""

    judgement: str
    at: int
    note: str = ""
    recommendation_id: str | None = None
    document_id: str | None = None
    rating: int | None = None
    share: int | None = None


class DecisionLine(Struct, frozen=True, tag="decision", tag_field="line"):
    """A decision that the user retired or settled; all others are found again in the records."""

    decision: Decision


class SettledLine(Struct, frozen=True, tag="settled", tag_field="line"):
    """What the user settled between two decisions, by their ids."""

    newer: str
    older: str
    kind: SettledKind
    why: str = ""


Line = (
    Header
    | EpisodeLine
    | NoteLine
    | RelationshipLine
    | PatternLine
    | HandoffLine
    | RecommendationLine
    | FeedbackLine
    | DecisionLine
    | SettledLine
)
