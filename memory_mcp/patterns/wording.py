"""This module says in sentences what a pattern rests on, and when not to apply it."""

from collections import Counter
from collections.abc import Sequence

from memory_mcp.clock import iso
from memory_mcp.models.patterns import (
    Approach,
    ContextPattern,
    ErrorRecovery,
    Fix,
    Pattern,
)
from memory_mcp.patterns.strength import lower_bound

_MOST = 3
_LEAST_TIMES = 2
_FEW = 3  # episodes below which a pattern says how few they are
_QUOTED = 160


def evidence_sentence(pattern: Pattern) -> str:
    """Say n, the ratio and its lower bound; a single occurrence is called one."""
    if pattern.seen.uses == 1:
        went = {1.0: "it went well", 0.0: "it did not go well"}.get(pattern.seen.wins, "it went well in part")
        return f"Seen in 1 episode only; {went}."
    return (
        f"Seen in {pattern.seen.uses} episodes, {pattern.seen.wins:g} of them went well "
        f"(95 % lower bound {lower_bound(pattern.seen):.2f})."
    )


def use_sentence(pattern: Pattern) -> str:
    """Say how following it went, empty where nobody did."""
    if not pattern.followed.uses:
        return ""
    times = "once" if pattern.followed.uses == 1 else f"{pattern.followed.uses} times"
    return f"Recommended and acted on {times}, {pattern.followed.wins:g} went well."


def advice(pattern: Pattern) -> list[str]:
    """Say what to do, from the evidence: real commands and changes, the most frequent first."""
    match pattern.definition:
        case ErrorRecovery():
            fixes = Counter(each.detail.fix for each in pattern.evidence if isinstance(each.detail, Fix))
            return [" ; ".join(fix) for fix, _ in fixes.most_common(_MOST) if fix]
        case ContextPattern():
            return _approach_advice(pattern)
    return []


def not_when(pattern: Pattern, language: str = "", framework: str = "") -> list[str]:
    """Say when not to apply it: where it failed, where it was never seen, what did not help."""
    found: list[str] = []
    failed = [each for each in pattern.evidence if each.share == 0.0]
    if failed:
        tasks = ", ".join(f"'{_short(each.task)}'" for each in failed[:_MOST])
        found.append(f"It did not work in {len(failed)} of the newest {len(pattern.evidence)} episodes: {tasks}.")
    attempts = Counter(
        line for each in pattern.evidence if isinstance(each.detail, Fix) for line in each.detail.attempts
    )
    found += [f"This did not help ({times}×): {line[:_QUOTED]}" for line, times in attempts.most_common(_MOST)]
    if pattern.seen.uses < _FEW:
        found.append(f"It rests on {pattern.seen.uses} episode{'s' if pattern.seen.uses > 1 else ''}: check it first.")
    definition = pattern.definition
    if isinstance(definition, ContextPattern):
        for name, here in (("language", language), ("framework", framework)):
            seen = getattr(definition, name)
            if here and seen and here != seen:
                found.append(f"It was seen with {name} {seen}, and this is {here}.")
    if pattern.retired_at is not None:
        found.append(f"It was retired on {iso(pattern.retired_at)[:10]} and has not been seen since.")
    return found


def _approach_advice(pattern: Pattern) -> list[str]:
    """Say what most of the episodes did that changed the file; what a few did is their own story."""
    told = [each.detail for each in pattern.evidence if isinstance(each.detail, Approach)]
    files = Counter(companion for approach in told for companion in approach.companions)
    runs = Counter(check for approach in told for check in approach.checks)
    least = max(_LEAST_TIMES, len(told) / 2)
    found = [
        f"also change {file} ({count} of {len(told)})" for file, count in files.most_common(_MOST) if count >= least
    ]
    return found + [
        f"run {check} ({count} of {len(told)})" for check, count in runs.most_common(_MOST) if count >= least
    ]


def _short(task: str) -> str:
    line = task.splitlines()[0] if task.strip() else ""
    return line if len(line) <= 60 else f"{line[:59]}…"  # noqa: PLR2004 - a glance


def examples(pattern: Pattern) -> Sequence[tuple[str, str]]:
    """Return (episode id, task) of the newest evidence."""
    return [(each.episode_id, _short(each.task)) for each in pattern.evidence[:_MOST]]
