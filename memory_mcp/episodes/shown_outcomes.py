"""This module finds out from the steps alone how an episode went; where they do not show it, it says nothing."""

from collections.abc import Sequence

from memory_mcp.actions.recoveries import Recovery, identity, recoveries
from memory_mcp.actions.steps import Action, action_of
from memory_mcp.models.episodes import Failure, Outcome, PartialSuccess, Step, StepSuccess, Success

_CHECKS = frozenset(("test", "build"))
_MOST = 5
_QUOTED = 120


def outcome_shown(steps: Sequence[Step]) -> Outcome | None:
    """Return the outcome that tests and builds show: what passed after the last change, what was left failing.

    None where nothing was checked after the last change: that the agent stopped is no evidence.
    """
    actions = [action_of(step) for step in steps]
    changed = [at for at, (step, action) in enumerate(zip(steps, actions, strict=True)) if _is_change(step, action)]
    last_change = changed[-1] if changed else -1
    left = [each for each in recoveries(steps, actions) if each.passed is None and _is_check(actions[each.failures[0]])]
    passed = _passed_after(last_change, steps, actions)
    if left:
        missed = tuple(_left(each, actions) for each in left[:_MOST])
        done = tuple(actions[at].text[:_QUOTED] for at in passed[-_MOST:])
        if done:
            return PartialSuccess("As the recorded steps show; nobody said so.", completed=done, failed=missed)
        return Failure(f"{'; '.join(missed)}. As the recorded steps show; nobody said so.")
    if not passed or not changed:
        return None
    last = passed[-1]
    verdict = f"{actions[last].text[:_QUOTED]} passed after the last change (step {last + 1}); nobody said so."
    return Success(verdict, artifacts=_files(actions, changed))


def _is_change(step: Step, action: Action) -> bool:
    return action.kind in {"edit", "install"} and not step.failed


def _is_check(action: Action) -> bool:
    return action.kind in _CHECKS


def _passed_after(change: int, steps: Sequence[Step], actions: Sequence[Action]) -> list[int]:
    """Return the checks after a change of which the last run passed."""
    latest = {identity(actions[at]): at for at in range(change + 1, len(steps)) if _is_check(actions[at])}
    return sorted(at for at in latest.values() if isinstance(steps[at].result, StepSuccess))


def _left(recovery: Recovery, actions: Sequence[Action]) -> str:
    action = actions[recovery.failures[-1]]
    return f"{action.text[:_QUOTED]} still failed: {recovery.signature[:_QUOTED]}"


def _files(actions: Sequence[Action], changed: Sequence[int]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(file for at in changed for file in actions[at].files))[: 4 * _MOST]
