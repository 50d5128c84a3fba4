"""This module defines a question to the memory and the ranked answer."""

from typing import Literal

from msgspec import Struct

from memory_mcp.models.episodes import EpisodeFilter, EvidenceKind
from memory_mcp.models.snapshots import UNKNOWN

Scope = Literal["project", "all"]
Mode = Literal["hybrid", "keyword", "vectors"]
Kind = Literal["episode", "note", "pattern", "turn", "decision"]
RECORDS: tuple[Kind, ...] = ("episode", "note", "turn")


class Query(Struct, frozen=True):
    """What is asked: the text, how many hits, which records, and whether other projects count.

    Patterns and decisions rank among themselves: `kinds` is some of RECORDS, or one of these two alone.
    `fresh_only` leaves out what is not known to be as it was. `without` are the ids of episodes that are being
    recorded while this is asked.
    """

    text: str
    limit: int = 10
    filter: EpisodeFilter = EpisodeFilter()
    scope: Scope = "project"
    kinds: tuple[Kind, ...] = RECORDS
    fresh_only: bool = False
    without: tuple[str, ...] = ()


class ScoreParts(Struct, frozen=True):
    """The addends of a hit's score, and the raw measures behind them.

    `keyword` and `similarity` are shares of the best candidate's times their weight; `bm25` is SQLite's value with the
    sign turned (higher is better, None without a keyword match); `cosine` is None without a vector.
    """

    keyword: float
    similarity: float
    boosts: dict[str, float]
    bm25: float | None
    cosine: float | None


class Place(Struct, frozen=True):
    """Where a turn stands: its conversation and position, what was said before and after, how much it matters."""

    conversation_id: str
    title: str
    position: int
    importance: float
    before: str = ""
    after: str = ""


class Hit(Struct, frozen=True):
    """One ranked record, with the reasons for its place; `score` ranks within one answer, `relevance` holds across.

    `passage` is what matches best, at most 240 characters. `repeats` counts the runs of the task, or the turns of the
    talk among the candidates, that this hit stands for.
    """

    kind: Kind
    id: str
    project: str
    text: str
    score: float
    relevance: float
    parts: ScoreParts
    matched: tuple[str, ...]
    created_at: int
    age_days: float
    outcome: str | None = None
    reward: float | None = None
    task_type: str | None = None
    tags: tuple[str, ...] = ()
    repeats: int = 1
    lesson: str = ""
    passage: str = ""
    lesson_passage: str = ""
    place: "Place | None" = None
    freshness: str = UNKNOWN
    evidence: EvidenceKind | None = None


class Answer(Struct, frozen=True):
    """Hits best first, and how they were found.

    `mode` is `keyword` when no vectors took part, `vectors` when no keywords did, and `degraded` then says why;
    `pending` counts records whose vectors are still being made; `model` names the vectors used; `considered` counts
    the candidates that were scored.
    `corrected` pairs words that no record holds with those of similar spelling that were looked up instead.
    """

    hits: tuple[Hit, ...]
    mode: Mode
    model: str | None
    degraded: tuple[str, ...] = ()
    pending: int = 0
    considered: int = 0
    corrected: tuple[tuple[str, tuple[str, ...]], ...] = ()
