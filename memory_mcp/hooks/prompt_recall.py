"""This module says what was decided and learnt before that bears on a prompt."""

from collections.abc import Collection, Iterable, Iterator

import msgspec

from memory_mcp.clock import iso
from memory_mcp.episodes.outcomes import named
from memory_mcp.hooks.events import Event
from memory_mcp.hooks.fence import ROOM_BYTES, Section, filled
from memory_mcp.hooks.quotes import decisions_of, quoted, source_of, successors
from memory_mcp.memory import Memory
from memory_mcp.models.episodes import UNSAID
from memory_mcp.models.recall import Hit, Query
from memory_mcp.retrieval.keyword_index import KeywordIndex
from memory_mcp.retrieval.keywords import query_terms
from memory_mcp.retrieval.prompts import within_limit
from memory_mcp.retrieval.search import Recall
from memory_mcp.telling.choosing import Passage, Spoken, chosen, ordered, stems_in
from memory_mcp.tokens import BYTES_PER_TOKEN

_LEAST_TERMS = 3  # words of a prompt: 'yes, go on' asks nothing
_MOST_HITS = 6
# Of the subjects of 900 commits of other projects 37, 14 and 21 % were answered without this, 8, 3 and 6 % with it; of
# 380 subjects whose own commit decided something 51.6 %, and 50.0 % with it. With three words 2, 1 and 3 %, and 42.9 %.
_LEAST_SHARED = 2
_NEARLY = 0.75  # of the floor, for what shares more: 0.2 points more of those subjects, and no more of the foreign ones
_SHARED_BELOW = 4


def prompt_recall(
    memory: Memory, event: Event, episode_id: str | None, told: Collection[str] = ()
) -> tuple[str, tuple[str, ...]]:
    """Return what the records decided that answer a prompt, and the names of what is said; nothing where none does.

    `episode_id` is what the session is recorded in, which is no answer; `told` names what it was told before.
    """
    settings = memory.settings.hooks
    hits = _answering(memory, event, episode_id)
    records: dict[str, Spoken] = {}
    for hit in hits:
        for record in _spoken(memory, hit, event.prompt):
            known = records.get(record.name)
            if known is None or known.relevance < record.relevance:
                records[record.name] = record
    if not any(record.relevance >= _NEARLY * settings.recall_floor for record in records.values()):
        return "", ()
    said = chosen(
        ordered(_without(records.values(), told), settings.recall_floor),
        settings.recall_tokens * BYTES_PER_TOKEN - ROOM_BYTES,
    )
    filling = filled(
        [Section(each.record.source, [line.line for line in each.lines]) for each in said], settings.recall_tokens
    )
    names = [each.lines[at].name for each, taken in zip(said, filling.taken, strict=True) for at in taken]
    return filling.text, tuple(dict.fromkeys(names))


def _answering(memory: Memory, event: Event, episode_id: str | None) -> list[Hit]:
    """Return the hits for a prompt, if one of them comes near the floor of the settings."""
    asked = within_limit(event.prompt)
    if len(query_terms(asked)) < _LEAST_TERMS:
        return []
    keywords = KeywordIndex(memory.store)
    recall = Recall(memory.store, keywords, memory.settings.recall)
    # the session's own episode, which changes with each step, is not shown: indexing it again would take 4 ms
    query = Query(asked, limit=_MOST_HITS, without=(episode_id,) if episode_id else ())
    hits = recall.search(query, follow=episode_id is None or not keywords.lacks_only(episode_id)).hits
    answers = any(hit.relevance >= _NEARLY * memory.settings.hooks.recall_floor for hit in hits)
    return list(hits) if answers else []


def _spoken(memory: Memory, hit: Hit, prompt: str) -> Iterator[Spoken]:
    """Yield what a record has to say that bears on a prompt, with what came after it on its subject.

    That is its decisions, else a note's text or what a task taught.
    """
    decisions = decisions_of(memory, hit.id)
    texts = [each.text for each in decisions]
    if not decisions:
        lessons = list(_lessons(memory, hit))
        if _bears_on([each.text for each in lessons], hit.relevance, prompt, memory.settings.hooks.recall_floor):
            kind = "A note" if hit.kind == "note" else "An earlier session"
            yield Spoken(hit.id, f"{kind} ({iso(hit.created_at)[:10]}):", hit.relevance, hit.created_at, lessons)
        return
    if not _bears_on(texts, hit.relevance, prompt, memory.settings.hooks.recall_floor):
        return
    for group in ([each for each in decisions if each.is_standing], *successors(memory, decisions)):
        if group:
            subject = hit.text.partition("\n")[0] if group[0].source_kind == "commit" else ""
            passages = list(quoted(memory, group, is_asked=True))
            source = group[0].source_id or group[0].id
            yield Spoken(source, source_of(group[0]), hit.relevance, group[0].said_at, passages, subject)


def _without(records: Iterable[Spoken], told: Collection[str]) -> list[Spoken]:
    """Return records without what a session was told."""
    new = [
        msgspec.structs.replace(each, passages=[line for line in each.passages if line.name not in told])
        for each in records
    ]
    return [each for each in new if each.passages]


def _bears_on(texts: Iterable[str], relevance: float, prompt: str, floor: float) -> bool:
    """Whether what a record says shares enough words with a prompt; its other words may be what was found."""
    shared = stems_in(prompt) & stems_in(" ".join(texts))
    return len(shared) >= (_LEAST_SHARED if relevance >= floor else _SHARED_BELOW)


def _lessons(memory: Memory, hit: Hit) -> Iterator[Passage]:
    """Yield a note whole, and what the user said of how a task went."""
    said = memory.trust.may_speak([hit.id], "prompt").get(hit.id)
    if said is None:
        return
    if hit.kind == "note":
        yield Passage(hit.id, f"{hit.text} {said.label}".rstrip(), 1.0)
    elif hit.kind == "episode" and said.with_outcome and hit.lesson and UNSAID not in hit.lesson:
        yield Passage(hit.id, f"{named(hit.outcome or 'active', hit.evidence)}: {hit.text}: {hit.lesson}", 1.0)
