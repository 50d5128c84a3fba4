"""This module says what earlier sessions met that bears on a prompt."""

from memory_mcp.episodes.outcomes import named
from memory_mcp.hooks.events import Event
from memory_mcp.hooks.fence import Section, clipped, fenced
from memory_mcp.memory import Memory
from memory_mcp.models.recall import Hit, Query
from memory_mcp.retrieval.keyword_index import KeywordIndex
from memory_mcp.retrieval.keywords import query_terms
from memory_mcp.retrieval.prompts import within_limit
from memory_mcp.retrieval.search import Recall

_LEAST_TERMS = 3  # words of a prompt: 'yes, go on' asks nothing
_MOST_HITS = 3


def prompt_recall(memory: Memory, event: Event, episode_id: str | None) -> str:
    """Return the hits for a prompt that are above the floor of the settings; nothing where none is.

    `episode_id` is what the session is recorded in, which is no answer.
    """
    settings = memory.settings.hooks
    asked = within_limit(event.prompt)
    if len(query_terms(asked)) < _LEAST_TERMS:
        return ""
    keywords = KeywordIndex(memory.store)
    recall = Recall(memory.store, keywords, memory.settings.recall)
    # the session's own episode, which changes with each step, is not shown: indexing it again would take 4 ms
    query = Query(asked, limit=_MOST_HITS, without=(episode_id,) if episode_id else ())
    hits = recall.search(query, follow=episode_id is None or not keywords.lacks_only(episode_id)).hits
    shown = [hit for hit in hits if hit.relevance >= settings.recall_floor]
    short = memory.store.ids.shorten([hit.id for hit in shown])
    lines = [_hit_line(hit, short.get(hit.id, hit.id)) for hit in shown]
    return fenced([Section("What was met before:", lines)], settings.recall_tokens)


def _hit_line(hit: Hit, short_id: str) -> str:
    if hit.kind != "episode":
        return f"{hit.kind}: {clipped(hit.text)}"
    lesson = f": {hit.lesson}" if hit.lesson else ""
    return f"{named(hit.outcome or 'active', hit.evidence)}: {clipped(hit.text)}{lesson} (episode {short_id})"
