"""This module counts what ran in an episode: how often it failed, with which error, and what ended that."""

from memory_mcp.actions.cures import cures
from memory_mcp.actions.sessions import Attempt, Walk
from memory_mcp.actions.steps import signature_of
from memory_mcp.actions.subjects import installs, lacks, plain_name
from memory_mcp.models.digests import RunCount
from memory_mcp.patterns.error_recoveries import error_line
from memory_mcp.patterns.observations import Observation

_MOST = 500  # subjects of an episode


def run_counts(seen: Observation, root: str = "") -> tuple[RunCount, ...]:
    """Count the runs of each subject, from each state, in order of their first run."""
    walk = Walk()
    runs: dict[tuple[str, str], list[Attempt]] = {}
    for at, (step, action) in enumerate(zip(seen.episode.steps, seen.actions, strict=True)):
        for attempt in walk.take(at, step, action):
            runs.setdefault((attempt.subject, attempt.state), []).append(attempt)
    return tuple(_count(seen, attempts, root) for attempts in list(runs.values())[:_MOST])


def ended_by(seen: Observation, at: int, root: str = "") -> tuple[str, ...]:
    """Return what ended the error of a failed step, with its content; empty where nothing did."""
    own = signature_of(seen.episode.steps[at])
    for each in seen.recoveries:
        if at in each.failures and each.signature == own and each.fix:
            return tuple(cures(seen.episode.steps, seen.actions, each.fix, error_line(seen, at), root))
    return _installed_later(seen, at, root)


def _count(seen: Observation, attempts: list[Attempt], root: str) -> RunCount:
    failed = [each.at for each in attempts if each.failed]
    last = attempts[-1]
    count = RunCount(
        subject=last.subject,
        state=last.state,
        failures=len(failed),
        runs=len(attempts),
        has_failed_last=last.failed,
        seen_at=seen.episode.steps[last.at].recorded_at or seen.episode.updated_at,
    )
    if not failed:
        return count
    at = failed[-1]
    return RunCount(
        count.subject,
        count.state,
        count.failures,
        count.runs,
        count.has_failed_last,
        count.seen_at,
        action=seen.actions[at].text,
        error=error_line(seen, at),
        signature=signature_of(seen.episode.steps[at]) or "",
        remedy=ended_by(seen, at, root),
    )


def _installed_later(seen: Observation, at: int, root: str) -> tuple[str, ...]:
    """Return the later installation of what an error says is missing: the very run may never come again."""
    name = lacks(error_line(seen, at))
    if name is None:
        return ()
    for later in range(at + 1, len(seen.episode.steps)):
        step, action = seen.episode.steps[later], seen.actions[later]
        if not step.failed and installs(action.text) and name in plain_name(action.text):
            return tuple(cures(seen.episode.steps, seen.actions, (later,), "", root))
    return ()
