"""This module says in sentences what the steps of an episode show; the same episode always gives the same text."""

from collections import Counter
from collections.abc import Sequence

from memory_mcp.models.episodes import Episode, PartialSuccess, Reflection, Step, StepError, StepTimeout, Success

_MOST = 5
_QUOTED = 120


def reflect(episode: Episode) -> Reflection:
    """Return at most five successes, improvements and insights, each built from evidence."""
    steps = episode.steps
    recovered = _recoveries(steps)
    return Reflection(
        successes=tuple(_successes(episode, recovered))[:_MOST],
        improvements=tuple(_improvements(episode, recovered))[:_MOST],
        insights=tuple(_insights(steps))[:_MOST],
    )


def _successes(episode: Episode, recovered: Sequence[tuple[int, int]]) -> list[str]:
    found: list[str] = []
    if isinstance(episode.outcome, Success | PartialSuccess) and episode.outcome.verdict:
        found.append(episode.outcome.verdict[:_QUOTED])
    found += [
        f"Step {later + 1} ({_name(episode.steps[later])}) passed after step {earlier + 1} had failed."
        for earlier, later in recovered
    ]
    known = [step for step in episode.steps if step.result is not None]
    if known and not any(step.failed for step in known):
        found.append(f"All {len(known)} steps with a known result passed.")
    return found


def _improvements(episode: Episode, recovered: Sequence[tuple[int, int]]) -> list[str]:
    mended = {earlier for earlier, _ in recovered}
    errors = Counter(
        (step.tool, _message(step)) for at, step in enumerate(episode.steps) if step.failed and at not in mended
    )
    return [
        f"{tool} failed {count} time{'s' if count > 1 else ''} and was not mended: {message or 'no message'}"
        for (tool, message), count in errors.most_common(_MOST)
    ]


def _insights(steps: Sequence[Step]) -> list[str]:
    found: list[str] = []
    failures = sum(step.failed for step in steps)
    if failures:
        found.append(f"{failures} of {len(steps)} steps failed.")
    timed = [step for step in steps if step.latency_ms]
    if timed:
        slowest = max(timed, key=lambda step: step.latency_ms or 0)
        found.append(f"The slowest step was {_name(slowest)} with {slowest.latency_ms:g} ms.")
    repeats = Counter((step.tool, step.action, repr(step.parameters)) for step in steps)
    found += [
        f"{tool} {action[:_QUOTED]} was run {count} times with the same parameters."
        for (tool, action, _), count in repeats.most_common(_MOST)
        if count > 2  # noqa: PLR2004 - once and again is ordinary
    ]
    return found


def _recoveries(steps: Sequence[Step]) -> list[tuple[int, int]]:
    """Pair each failed step with the next passing one of the same tool and action."""
    pairs: list[tuple[int, int]] = []
    for earlier, step in enumerate(steps):
        if step.failed:
            for later in range(earlier + 1, len(steps)):
                after = steps[later]
                if (after.tool, after.action) == (step.tool, step.action) and after.result and not after.failed:
                    pairs.append((earlier, later))
                    break
    return pairs


def _name(step: Step) -> str:
    return f"{step.tool} {step.action}"[:_QUOTED]


def _message(step: Step) -> str:
    result = step.result
    first = result.message.strip().splitlines()[:1] if isinstance(result, StepError | StepTimeout) else []
    return first[0][:_QUOTED] if first else ""
