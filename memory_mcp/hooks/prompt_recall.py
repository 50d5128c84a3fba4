"""This module says what was decided and learnt before that bears on a prompt."""

from collections.abc import Collection, Iterator, Mapping, Sequence

from memory_mcp.clock import iso
from memory_mcp.episodes.outcomes import named
from memory_mcp.hooks.events import Event
from memory_mcp.hooks.fence import ROOM_BYTES, Section, filled
from memory_mcp.hooks.quoting import quoted
from memory_mcp.memory import Memory
from memory_mcp.models.decisions import Decision
from memory_mcp.models.episodes import UNSAID
from memory_mcp.models.recall import Hit, Query
from memory_mcp.models.voices import Speaking
from memory_mcp.retrieval.keyword_index import KeywordIndex
from memory_mcp.retrieval.keywords import query_terms
from memory_mcp.retrieval.prompts import within_limit
from memory_mcp.retrieval.search import Recall
from memory_mcp.telling.choosing import Passage, Spoken, chosen, ordered, words_in
from memory_mcp.tokens import BYTES_PER_TOKEN

_LEAST_TERMS = 3  # words of a prompt: 'yes, go on' asks nothing
_MOST_HITS = 6
_MOST_TURNS = 200
_RESTATED = 0.6  # of the words of an assistant's summary that the user said in the same talk


def prompt_recall(
    memory: Memory, event: Event, episode_id: str | None, told: Collection[str] = ()
) -> tuple[str, tuple[str, ...]]:
    """Return what the records above the floor decided, and the names of what is said; nothing where none answers.

    `episode_id` is what the session is recorded in, which is no answer; `told` names what it was told before.
    """
    settings = memory.settings.hooks
    hits = _answering(memory, event, episode_id)
    records = [record for hit in hits if (record := _spoken(memory, hit, told)) and record.passages]
    if not records:
        return "", ()
    said = chosen(ordered(records), settings.recall_tokens * BYTES_PER_TOKEN - ROOM_BYTES)
    filling = filled(
        [Section(each.record.source, [line.text for line in each.lines]) for each in said], settings.recall_tokens
    )
    names = [each.lines[at].name for each, taken in zip(said, filling.taken, strict=True) for at in taken]
    return filling.text, tuple(dict.fromkeys(names))


def _answering(memory: Memory, event: Event, episode_id: str | None) -> list[Hit]:
    """Return the hits for a prompt that are above the floor of the settings."""
    asked = within_limit(event.prompt)
    if len(query_terms(asked)) < _LEAST_TERMS:
        return []
    keywords = KeywordIndex(memory.store)
    recall = Recall(memory.store, keywords, memory.settings.recall)
    # the session's own episode, which changes with each step, is not shown: indexing it again would take 4 ms
    query = Query(asked, limit=_MOST_HITS, without=(episode_id,) if episode_id else ())
    hits = recall.search(query, follow=episode_id is None or not keywords.lacks_only(episode_id)).hits
    return [hit for hit in hits if hit.relevance >= memory.settings.hooks.recall_floor]


def _spoken(memory: Memory, hit: Hit, told: Collection[str]) -> Spoken:
    """Return what a record has to say: its decisions, else a note's text or what a task taught."""
    decisions = memory.decisions.of([hit.id])
    talk = [hit.place.conversation_id] if hit.place else []
    speaking = memory.trust.may_speak([hit.id, *talk, *(each.id for each in decisions)], "prompt")
    passages = [each for each in _decided(memory, hit, decisions, speaking) if each.name not in told]
    if not decisions and (said := speaking.get(hit.id)):
        passages = [each for each in _lessons(hit, said) if each.name not in told]
    return Spoken(hit.id, _source(hit, decisions, speaking), hit.relevance, hit.created_at, passages)


def _decided(
    memory: Memory, hit: Hit, decisions: Sequence[Decision], speaking: Mapping[str, Speaking]
) -> Iterator[Passage]:
    is_users = hit.place is not None and hit.place.conversation_id in speaking
    users = _users_words(memory, hit) if is_users and any(x.voice == "agent" for x in decisions) else frozenset()
    for each in decisions:
        if said := speaking.get(each.id):
            yield Passage(each.id, _as_said(each, said), each.score)
        elif users and _is_restated(each, users):
            yield Passage(each.id, f"{each.who}, summing up what the user said: {each.text}", each.score)


def _as_said(decision: Decision, said: Speaking) -> str:
    """Return a sentence with its speaker: a stranger's is quoted, and what only an agent reports is called that."""
    if said.voice == "repository":
        return quoted(decision.text)
    if decision.source_kind != "talk":
        return f"{decision.text} {said.label}".rstrip()
    speaker = "user" if decision.who in {"user", "human"} else f"{decision.who}, as the user confirmed"
    return f"{speaker}: {decision.text} {said.label}".rstrip()


def _is_restated(decision: Decision, users: frozenset[str]) -> bool:
    own = words_in(decision.text)
    return len(own & users) >= _RESTATED * len(own)


def _users_words(memory: Memory, hit: Hit) -> frozenset[str]:
    """Return the words that the user said in the talk of a hit."""
    if hit.place is None:
        return frozenset()
    turns = memory.store.turns.page(hit.place.conversation_id, start=0, limit=_MOST_TURNS)
    said = (turn.message.text for turn in turns if turn.message.role in {"user", "human"})
    return words_in("\n".join(said))


def _source(hit: Hit, decisions: Sequence[Decision], speaking: Mapping[str, Speaking]) -> str:
    day = iso(hit.created_at)[:10]
    first = next(iter(decisions), None)
    if first is not None and first.source_kind == "commit":
        by = speaking[first.id].label if first.id in speaking else ""
        return f"{by or 'A commit'} ({day}):"
    return f"{'A talk' if hit.place else 'A note' if hit.kind == 'note' else 'An earlier session'} ({day}):"


def _lessons(hit: Hit, said: Speaking) -> Iterator[Passage]:
    """Yield a note whole, and what the user said of how a task went."""
    if hit.kind == "note":
        yield Passage(hit.id, f"{hit.text} {said.label}".rstrip(), 1.0)
    elif hit.kind == "episode" and said.with_outcome and hit.lesson and UNSAID not in hit.lesson:
        yield Passage(hit.id, f"{named(hit.outcome or 'active', hit.evidence)}: {hit.text}: {hit.lesson}", 1.0)
