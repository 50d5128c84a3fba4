"""This module says what an agent should know when its session begins."""

from collections.abc import Mapping

from memory_mcp.hooks.fence import Section, clipped, fenced, joined
from memory_mcp.memory import Memory
from memory_mcp.models.digests import Failed
from memory_mcp.models.episodes import EpisodeFilter, EpisodeSummary
from memory_mcp.models.patterns import PatternFilter, title_of

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
    notes = [note for note in memory.notes.list(limit=_LOOKED_AT).notes if note.importance >= _IMPORTANT]
    notes.sort(key=lambda note: (-note.importance, -note.created_at))
    sections = (
        Section("This project:", memory.projects.notices(unsaid=True)),
        Section("Open episodes:", [_open_line(row, handoffs.get(row.id), short) for row in begun]),
        Section("What failed last time:", [_failure_line(failed) for _, failed in failures]),
        Section("Patterns of this project:", _pattern_lines(memory)),
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


def _pattern_lines(memory: Memory) -> list[str]:
    """Return what ended an error in two tasks; what weighs that is only loaded where errors were met twice."""
    chosen = PatternFilter(least_uses=_LEAST_USES)
    if not memory.store.patterns.list(chosen, limit=1, cursor=None).patterns:
        return []
    from memory_mcp.patterns.earning import is_borne_out  # noqa: PLC0415 - as above
    from memory_mcp.patterns.listing import listed  # noqa: PLC0415 - as above
    from memory_mcp.patterns.wording import advice, evidence_sentence  # noqa: PLC0415 - as above

    found = listed(memory.store.patterns, chosen, is_borne_out, limit=_MOST).patterns
    return [
        f"{clipped(title_of(each.definition))}: {clipped(advice(each)[0])}. {evidence_sentence(each)}" for each in found
    ]
