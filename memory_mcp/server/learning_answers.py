"""This module renders patterns, advice and handoffs as the flat, small values that tools answer with."""

from collections.abc import Iterable, Sequence

from memory_mcp.actions.recoveries import recoveries
from memory_mcp.clock import iso
from memory_mcp.episodes.relationships import Graph
from memory_mcp.models.episodes import Episode, outcome_type
from memory_mcp.models.handoffs import Handoff
from memory_mcp.models.patterns import Pattern, title_of
from memory_mcp.models.recommendations import Check, Given, Playbook, Recommended, is_empty
from memory_mcp.patterns import dead_ends
from memory_mcp.patterns.heuristics import heuristics
from memory_mcp.patterns.strength import lower_bound
from memory_mcp.patterns.wording import advice, evidence_sentence, examples, not_when, use_sentence
from memory_mcp.server.answers import BUDGET_BYTES, Rendered, fitting, present, shortened

_LINE_CHARACTERS = 240
_FACT_CHARACTERS = 320
_LAST_STEPS = 6
_HANDOFF_CHARACTERS = 1_200
_NEXT_CHARACTERS = 150
_MOST_REMEDIES = 3
_MOST_OTHERS = 2


def line_of(pattern: Pattern) -> Rendered:
    """Render a pattern in a line: what it is, how often it was seen, how much that proves."""
    return present(
        {
            "pattern_id": pattern.id,
            "kind": pattern.kind,
            "title": shortened(title_of(pattern.definition), _LINE_CHARACTERS),
            "episodes": pattern.seen.uses,
            "went_well": pattern.seen.wins,
            "lower_bound": round(lower_bound(pattern.tally), 3),
            "reward_difference": pattern.reward_difference,
            "retired": pattern.retired_at is not None or None,
        }
    )


def pattern_of(pattern: Pattern) -> Rendered:
    """Render a pattern whole."""
    return {
        **line_of(pattern),
        **present(
            {
                "do": [shortened(line, _LINE_CHARACTERS) for line in advice(pattern)],
                "evidence": evidence_sentence(pattern),
                "use": use_sentence(pattern),
                "not_when": [shortened(line, _LINE_CHARACTERS) for line in not_when(pattern)],
                "heuristics": [
                    f"{each.condition}: {shortened(each.action, _LINE_CHARACTERS)} ({each.times} of {each.of})"
                    for each in heuristics(pattern)
                ],
                "also_seen_as": [shortened(title_of(each), _LINE_CHARACTERS) for each in pattern.also[:5]],
                "episode_ids": [each.episode_id for each in pattern.evidence],
                "tasks": [task for _, task in examples(pattern)],
                "first_seen": iso(pattern.first_seen),
                "last_seen": iso(pattern.last_seen),
            }
        ),
    }


def recommended_of(each: Recommended) -> Rendered:
    """Render a recommended pattern with its reasons."""
    pattern = each.pattern
    return present(
        {
            "pattern_id": pattern.id,
            "kind": pattern.kind,
            "title": shortened(title_of(pattern.definition), _LINE_CHARACTERS),
            "do": [shortened(line, _LINE_CHARACTERS) for line in advice(pattern)],
            "why": list(each.why),
            "not_when": [shortened(line, _LINE_CHARACTERS) for line in each.not_when],
            "from_episodes": [episode for episode, _ in examples(pattern)],
            "score": each.score,
            "parts": {name: round(value, 3) for name, value in each.parts.items() if value},
        }
    )


def given_of(given: Given) -> Rendered:
    """Render recommended patterns, as many as fit."""
    shown, left = page_of((recommended_of(each) for each in given.patterns), BUDGET_BYTES)
    return present({"recommendation_id": given.recommendation_id, "message": given.message, "left_out": left}) | {
        "patterns": shown
    }


def playbook_of(playbook: Playbook) -> Rendered:
    """Render a playbook; an empty one says why."""
    if is_empty(playbook):
        return {"steps": [], "message": playbook.message}
    steps, steps_left = _steps_of(playbook)
    pitfalls, pitfalls_left = _pitfalls_of(playbook)
    kept = {"playbook_id": playbook.id} if playbook.id else {"message": playbook.message}
    return {
        **kept,
        "task_description": shortened(playbook.task, _LINE_CHARACTERS),
        **present(
            {
                "facts": [shortened(fact.text, _FACT_CHARACTERS) for fact in playbook.facts],
                "files": [present({"file": each.file, "why": "; ".join(each.why)}) for each in playbook.files],
                "caution": playbook.caution,
            }
        ),
        "steps": steps,
        "pitfalls": pitfalls,
        "sources": [
            present(
                {
                    "source": number,
                    "episode_id": each.episode_id,
                    "task": each.task,
                    "outcome": each.outcome,
                    "evidence": each.evidence,
                }
            )
            for number, each in enumerate(playbook.sources, 1)
        ],
        "patterns": list(playbook.patterns),
        **present({"left_out": steps_left and f"steps: {steps_left}", "pitfalls_left_out": pitfalls_left}),
    }


