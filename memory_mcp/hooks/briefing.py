"""This module says what an agent should know when its session begins."""

from collections.abc import Mapping

from memory_mcp.clock import iso
from memory_mcp.hooks.fence import Section, clipped, fenced, joined
from memory_mcp.hooks.mending import Ended, latest_failures
from memory_mcp.memory import Memory
from memory_mcp.models.episodes import EpisodeFilter, EpisodeSummary

_MOST = 3
_LOOKED_AT = 20
_IMPORTANT = 0.5


def session_briefing(memory: Memory) -> str:
    """Return open episodes, what failed last with what mended it, and notes; nothing where there is nothing to say."""
    active = memory.episodes.list(EpisodeFilter(status="active"), limit=_LOOKED_AT).episodes
    begun = [row for row in active if row.step_count and row.origin is None][:_MOST]  # an imported one is over
    handoffs = {row.episode_id: row.id for row in memory.handoffs.list(_LOOKED_AT)} if begun else {}
    short = memory.store.ids.shorten([*handoffs.values(), *(row.id for row in begun)]) if begun else {}
    failures = latest_failures(memory.store, _MOST, memory.root)
    notes = [note for note in memory.notes.list(limit=_LOOKED_AT).notes if note.importance >= _IMPORTANT]
    notes.sort(key=lambda note: (-note.importance, -note.created_at))
    sections = (
        Section("This project:", memory.projects.notices(unsaid=True)),
        Section("Open episodes:", [_open_line(row, handoffs.get(row.id), short) for row in begun]),
        Section("What failed last:", [_failure_line(each) for each in failures]),
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


def _failure_line(ended: Ended) -> str:
    failed = ended.failed
    told = f"{clipped(failed.action)} → {clipped(failed.error or failed.signature)} ({failed.failures}×)"
    if ended.remedy:
        return f"{told}; what mended it: {joined(ended.remedy)}"
    if ended.passed_at is not None:
        return f"{told}; it has passed since, on {iso(ended.passed_at)[:10]}"
    return f"{told}; nothing mended it yet"
