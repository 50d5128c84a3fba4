"""This module holds the tools that record, read and correct episodes and notes."""

import msgspec

from memory_mcp.episodes.lifecycle import Changes
from memory_mcp.episodes.outcomes import outcome_of, result_of
from memory_mcp.models.episodes import (
    Context,
    Episode,
    EpisodeFilter,
    EpisodeSummary,
    Step,
    StepResult,
    is_proved,
)
from memory_mcp.models.moments import parse_moment
from memory_mcp.models.recall import RECORDS, Kind, Query
from memory_mcp.server import answers, arguments, learning_answers, recall_answers
from memory_mcp.server.answers import Rendered
from memory_mcp.server.deciding_hits import deciding, ids_replacing
from memory_mcp.server.desk import Desk
from memory_mcp.server.short_ids import shown_ids
from memory_mcp.server.tools.rules import decision_of

_SHOWN_PATTERNS = 5
_CLAIMED = (
    "Recorded as a claim, which counts for nothing in what is learnt: no recorded test or build shows it after the "
    "last change. Record the test run with its output as a step before you complete."
)


def create_episode(desk: Desk, given: arguments.CreateEpisode) -> Rendered:
    """Begin an episode."""
    context = Context(
        domain=given.domain,
        language=given.language,
        framework=given.framework,
        complexity=given.complexity,
        tags=given.tags,
    )
    episode, receipt = desk.memory.episodes.start(given.task_description, task_type=given.task_type, context=context)
    desk.session.begin(episode.id)
    return {"episode_id": episode.id, "status": episode.status, "receipt": answers.receipt_of(receipt)}


def add_episode_steps(desk: Desk, given: arguments.AddEpisodeSteps) -> Rendered:
    """Append steps."""
    steps = [
        Step(each.tool, each.action, each.parameters, _result(each.result), each.latency_ms) for each in given.steps
    ]
    receipt = desk.memory.episodes.append(given.episode_id, steps)
    return {"episode_id": given.episode_id, "added": len(steps), "receipt": answers.receipt_of(receipt)}


def complete_episode(desk: Desk, given: arguments.CompleteEpisode) -> Rendered:
    """Close an episode."""
    outcome = outcome_of(
        given.outcome_type,
        verdict=given.verdict,
        reason=given.reason,
        artifacts=given.artifacts,
        completed=given.completed,
        failed=given.failed,
        confirmed=given.confirmed_by_user,
    )
    done = desk.memory.learning.complete(given.episode_id, outcome)
    desk.session.end(given.episode_id)
    whole = answers.episode_of(
        done.episode, timeline=False, fields=("status", "outcome", "reward", "reflection"), start=1, full=False
    )
    learnt = {
        "patterns": [learning_answers.line_of(each) for each in done.patterns[:_SHOWN_PATTERNS]],
        "more_patterns": max(len(done.patterns) - _SHOWN_PATTERNS, 0) or None,
        "duplicate_of": done.duplicate_of,
        "learning_waits": done.pending,
        "doubt": getattr(done.episode.outcome, "doubt", ""),
        "note": "" if is_proved(done.episode.outcome) else _CLAIMED,
    }
    return {**whole, **answers.present(learnt), "receipt": answers.receipt_of(done.receipt)}


def get_episode(desk: Desk, given: arguments.GetEpisode) -> Rendered:
    """Show an episode, or whatever record a hit was."""
    shown = _shown(desk, given)
    by = {} if given.fields else desk.memory.trust.labels([given.episode_id])
    return {**shown, "by": by[given.episode_id]} if by else shown


def _shown(desk: Desk, given: arguments.GetEpisode) -> Rendered:
    memory = desk.memory
    match memory.store.kind_of(given.episode_id):
        case "note":
            return answers.note_of(memory.notes.get(given.episode_id), full=given.full_text)
        case "pattern":
            return learning_answers.pattern_of(memory.store.patterns.get(given.episode_id))
        case "decision":
            return decision_of(memory.decisions.get(given.episode_id))
        case "turn":
            turn = memory.store.turns.get(given.episode_id)
            start = max(turn.position, given.from_step - 1)
            return _conversation(desk, memory.episodes.get(turn.conversation_id), start, full=given.full_text)
    episode = memory.episodes.get(given.episode_id)
    if episode.kind == "conversation":
        return _conversation(desk, episode, given.from_step - 1, full=given.full_text)
    shown = answers.episode_of(
        episode,
        timeline=given.view == "timeline",
        fields=given.fields,
        start=given.from_step,
        full=given.full_text,
    )
    related = [
        {"kind": each.kind, "from": each.from_id, "to": each.to_id}
        for each in desk.memory.relationships.list(given.episode_id)
    ]
    return {**shown, "relationships": related} if related and not given.fields else shown


