"""This module says what an agent should know when its session begins."""

from collections.abc import Mapping

from memory_mcp.hooks.fence import Section, clipped, fenced, joined
from memory_mcp.memory import Memory
from memory_mcp.models.digests import Failed
from memory_mcp.models.episodes import EpisodeFilter, EpisodeSummary
from memory_mcp.models.patterns import Pattern, PatternFilter, title_of
from memory_mcp.patterns.earning import is_borne_out
from memory_mcp.patterns.listing import listed
from memory_mcp.patterns.wording import advice, evidence_sentence

_MOST = 3
_LOOKED_AT = 20
_LEAST_USES = 2  # episodes behind a pattern that is worth a line
_IMPORTANT = 0.5


def session_briefing(memory: Memory) -> str:
    """Return open episodes, what failed last time, top patterns and notes; nothing where there is nothing to say."""
    active = memory.episodes.list(EpisodeFilter(status="active"), limit=_LOOKED_AT).episodes
    begun = [row for row in active if row.step_count and row.origin is None][:_MOST]  # an imported one is over
    handoffs = {row.episode_id: row.id for row in memory.handoffs.list(_LOOKED_AT)} if begun else {}
    short = memory.store.ids.shorten([*handoffs.values(), *(row.id for row in begun)]) if begun else {}
    failures = memory.store.digests.latest_failures(_MOST)
    patterns = listed(memory.store.patterns, PatternFilter(least_uses=_LEAST_USES), is_borne_out, limit=_MOST).patterns
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


def _open_line(row: EpisodeSummary, handoff_id: str | None, short: Mapping[str, str]) -> str:
    way = (
        f"resume with resume_from_handoff {short.get(handoff_id, handoff_id)}"
        if handoff_id
        else f"episode {short.get(row.id, row.id)}"
    )
    return f"{clipped(row.task)} ({row.step_count} steps; {way})"


def _failure_line(failed: Failed) -> str:
    mended = f"; what worked: {joined(failed.remedy)}" if failed.remedy else "; nothing mended it yet"
    return f"{clipped(failed.action)} → {clipped(failed.error or failed.signature)} ({failed.failures}×){mended}"


def _pattern_line(pattern: Pattern) -> str:
    said = clipped(next(iter(advice(pattern)), ""))
    return f"{clipped(title_of(pattern.definition))}{f': {said}' if said else ''}. {evidence_sentence(pattern)}"