def _steps_of(playbook: Playbook) -> tuple[list[Rendered], str]:
    numbers = {each.episode_id: number for number, each in enumerate(playbook.sources, 1)}
    return page_of(
        (
            present(
                {
                    "do": shortened(each.do, _LINE_CHARACTERS),
                    "support": f"{each.support} episodes"
                    if each.action == "fix"
                    else f"{each.support} of {len(playbook.sources)} similar episodes",
                    "note": shortened(each.note, _LINE_CHARACTERS),
                    "files": [file for file in each.files if file not in each.do],
                    **_origin(each.episodes, numbers),
                }
            )
            for each in playbook.steps
        ),
        BUDGET_BYTES // 3,
    )


def _pitfalls_of(playbook: Playbook) -> tuple[list[Rendered], str]:
    numbers = {each.episode_id: number for number, each in enumerate(playbook.sources, 1)}
    return page_of(
        (
            present(
                {
                    "action": shortened(each.action, _LINE_CHARACTERS),
                    "error": shortened(each.error, _LINE_CHARACTERS),
                    "times": each.times,
                    "tried_in": f"failed in {len(each.episodes)} of {each.tried} episodes" if each.tried else "",
                    "instead": [shortened(line, _LINE_CHARACTERS) for line in each.instead[:_MOST_REMEDIES]],
                    **_origin(each.episodes, numbers),
                }
            )
            for each in playbook.pitfalls
        ),
        BUDGET_BYTES // 5,
    )


def _origin(episodes: Sequence[str], numbers: dict[str, int]) -> Rendered:
    """Say by number which sources something comes from, by id where it comes from other episodes."""
    named = sorted(numbers[each] for each in episodes if each in numbers)
    return {"sources": named} if named else {"from_episodes": list(episodes[:_MOST_OTHERS])}


def check_of(check: Check) -> Rendered:
    """Render what is known against an action."""
    known, left = page_of(
        (
            present(
                {
                    "failed": dead_ends.frequency(each),
                    "action": shortened(each.action, _LINE_CHARACTERS),
                    "error": shortened(each.error, _LINE_CHARACTERS),
                    "ended_by": [shortened(line, _LINE_CHARACTERS) for line in each.instead[:_MOST_REMEDIES]],
                    "matched_by": each.matched,
                    "episode_ids": list(each.episodes),
                    "last_seen": iso(each.last_seen),
                }
            )
            for each in check.dead_ends
        ),
        BUDGET_BYTES - 500,
    )
    return {"dead_ends": known, **present({"not_looked_at_yet": check.pending or None, "left_out": left})}


def handoff_of(handoff: Handoff) -> Rendered:
    """Render a handoff: the task, how far it came, what failed last and what to do next."""
    episode = handoff.episode
    open_errors = _open_errors(episode)
    return present(
        {
            "handoff_id": handoff.id,
            "episode_id": episode.id,
            "task_description": shortened(episode.task, _HANDOFF_CHARACTERS),
            "task_type": episode.task_type,
            **{name: getattr(episode.context, name) for name in ("domain", "language", "framework", "complexity")},
            "tags": list(episode.context.tags),
            "made_at": iso(handoff.made_at),
            "outcome": outcome_type(episode.outcome) if episode.outcome else None,
            "evidence": episode.outcome.evidence if episode.outcome else None,
            "steps_done": len(episode.steps),
            "note": shortened(handoff.note, _HANDOFF_CHARACTERS),
            "next_steps": [shortened(each, _NEXT_CHARACTERS) for each in handoff.next_steps],
            "open_errors": open_errors,
            "last_steps": [
                f"{step.tool}: {shortened(' '.join(step.action.split()), 160)}{' [FAILED]' if step.failed else ''}"
                for step in episode.steps[-_LAST_STEPS:]
            ],
        }
    )


def _open_errors(episode: Episode) -> list[str]:
    return [each.signature for each in recoveries(episode.steps) if each.passed is None][:5]


def graph_of(graph: Graph) -> Rendered:
    """Render related episodes, nearest first."""
    rows = sorted(graph.depths.items(), key=lambda pair: (pair[1], pair[0]))
    shown, left = page_of(
        {"episode_id": episode, "depth": depth, "task": shortened(graph.tasks.get(episode, ""), 120)}
        for episode, depth in rows
    )
    links, links_left = page_of(
        ({"from": each.from_id, "kind": each.kind, "to": each.to_id} for each in graph.relationships),
        BUDGET_BYTES // 2,
    )
    left_out = " and ".join(filter(None, (left, links_left and f"{links_left} (links)")))
    return {"episodes": shown, "relationships": links, **present({"left_out": left_out})}


def page_of(rows: Iterable[Rendered], budget: int = BUDGET_BYTES // 2) -> tuple[list[Rendered], str]:
    """Return the rows that fit, and a sentence about the others, empty where all do."""
    shown, left = fitting(rows, budget)
    return shown, f"{left} more; ask for fewer or more narrowly" if left else ""
