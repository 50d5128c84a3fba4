"""This module extracts decision points: checks whose result, in one episode, led to different next steps."""

from collections import Counter

from memory_mcp.models.episodes import StepSuccess
from memory_mcp.models.patterns import Branch, Branches, DecisionPoint, Finding
from memory_mcp.patterns.observations import Observation

_CHECKS = {"test", "build", "search", "probe"}


def decision_points(seen: Observation) -> list[Finding]:
    """Return the checks that both passed and failed here and were followed by different actions.

    Only that demonstrates a decision; a check with one result, or with one sequel to both, shows none.
    """
    if seen.share is None:
        return []
    runs: dict[str, list[int]] = {}
    for at, action in enumerate(seen.actions):
        if action.kind in _CHECKS and seen.episode.steps[at].result is not None:
            runs.setdefault(action.token, []).append(at)
    found = []
    for check, places in sorted(runs.items()):
        branches = _branches(seen, check, places)
        after = {passed: {branch.next for branch in branches if branch.passed is passed} for passed in (True, False)}
        if after[True] and after[False] and after[True] != after[False]:
            found.append(Finding(DecisionPoint(check), (seen.evidence(Branches(branches), seen.share),)))
    return found


def _branches(seen: Observation, check: str, places: list[int]) -> tuple[Branch, ...]:
    """Count what followed each run; a run at the very end was followed by nothing and decides nothing."""
    times: Counter[tuple[bool, str]] = Counter()
    led_on: Counter[tuple[bool, str]] = Counter()
    for number, at in enumerate(places):
        following = next((later for later in seen.actions[at + 1 :] if later.token != check), None)
        if following is None:
            continue
        passed = isinstance(seen.episode.steps[at].result, StepSuccess)
        branch = (passed, following.token)
        times[branch] += 1
        again = places[number + 1] if number + 1 < len(places) else None
        if passed:
            led_on[branch] += seen.share == 1.0
        else:
            led_on[branch] += again is not None and isinstance(seen.episode.steps[again].result, StepSuccess)
    return tuple(
        Branch(passed, next_, count, led_on[passed, next_])
        for (passed, next_), count in sorted(times.items(), key=lambda pair: (pair[0][0], -pair[1], pair[0][1]))
    )
