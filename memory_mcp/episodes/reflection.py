"""This module says in sentences what the steps of an episode show; the same episode always gives the same text."""

from collections import Counter
from collections.abc import Iterator, Sequence

from memory_mcp.actions.recoveries import Recovery, recoveries
from memory_mcp.actions.steps import Action, action_of
from memory_mcp.episodes.shown_outcomes import last_change, runs_of
from memory_mcp.models.episodes import Episode, PartialSuccess, Reflection, Success, is_proved

_MOST = 5
_QUOTED = 120
_MOST_NUMBERS = 6


def reflect(episode: Episode) -> Reflection:
    """Return at most five successes, improvements and insights, each built from evidence."""
    actions = [action_of(step) for step in episode.steps]
    found = recoveries(episode.steps, actions)
    return Reflection(
        successes=tuple(_successes(episode, actions, found))[:_MOST],
        improvements=tuple(_improvements(episode, actions, found))[:_MOST],
        insights=tuple(_insights(episode, actions, found))[:_MOST],
    )


def _successes(episode: Episode, actions: Sequence[Action], found: Sequence[Recovery]) -> Iterator[str]:
    if isinstance(episode.outcome, Success | PartialSuccess) and episode.outcome.verdict:
        yield f"{'' if is_proved(episode.outcome) else 'Claimed: '}{episode.outcome.verdict[:_QUOTED]}"
    for each in found:
        if each.passed is not None:
            means = "" if each.fix == (each.passed,) else f", after {_numbered(each.fix, actions)}"
            yield (
                f"Step {each.passed + 1} ({_name(actions[each.passed])}) passed after {_steps(each.failures)} had "
                f"failed with '{each.signature[:_QUOTED]}'{means}."
            )
    runs = runs_of(episode.steps, actions)
    if runs and runs[-1].passed:
        last = runs[-1]
        said = f"passed: {last.said}"
        yield f"The last {last.verdict.kind} run (step {last.at + 1}, {last.text}) {said}"


def _improvements(episode: Episode, actions: Sequence[Action], found: Sequence[Recovery]) -> Iterator[str]:
    if isinstance(episode.outcome, Success | PartialSuccess) and episode.outcome.doubt:
        yield f"The success is doubtful. {episode.outcome.doubt}"
    for each in found:
        if each.passed is None:
            times = f"{len(each.failures)} time{'s' if len(each.failures) > 1 else ''}"
            yield (
                f"{_name(actions[each.failures[0]])} failed {times} ({_steps(each.failures)}) and never passed: "
                f"{each.signature[:_QUOTED]}"
            )
    for each in found:
        if each.passed is not None and len(each.failures) > 1:
            yield (
                f"{_name(actions[each.failures[0]])} failed {len(each.failures)} times ({_steps(each.failures)}) "
                "before it passed; look at the error before the second try."
            )
    for (shape, text), tries in _repeats(actions).most_common(_MOST):
        if tries > 2 and all(episode.steps[at].failed for at, each in enumerate(actions) if each.shape == shape):  # noqa: PLR2004 - once and again is ordinary
            yield f"{text[:_QUOTED]} was tried {tries} times and failed each time."
    changed = last_change(episode.steps, actions)
    checked = any(run.at > changed for run in runs_of(episode.steps, actions))
    if changed >= 0 and not checked and isinstance(episode.outcome, Success) and not is_proved(episode.outcome):
        yield f"No test passed or failed after the last change (step {changed + 1}), so the success is only claimed."


def _insights(episode: Episode, actions: Sequence[Action], found: Sequence[Recovery]) -> Iterator[str]:
    failures = sum(step.failed for step in episode.steps)
    if failures:
        errors = len({each.signature for each in found})
        yield f"{failures} of {len(episode.steps)} steps failed{f', with {errors} different errors' * (errors > 1)}."
    edits = Counter(file for action in actions if action.kind == "edit" for file in action.files)
    if edits and max(edits.values()) > 1:
        file, times = min(edits.items(), key=lambda pair: (-pair[1], pair[0]))
        yield f"{file} was changed {times} times, more than any other file."
    timed = [(step.latency_ms, at) for at, step in enumerate(episode.steps) if step.latency_ms]
    if timed:
        latency_ms, slowest = max(timed, key=lambda pair: (pair[0], -pair[1]))
        yield f"The slowest step was step {slowest + 1} ({_name(actions[slowest])}) with {latency_ms:g} ms."
    for (_, text), times in _repeats(actions).most_common(_MOST):
        if times > 2:  # noqa: PLR2004 - as above
            yield f"{text[:_QUOTED]} was run {times} times."


def _repeats(actions: Sequence[Action]) -> Counter[tuple[str, str]]:
    """Count commands of the same shape, under the text of the first."""
    first: dict[str, str] = {}
    counts: Counter[tuple[str, str]] = Counter()
    for action in actions:
        if action.kind != "edit":
            counts[action.shape, first.setdefault(action.shape, action.text)] += 1
    return counts


def _numbered(places: Sequence[int], actions: Sequence[Action]) -> str:
    return ", ".join(f"step {at + 1} ({_name(actions[at])})" for at in places)


def _steps(places: Sequence[int]) -> str:
    shown = ", ".join(str(at + 1) for at in places[:_MOST_NUMBERS])
    more = f" and {len(places) - _MOST_NUMBERS} more" if len(places) > _MOST_NUMBERS else ""
    return f"step{'s' if len(places) > 1 else ''} {shown}{more}"


def _name(action: Action) -> str:
    return action.text[:_QUOTED]
