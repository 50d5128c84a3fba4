"""This module finds the errors that an episode overcame, and what overcame them."""

from collections.abc import Sequence

from msgspec import Struct

from memory_mcp.actions.steps import Action, action_of, signature_of
from memory_mcp.models.episodes import Step

_MOST_FIXES = 6


class Recovery(Struct, frozen=True):
    """An error of one action: positions of its failures, of the pass that ended them (None: it never passed).

    `fix` holds the positions of what made it pass, `attempts` of what was tried before and did not; all from 0.
    """

    signature: str
    failures: tuple[int, ...]
    passed: int | None
    fix: tuple[int, ...] = ()
    attempts: tuple[int, ...] = ()


def recoveries(steps: Sequence[Step], actions: Sequence[Action] | None = None) -> list[Recovery]:
    """Pair the failures of each action with the next pass of the same action; one per action and error."""
    known = actions or [action_of(step) for step in steps]
    open_: dict[tuple[str, tuple[str, ...]], list[int]] = {}
    found: list[Recovery] = []
    for at, (step, action) in enumerate(zip(steps, known, strict=True)):
        if step.failed:
            open_.setdefault(identity(action), []).append(at)
        elif step.result is not None:
            ended = _ended_by(action, open_)
            found += [_recovery(steps, known, tuple(open_.pop(each)), at) for each in ended]
    found += [_recovery(steps, known, tuple(failures), None) for failures in open_.values()]
    return sorted(found, key=lambda each: each.failures)


def identity(action: Action) -> tuple[str, tuple[str, ...]]:
    """Return what makes two steps tries of the same: an edit by its files, a command by its shape."""
    return (action.token, action.files) if action.kind == "edit" else (action.token, (action.shape,))


def _ended_by(action: Action, open_: dict[tuple[str, tuple[str, ...]], list[int]]) -> list[tuple[str, tuple[str, ...]]]:
    """Return the open errors that this pass ends; a whole test run without files ends those of its parts too."""
    if action.kind == "test" and not action.files:
        return [each for each in open_ if each[0] == action.token]
    wanted = identity(action)
    return [wanted] if wanted in open_ else []


def _recovery(
    steps: Sequence[Step], actions: Sequence[Action], failures: tuple[int, ...], passed: int | None
) -> Recovery:
    first, last = failures[0], failures[-1]
    tried = tuple(at for at in range(first + 1, last) if actions[at].changes and not steps[at].failed)
    tried += tuple(at for at in failures if actions[at].changes)
    fix: tuple[int, ...] = ()
    if passed is not None:
        fix = tuple(at for at in range(last + 1, passed) if actions[at].changes and not steps[at].failed)
        fix = (*fix, passed)[-_MOST_FIXES:] if actions[passed].changes or not fix else fix[-_MOST_FIXES:]
    return Recovery(
        signature=signature_of(steps[first]) or "",
        failures=failures,
        passed=passed,
        fix=fix,
        attempts=tuple(sorted(set(tried))),
    )
