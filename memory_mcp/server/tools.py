"""This module lists the tools and does what each of them promises."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from memory_mcp.episodes.lifecycle import Changes
from memory_mcp.episodes.outcomes import outcome_of, result_of
from memory_mcp.models.episodes import (
    Context,
    EpisodeFilter,
    EpisodeSummary,
    Step,
    StepResult,
)
from memory_mcp.models.moments import parse_moment
from memory_mcp.models.recall import Query
from memory_mcp.monitoring import health
from memory_mcp.server import answers, arguments
from memory_mcp.server.arguments import Arguments
from memory_mcp.server.desk import Desk

Answer = dict[str, Any]


class Tool(Struct, frozen=True):
    """A tool: what the agent reads about it, and the function behind it."""

    name: str
    title: str
    description: str
    arguments: type[Arguments]
    run: Callable[[Desk, Any], Answer]
    reads_only: bool = False
    destroys: bool = False


def create_episode(desk: Desk, given: arguments.CreateEpisode) -> Answer:
    """Begin an episode."""
    context = Context(
        domain=given.domain,
        language=given.language,
        framework=given.framework,
        complexity=given.complexity,
        tags=given.tags,
    )
    episode, receipt = desk.memory.episodes.start(given.task_description, task_type=given.task_type, context=context)
    return {"episode_id": episode.id, "status": episode.status, "receipt": answers.receipt_of(receipt)}


def add_episode_steps(desk: Desk, given: arguments.AddEpisodeSteps) -> Answer:
    """Append steps."""
    steps = [
        Step(each.tool, each.action, each.parameters, _result(each.result), each.latency_ms) for each in given.steps
    ]
    receipt = desk.memory.episodes.append(given.episode_id, steps)
    return {"episode_id": given.episode_id, "added": len(steps), "receipt": answers.receipt_of(receipt)}


def complete_episode(desk: Desk, given: arguments.CompleteEpisode) -> Answer:
    """Close an episode."""
    outcome = outcome_of(
        given.outcome_type,
        verdict=given.verdict,
        reason=given.reason,
        artifacts=given.artifacts,
        completed=given.completed,
        failed=given.failed,
    )
    episode, receipt = desk.memory.episodes.complete(given.episode_id, outcome)
    whole = answers.episode_of(
        episode, timeline=False, fields=("status", "outcome", "reward", "reflection"), start=1, full=False
    )
    return {**whole, "receipt": answers.receipt_of(receipt)}


def get_episode(desk: Desk, given: arguments.GetEpisode) -> Answer:
    """Show an episode."""
    episode = desk.memory.episodes.get(given.episode_id)
    shown = answers.episode_of(
        episode,
        timeline=given.view == "timeline",
        fields=given.fields,
        start=given.from_step,
        full=given.full_text,
    )
    related = [
        {"kind": each.kind, "from": each.from_id, "to": each.to_id}
        for each in desk.memory.episodes.relationships(given.episode_id)
    ]
    return {**shown, "relationships": related} if related and not given.fields else shown


def list_episodes(desk: Desk, given: arguments.ListEpisodes) -> Answer:
    """Show a page of episodes."""
    chosen = msgspec.structs.replace(
        _filter(desk, given), status=given.status, outcome=given.outcome, language=given.language
    )
    page = desk.memory.episodes.list(chosen, limit=given.limit, cursor=given.cursor)

    def cursor_after(row: EpisodeSummary) -> str | None:
        before = page.episodes.index(row) + 1
        return desk.memory.episodes.list(chosen, limit=before, cursor=given.cursor).next_cursor

    return answers.page_of(page, cursor_after)


def query_memory(desk: Desk, given: arguments.QueryMemory) -> Answer:
    """Answer a question."""
    query = Query(given.query, limit=given.limit, filter=_filter(desk, given), scope=given.scope)
    return answers.answer_of(desk.memory.recall.search(query))


def remember_note(desk: Desk, given: arguments.RememberNote) -> Answer:
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


def update_episode(desk: Desk, given: arguments.UpdateEpisode) -> Answer:
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


def delete_episode(desk: Desk, given: arguments.EpisodeId) -> Answer:
    """Erase an episode."""
    return {"deleted": given.episode_id, "receipt": answers.receipt_of(desk.memory.episodes.delete(given.episode_id))}


def delete_note(desk: Desk, given: arguments.NoteId) -> Answer:
    """Erase a note."""
    return {"deleted": given.note_id, "receipt": answers.receipt_of(desk.memory.notes.delete(given.note_id))}


def health_check(desk: Desk, _: arguments.Nothing) -> Answer:
    """Say how every part is."""
    memory = desk.memory
    found = health.check(memory.store, lambda: memory.providers, memory.places.cache)
    checks = [{name: getattr(each, name) for name in each.__struct_fields__} for each in found.checks]
    return {"status": found.status, "project": memory.project, "checks": checks}


def get_metrics(desk: Desk, _: arguments.Nothing) -> Answer:
    """Say what was counted."""
    return desk.metrics_report()


TOOLS: Mapping[str, Tool] = {
    tool.name: tool
    for tool in (
        Tool(
            "query_memory",
            "Recall",
            "Call before you start a task or when an error looks familiar: past episodes and notes, with lessons.",
            arguments.QueryMemory,
            query_memory,
            reads_only=True,
        ),
        Tool(
            "create_episode",
            "Start an episode",
            "Call when you begin a task worth remembering; keep the episode_id.",
            arguments.CreateEpisode,
            create_episode,
        ),
        Tool(
            "add_episode_steps",
            "Record steps",
            "Call after telling steps, above all failures and what fixed them; several at once are fine.",
            arguments.AddEpisodeSteps,
            add_episode_steps,
        ),
        Tool(
            "complete_episode",
            "Complete an episode",
            "Call when the task ends, however it ended; the verdict is what the next agent will read.",
            arguments.CompleteEpisode,
            complete_episode,
        ),
        Tool(
            "remember_note",
            "Remember a fact",
            "Call for a lasting fact or preference that is no task.",
            arguments.RememberNote,
            remember_note,
        ),
        Tool(
            "get_episode",
            "Read an episode",
            "Call to read a hit in full.",
            arguments.GetEpisode,
            get_episode,
            reads_only=True,
        ),
        Tool(
            "list_episodes",
            "List episodes",
            "Newest first; use query_memory to search by meaning.",
            arguments.ListEpisodes,
            list_episodes,
            reads_only=True,
        ),
        Tool(
            "update_episode",
            "Correct an episode",
            "Change description, context or tags.",
            arguments.UpdateEpisode,
            update_episode,
        ),
        Tool(
            "delete_episode",
            "Delete an episode",
            "Erase for good; only when the user asks.",
            arguments.EpisodeId,
            delete_episode,
            destroys=True,
        ),
        Tool(
            "delete_note",
            "Delete a note",
            "Erase for good a note that is wrong.",
            arguments.NoteId,
            delete_note,
            destroys=True,
        ),
        Tool(
            "health_check",
            "Health",
            "Call when the memory seems wrong or slow.",
            arguments.Nothing,
            health_check,
            reads_only=True,
        ),
        Tool(
            "get_metrics",
            "Metrics",
            "Calls, errors, latencies and sizes of this server.",
            arguments.Nothing,
            get_metrics,
            reads_only=True,
        ),
    )
}


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
