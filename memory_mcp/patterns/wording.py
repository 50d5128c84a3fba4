"""This module says in sentences what a pattern rests on, and when not to apply it."""

from collections import Counter
from collections.abc import Sequence

from memory_mcp.clock import iso
from memory_mcp.models.patterns import Fix, Pattern
from memory_mcp.patterns.earning import cures_of
from memory_mcp.patterns.strength import lower_bound

_MOST = 3
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


def proof_sentence(pattern: Pattern) -> str:
    """Say how the best cure compares with what happens without it; empty where there is none."""
    best = next(iter(cures_of(pattern)), None)
    if best is None:
        return ""
    tasks = f"{best.tasks} task{'s' if best.tasks > 1 else ''}"
    if best.is_earned:
        return (
            f"Those that did it got past the error in {tasks} (95 % lower bound {best.least:.2f}), others in "
            f"{best.without:.2f} of theirs."
        )
    return f"It ended the error in {tasks}; that is too few to prove it."


def use_sentence(pattern: Pattern) -> str:
    """Say how following it went, empty where nobody did."""
    if not pattern.followed.uses:
        return ""
    times = "once" if pattern.followed.uses == 1 else f"{pattern.followed.uses} times"
    return f"Recommended and acted on {times}, {pattern.followed.wins:g} went well."


def advice(pattern: Pattern) -> list[str]:
    """Say what to do, from the evidence: real commands and changes, what most tasks did first."""
    cures = sorted(cures_of(pattern), key=lambda cure: (-cure.passed, -cure.least, cure.lines))
    return [" ; ".join(cure.lines) for cure in cures[:_MOST]]


def not_when(pattern: Pattern) -> list[str]:
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
    if pattern.retired_at is not None:
        found.append(f"It was retired on {iso(pattern.retired_at)[:10]} and has not been seen since.")
    return found


def _short(task: str) -> str:
    line = task.splitlines()[0] if task.strip() else ""
    return line if len(line) <= 60 else f"{line[:59]}…"  # noqa: PLR2004 - a glance


def examples(pattern: Pattern) -> Sequence[tuple[str, str]]:
    """Return (episode id, task) of the newest evidence."""
    return [(each.episode_id, _short(each.task)) for each in pattern.evidence[:_MOST]]
