"""This module finds what the records behind the first hits of an answer decided, and what replaced that."""

from collections.abc import Sequence

from msgspec import Struct

from memory_mcp.memory import Memory
from memory_mcp.models.decisions import Decision
from memory_mcp.models.recall import Answer, Hit
from memory_mcp.telling.choosing import Passage, Spoken

_FIRST = 3  # hits that carry what they decided
_NEAR = 0.4  # of the first hit's relevance; what is further off carries its best sentences alone


class Deciding(Struct, frozen=True):
    """What each hit decided, by the hit's id, and by which record what it decided was replaced."""

    records: dict[str, Spoken] = {}
    replaced_by: dict[str, str] = {}


def deciding(memory: Memory, answer: Answer) -> Deciding:
    """Return the standing decisions of the first hits; whoever asks gets every voice, named where it is a talk's."""
    by_source: dict[str, list[Decision]] = {}
    for each in memory.decisions.of([hit.id for hit in answer.hits], standing=False):
        by_source.setdefault(each.source_id, []).append(each)
    records: dict[str, Spoken] = {}
    replaced: dict[str, str] = {}
    for number, hit in enumerate(answer.hits):
        found = by_source.get(_record_of(hit), [])
        standing = [each for each in found if each.is_standing]
        if standing and number < _FIRST:
            is_near = hit.relevance >= _NEAR * answer.hits[0].relevance
            shown = standing if is_near else standing[:1]
            passages = [Passage(each.id, each.text, each.score, _speaker(each)) for each in shown]
            records[hit.id] = Spoken(hit.id, "", hit.relevance, hit.created_at, passages)
        if found and (newer := next((each.replaced_by for each in found if each.replaced_by), None)):
            replaced[hit.id] = memory.decisions.get(newer).source_id or newer
    return Deciding(records, replaced)


def _record_of(hit: Hit) -> str:
    return hit.place.conversation_id if hit.place else hit.id


def _speaker(decision: Decision) -> str:
    if decision.source_kind != "talk" or not decision.who:
        return ""
    agreed = ", and the user agreed" if decision.voice == "user" and decision.who not in {"user", "human"} else ""
    return f"{decision.who}{agreed}: "


def ids_replacing(found: Deciding) -> Sequence[str]:
    """Return the ids of the records that replaced what hits decided."""
    return list(found.replaced_by.values())
