"""This module defines what is recommended, how it is judged, and what is known to fail."""

from typing import Literal

from msgspec import Struct

from memory_mcp.models.episodes import Context, EvidenceKind
from memory_mcp.models.patterns import Pattern

RecommendationKind = Literal["patterns", "playbook", "recall"]
Judgement = Literal["applied", "ignored", "helped", "hindered"]


NOTHING = "nothing relevant is remembered"
WITHHELD = "withheld to measure the lift of recall (learning.withhold_share); go on without it"


class Wanted(Struct, frozen=True):
    """What patterns are wanted for; an empty context matches anything."""

    task: str
    context: Context = Context()
    task_type: str = ""
    limit: int = 5


class Recommended(Struct, frozen=True):
    """A recommended pattern with its reasons; `score` is the sum of `parts` and ranks within one answer."""

    pattern: Pattern
    score: float
    relevance: float
    parts: dict[str, float]
    why: tuple[str, ...]
    not_when: tuple[str, ...]


class Given(Struct, frozen=True):
    """Recommended patterns and the id for feedback, None with a message where there are none."""

    recommendation_id: str | None
    patterns: tuple[Recommended, ...]
    message: str = ""


class PlaybookFact(Struct, frozen=True):
    """A fact of the project that a playbook begins with, and the command or file that it recommends."""

    text: str
    do: str = ""


class PlaybookFile(Struct, frozen=True):
    """A file that the task is likely to be about, with the reasons."""

    file: str
    why: tuple[str, ...] = ()


class PlaybookStep(Struct, frozen=True):
    """One thing to do: the real command or change, how many of the similar episodes did it, and which.

    `action` is the normalised one; `note` says when it applies.
    """

    do: str
    action: str
    support: int
    episodes: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    note: str = ""


class Pitfall(Struct, frozen=True):
    """What failed in similar episodes: the action, the error, how often, and what mended it (empty: nothing did).

    `tried` counts the episodes that did it, whether it failed there or not; 0 where an earlier version did not count.
    """

    action: str
    error: str
    times: int
    instead: tuple[str, ...] = ()
    episodes: tuple[str, ...] = ()
    tried: int = 0


class PlaybookSource(Struct, frozen=True):
    """An episode behind a playbook."""

    episode_id: str
    task: str
    outcome: str | None
    relevance: float
    evidence: EvidenceKind | None = None


class Playbook(Struct, frozen=True):
    """What is known for a task: facts, files, ordered steps, pitfalls; empty with a message where nothing is.

    `caution` says how the steps fared of late where they failed.
    """

    id: str
    task: str
    made_at: int
    steps: tuple[PlaybookStep, ...] = ()
    pitfalls: tuple[Pitfall, ...] = ()
    sources: tuple[PlaybookSource, ...] = ()
    patterns: tuple[str, ...] = ()
    message: str = ""
    facts: tuple[PlaybookFact, ...] = ()
    files: tuple[PlaybookFile, ...] = ()
    caution: str = ""


def is_empty(playbook: Playbook) -> bool:
    """Whether a playbook has nothing to say but its message."""
    return not (playbook.facts or playbook.files or playbook.steps or playbook.sources)


class Features(Struct, frozen=True):
    """By what it is seen that something recommended was acted on: changed files, or commands where it has none."""

    shapes: tuple[str, ...] = ()
    files: tuple[str, ...] = ()


class Recommendation(Struct, frozen=True):
    """What was recommended and when: ids of patterns and episodes, the episode it was given in, a playbook's text."""

    id: str
    kind: RecommendationKind
    task: str
    made_at: int
    document_ids: tuple[str, ...] = ()
    episode_id: str | None = None
    withheld: bool = False
    playbook: Playbook | None = None


class DeadEnd(Struct, frozen=True):
    """A failure that the planned action would repeat: how often, in which episodes, and what ended it.

    `before` is what was installed since in the same session, where that is all that changed.
    """

    action: str
    error: str
    failures: int
    runs: int
    episodes: tuple[str, ...]
    instead: tuple[str, ...]
    last_seen: int
    matched: Literal["command", "file", "session"]
    before: str = ""


class Check(Struct, frozen=True):
    """What is known against an action; empty where there is no evidence. `pending` counts records not looked at yet."""

    action: str
    dead_ends: tuple[DeadEnd, ...] = ()
    pending: int = 0