def _conversation(desk: Desk, episode: Episode, start: int, *, full: bool) -> Rendered:
    return answers.conversation_of(episode, desk.memory.conversations.turns(episode.id, start=start), full=full)


def list_episodes(desk: Desk, given: arguments.ListEpisodes) -> Rendered:
    """Show a page of episodes."""
    chosen = msgspec.structs.replace(
        _filter(desk, given), status=given.status, outcome=given.outcome, language=given.language
    )
    page = desk.memory.episodes.list(chosen, limit=given.limit, cursor=given.cursor)

    def cursor_after(row: EpisodeSummary) -> str | None:
        before = page.episodes.index(row) + 1
        return desk.memory.episodes.list(chosen, limit=before, cursor=given.cursor).next_cursor

    return answers.page_of(page, cursor_after)


def query_memory(desk: Desk, given: arguments.QueryMemory) -> Rendered:
    """Answer a question."""
    kinds: tuple[Kind, ...] = ("decision",) if given.decisions_only else RECORDS
    if given.decisions_only:
        desk.decide()
    narrowed = _filter(desk, given)
    query = Query(given.query, given.limit, narrowed, given.scope, kinds=kinds, fresh_only=given.fresh_only)
    found = desk.session.recall(query)
    decided = deciding(desk.memory, found)
    short = shown_ids((*recall_answers.ids_in(found), *ids_replacing(decided)), desk.memory.store.ids)
    by = desk.memory.trust.labels(hit.id for hit in found.hits)
    home = desk.memory.project
    return recall_answers.answer_of(found, home=home, explain=given.explain, short=short, decided=decided, by=by)


def remember_note(desk: Desk, given: arguments.RememberNote) -> Rendered:
    """Keep a fact."""
    note, receipt = desk.memory.notes.add(
        given.text,
        tags=given.tags,
        importance=given.importance,
        source=given.source,
        valid_until=_moment(desk, given.valid_until),
        supersedes=given.supersedes,
        is_global=given.is_global,
    )
    return {"note_id": note.id, "receipt": answers.receipt_of(receipt)}


def update_episode(desk: Desk, given: arguments.UpdateEpisode) -> Rendered:
    """Change what is known of the task."""
    changes = Changes(
        task=given.task_description,
        task_type=given.task_type,
        domain=given.domain,
        language=given.language,
        framework=given.framework,
        complexity=given.complexity,
        add_tags=given.add_tags,
        remove_tags=given.remove_tags,
    )
    _, receipt = desk.memory.episodes.update(given.episode_id, changes)
    return {"episode_id": given.episode_id, "receipt": answers.receipt_of(receipt)}


def delete_episode(desk: Desk, given: arguments.EpisodeId) -> Rendered:
    """Erase an episode."""
    return {"deleted": given.episode_id, "receipt": answers.receipt_of(desk.memory.episodes.delete(given.episode_id))}


def delete_note(desk: Desk, given: arguments.NoteId) -> Rendered:
    """Erase a note."""
    return {"deleted": given.note_id, "receipt": answers.receipt_of(desk.memory.notes.delete(given.note_id))}


def _result(given: arguments.Result | None) -> StepResult | None:
    return result_of(given.type, "\n".join(filter(None, (given.output, given.message)))) if given else None


def _filter(desk: Desk, given: arguments.ListEpisodes | arguments.QueryMemory) -> EpisodeFilter:
    """Build what a listing and a search narrow by alike."""
    return EpisodeFilter(
        domain=given.domain,
        task_type=given.task_type,
        tags=given.tags,
        since=_moment(desk, given.since),
        until=_moment(desk, given.until),
    )


def _moment(desk: Desk, text: str | None) -> int | None:
    return parse_moment(text, now=desk.memory.clock.now()) if text else None
