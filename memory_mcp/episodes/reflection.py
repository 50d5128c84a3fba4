"""This module says in sentences what the steps of an episode show; the same episode always gives the same text."""

from collections import Counter
from collections.abc import Iterator, Sequence

from memory_mcp.actions.recoveries import Recovery, recoveries
from memory_mcp.actions.steps import Action, action_of
from memory_mcp.episodes.shown_outcomes import last_change, runs_of
from memory_mcp.models.episodes import Episode, PartialSuccess, Reflection, Step, Success, is_proved

_MOST = 5
_QUOTED = 120
_MOST_NUMBERS = 6
_OFTEN = 3  # runs of one command; once and again is ordinary
_TALK = {"user", "assistant"}  # whose steps are messages


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
        if each.passed is None:
            continue
        means = "" if each.fix == (each.passed,) else f", after {_numbered(each.fix, actions)}"
        name, error = f"Step {each.passed + 1} ({_name(actions[each.passed])})", each.signature[:_QUOTED]
        if episode.steps[each.passed].failed:
            yield f"{name} no longer showed '{error}', with which {_steps(each.failures)} had failed{means}."
        else:
            yield f"{name} passed after {_steps(each.failures)} had failed with '{error}'{means}."
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
                "before it passed."
            )
    for places in _repeats(episode.steps, actions):
        if all(episode.steps[at].failed for at in places):
            yield f"{_name(actions[places[0]])} was tried {len(places)} times and failed each time."
    changed = last_change(episode.steps, actions)
    checked = any(run.at > changed for run in runs_of(episode.steps, actions))
    if changed >= 0 and not checked and isinstance(episode.outcome, Success) and not is_proved(episode.outcome):
        yield f"No test passed or failed after the last change (step {changed + 1}), so the success is only claimed."


def _insights(episode: Episode, actions: Sequence[Action], found: Sequence[Recovery]) -> Iterator[str]:
    failures = sum(step.failed for step in episode.steps)
    if failures:
        errors = len({each.signature for each in found})
        made = sum(step.tool not in _TALK for step in episode.steps)
        yield f"{failures} of {made} steps failed{f', with {errors} different errors' * (errors > 1)}."
    done = (action for step, action in zip(episode.steps, actions, strict=True) if not step.failed)
    edits = Counter(file for action in done if action.kind == "edit" for file in action.files)
    if edits and max(edits.values()) > 1:
        file, times = min(edits.items(), key=lambda pair: (-pair[1], pair[0]))
        yield f"{file} was changed {times} times, more than any other file."
    timed = [(step.latency_ms, at) for at, step in enumerate(episode.steps) if step.latency_ms]
    if timed:
        latency_ms, slowest = max(timed, key=lambda pair: (pair[0], -pair[1]))
        yield f"The slowest step was step {slowest + 1} ({_name(actions[slowest])}) with {latency_ms:g} ms."
    for places in _repeats(episode.steps, actions):
        yield f"{_name(actions[places[0]])} was run {len(places)} times."


def _repeats(steps: Sequence[Step], actions: Sequence[Action]) -> list[list[int]]:
    """Return where the very same command was run often, the most frequent one first; edits are counted by file."""
    places: dict[tuple[str, str, tuple[str, ...]], list[int]] = {}
    for at, (step, action) in enumerate(zip(steps, actions, strict=True)):
        if action.kind != "edit" and step.tool not in _TALK:
            places.setdefault((step.tool, step.action, action.files), []).append(at)
    often = [each for each in places.values() if len(each) >= _OFTEN]
    return sorted(often, key=len, reverse=True)[:_MOST]


def _numbered(places: Sequence[int], actions: Sequence[Action]) -> str:
    return ", ".join(f"step {at + 1} ({_name(actions[at])})" for at in places)


def _steps(places: Sequence[int]) -> str:
    shown = ", ".join(str(at + 1) for at in places[:_MOST_NUMBERS])
    more = f" and {len(places) - _MOST_NUMBERS} more" if len(places) > _MOST_NUMBERS else ""
    return f"step{'s' if len(places) > 1 else ''} {shown}{more}"


def _name(action: Action) -> str:
    return action.text[:_QUOTED]
