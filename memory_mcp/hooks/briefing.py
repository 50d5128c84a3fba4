"""This module says what an agent should know when its session begins."""

from collections.abc import Collection, Mapping

from msgspec import Struct

from memory_mcp.clock import iso
from memory_mcp.hooks.events import Said
from memory_mcp.hooks.fence import Section, clipped, filled, joined
from memory_mcp.hooks.mending import Ended, latest_failures
from memory_mcp.hooks.quoting import as_code, is_harmless, quoted
from memory_mcp.memory import Memory
from memory_mcp.models.episodes import EpisodeFilter, EpisodeSummary
from memory_mcp.telling import handles

_MOST = 3
_MOST_RULES = 15
_LOOKED_AT = 20
_IMPORTANT = 0.5


class Line(Struct, frozen=True):
    """A line for an agent, and the id or name of what it tells."""

    name: str
    text: str


def session_briefing(memory: Memory, known: Collection[str] = ()) -> Said:
    """Return open episodes, what failed last with what mended it, and notes; nothing where there is nothing to say.

    `known` is what a session that goes on was told before.
    """
    groups = {
        "This project:": [Line("notice", each) for each in memory.projects.notices(unsaid=True) if is_harmless(each)],
        "Rules that the user set for every session:": _rule_lines(memory),
        "Open episodes:": _open_lines(memory),
        "What failed last:": [_failure_line(each) for each in _failures(memory)],
        "Notes:": _note_lines(memory),
    }
    new = {heading: [line for line in lines if line.name not in known] for heading, lines in groups.items()}
    sections = [Section(heading, [line.text for line in lines]) for heading, lines in new.items()]
    said = filled(sections, memory.settings.hooks.briefing_tokens)
    names = [lines[at].name for lines, taken in zip(new.values(), said.taken, strict=True) for at in taken]
    return Said(said.text, tuple(names))


def _rule_lines(memory: Memory) -> list[Line]:
    """Return the rules that the user accepted, those said most often first."""
    rules, _ = memory.store.rules.in_states(("accepted",))
    return [Line(rule.id, rule.text) for rule in rules[:_MOST_RULES]]


def _open_lines(memory: Memory) -> list[Line]:
    active = memory.episodes.list(EpisodeFilter(status="active"), limit=_LOOKED_AT).episodes
    begun = [row for row in active if row.step_count and row.origin is None][:_MOST]  # an imported one is over
    if not begun:
        return []
    handoffs = {row.episode_id: row.id for row in memory.handoffs.list(_LOOKED_AT)}
    short = memory.store.ids.shorten([*handoffs.values(), *(row.id for row in begun)])
    speaking = memory.trust.may_speak([row.id for row in begun], "briefing")
    return [Line(row.id, _open_line(row, handoffs.get(row.id), short, is_told=row.id in speaking)) for row in begun]


def _failures(memory: Memory) -> list[Ended]:
    """Return what failed last, but for what gives an agent orders: errors are whatever a tool put out."""
    latest = latest_failures(memory.store, _MOST, memory.root)
    return [each for each in latest if is_harmless(each.failed.action, each.failed.error, *each.remedy)]


def _note_lines(memory: Memory) -> list[Line]:
    notes = [note for note in memory.notes.list(limit=_LOOKED_AT).notes if note.importance >= _IMPORTANT]
    notes.sort(key=lambda note: (-note.importance, -note.created_at))
    speaking = memory.trust.may_speak([note.id for note in notes], "briefing") if notes else {}
    return [
        Line(note.id, f"{note.text} {said.label}" if said.label else note.text)
        for note in notes
        if (said := speaking.get(note.id))
    ][:_MOST]


def _open_line(row: EpisodeSummary, handoff_id: str | None, short: Mapping[str, str], *, is_told: bool) -> str:
    """Say how to go on with an episode; its task is told where it is the user's word."""
    way = (
        f"resume with resume_from_handoff {short.get(handoff_id, handoff_id)}"
        if handoff_id
        else f"episode {short.get(row.id, row.id)}"
    )
    return f"{clipped(row.task) if is_told else 'a task that an agent described'} ({row.step_count} steps; {way})"


def _failure_line(ended: Ended) -> Line:
    failed = ended.failed
    error = quoted(clipped(failed.error or failed.signature))
    told = f"{as_code(clipped(failed.action))} → {error} ({failed.failures}×)"
    if ended.remedy:
        told = f"{told}; what mended it: {as_code(joined(ended.remedy))}"
    elif ended.passed_at is not None:
        told = f"{told}; it has passed since, on {iso(ended.passed_at)[:10]}"
    else:
        told = f"{told}; nothing mended it yet"
    return Line(handles.failed(failed.signature or failed.shape), told)
