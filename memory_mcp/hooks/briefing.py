"""This module says what an agent should know: at the start of a session, for a prompt, before an action."""

from collections.abc import Mapping, Sequence

from memory_mcp.actions.tool_calls import ToolCall, planned_step
from memory_mcp.episodes.outcomes import named
from memory_mcp.hooks.events import Event
from memory_mcp.hooks.fence import Section, fenced
from memory_mcp.memory import Memory
from memory_mcp.models.digests import Failed
from memory_mcp.models.episodes import EpisodeFilter, EpisodeSummary
from memory_mcp.models.patterns import Pattern, PatternFilter, title_of
from memory_mcp.models.recall import Hit, Query
from memory_mcp.models.recommendations import DeadEnd
from memory_mcp.patterns import dead_ends
from memory_mcp.patterns.wording import advice, evidence_sentence

_MOST = 3
_OWED = "briefing owed"  # stored among what a session was told
_LOOKED_AT = 20
_LEAST_USES = 2  # episodes behind a pattern that is worth a line
_LEAST_TERMS = 3  # words of a prompt: 'yes, go on' asks nothing
_MOST_HITS = 3
_QUOTED = 90
_IMPORTANT = 0.5


def session_briefing(memory: Memory) -> str:
    """Return open episodes, what failed last time, top patterns and notes; nothing where there is nothing to say."""
    active = memory.episodes.list(EpisodeFilter(status="active"), limit=_LOOKED_AT).episodes
    begun = [row for row in active if row.step_count and row.origin is None][:_MOST]  # an imported one is over
    handoffs = {row.episode_id: row.id for row in memory.handoffs.list(_LOOKED_AT)} if begun else {}
    short = memory.store.ids.shorten([*handoffs.values(), *(row.id for row in begun)]) if begun else {}
    failures = memory.store.digests.latest_failures(_MOST)
    patterns = memory.store.patterns.list(PatternFilter(least_uses=_LEAST_USES), limit=_MOST, cursor=None).patterns
    notes = [note for note in memory.notes.list(limit=_LOOKED_AT).notes if note.importance >= _IMPORTANT]
    notes.sort(key=lambda note: (-note.importance, -note.created_at))
    sections = (
        Section("This project:", memory.projects.notices(unsaid=True)),
        Section("Open episodes:", [_open_line(row, handoffs.get(row.id), short) for row in begun]),
        Section("What failed last time:", [_failure_line(failed) for _, failed in failures]),
        Section("Patterns of this project:", [_pattern_line(each) for each in patterns]),
        Section("Notes:", [note.text for note in notes[:_MOST]]),
    )
    return fenced(sections, memory.settings.hooks.briefing_tokens)


def owe_briefing(memory: Memory, session_id: str) -> None:
    """Note that a session began before its project was known; its first prompt gets the briefing."""
    told = memory.store.sessions.find(session_id).told
    memory.store.sessions.tell(session_id, (*told, _OWED))


def owed_briefing(memory: Memory, session_id: str) -> str:
    """Return, once, the briefing that a session did not get when it began."""
    told = memory.store.sessions.find(session_id).told
    if _OWED not in told:
        return ""
    memory.store.sessions.tell(session_id, [name for name in told if name != _OWED])
    return session_briefing(memory)


def _open_line(row: EpisodeSummary, handoff_id: str | None, short: Mapping[str, str]) -> str:
    way = (
        f"resume with resume_from_handoff {short.get(handoff_id, handoff_id)}"
        if handoff_id
        else f"episode {short.get(row.id, row.id)}"
    )
    return f"{_short(row.task)} ({row.step_count} steps; {way})"


def _failure_line(failed: Failed) -> str:
    mended = f"; what worked: {_joined(failed.remedy)}" if failed.remedy else "; nothing mended it yet"
    return f"{_short(failed.action)} → {_short(failed.error or failed.signature)} ({failed.failures}×){mended}"


def _pattern_line(pattern: Pattern) -> str:
    said = _short(next(iter(advice(pattern)), ""))
    return f"{_short(title_of(pattern.definition))}{f': {said}' if said else ''}. {evidence_sentence(pattern)}"


def _joined(commands: Sequence[str]) -> str:
    return " ; ".join(map(_short, commands[:_MOST]))


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _QUOTED else f"{line[: _QUOTED - 1]}…"


def prompt_recall(memory: Memory, event: Event, episode_id: str) -> str:
    """Return the hits for a prompt that are above the floor of the settings; nothing where none is."""
    from memory_mcp.retrieval.keyword_index import KeywordIndex  # noqa: PLC0415 - other events need no recall
    from memory_mcp.retrieval.keywords import query_terms  # noqa: PLC0415 - as above
    from memory_mcp.retrieval.prompts import within_limit  # noqa: PLC0415 - as above
    from memory_mcp.retrieval.search import Recall  # noqa: PLC0415 - as above

    settings = memory.settings.hooks
    asked = within_limit(event.prompt)
    if len(query_terms(asked)) < _LEAST_TERMS:
        return ""
    keywords = KeywordIndex(memory.store)
    recall = Recall(memory.store, keywords, memory.settings.recall)
    # the session's own episode, which changes with each step, is not shown: indexing it again would take 4 ms
    hits = recall.search(Query(asked, limit=_MOST_HITS + 1), follow=not keywords.lacks_only(episode_id)).hits
    shown = [hit for hit in hits if hit.relevance >= settings.recall_floor and hit.id != episode_id][:_MOST_HITS]
    short = memory.store.ids.shorten([hit.id for hit in shown])
    lines = [_hit_line(hit, short.get(hit.id, hit.id)) for hit in shown]
    return fenced([Section("What was met before:", lines)], settings.recall_tokens)


def _hit_line(hit: Hit, short_id: str) -> str:
    if hit.kind != "episode":
        return f"{hit.kind}: {_short(hit.text)}"
    lesson = f": {hit.lesson}" if hit.lesson else ""
    return f"{named(hit.outcome or 'active', hit.evidence)}: {_short(hit.text)}{lesson} (episode {short_id})"


def action_warning(
    memory: Memory, call: ToolCall, told: tuple[str, ...], episode_id: str | None
) -> tuple[str, tuple[str, ...]]:
    """Return what is known against the very action that is about to be made, and the errors that it names.

    What a session was told is not said again: a test that fails while it is being mended is no news.
    """
    check = dead_ends.check_in(memory.store, planned_step(call), episode_id, root=memory.root)
    new = [each for each in check.dead_ends if _name(each) not in told]
    known = Section("Known dead ends for this action:", [_dead_end_line(each) for each in new])
    text = fenced([known], memory.settings.hooks.warning_tokens)
    return text, tuple(_name(each) for each in new) if text else ()


def _name(dead_end: DeadEnd) -> str:
    return f"{dead_end.action} {dead_end.error}"[:200]


def _dead_end_line(dead_end: DeadEnd) -> str:
    instead = f" What ended it: {' ; '.join(dead_end.instead)}" if dead_end.instead else ""
    times = dead_ends.frequency(dead_end)
    return f"{_short(dead_end.action)} failed {times}: {_short(dead_end.error)}.{instead}"
