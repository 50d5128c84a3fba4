"""This module finds the errors that an episode overcame, each with what overcame it."""

from collections.abc import Sequence

from msgspec import Struct

from memory_mcp.actions.signatures import shows
from memory_mcp.actions.steps import Action, action_of, signature_of
from memory_mcp.models.episodes import Step, StepError, StepTimeout

_MOST_FIXES = 6

Identity = tuple[str, tuple[str, ...]]


class Recovery(Struct, frozen=True):
    """An error of one action: positions of its failures, of the first run without it (None: there was none).

    The run at `passed` may have failed with another error. `fix` holds the positions of what stood between the last
    failure and that run, `attempts` of what was tried before and did not help; all from 0.
    """

    signature: str
    failures: tuple[int, ...]
    passed: int | None
    fix: tuple[int, ...] = ()
    attempts: tuple[int, ...] = ()


def recoveries(steps: Sequence[Step], actions: Sequence[Action] | None = None) -> list[Recovery]:
    """Pair the failures of each error with the next run of the same target that no longer shows it."""
    known = actions or [action_of(step) for step in steps]
    open_: dict[tuple[Identity, str], list[int]] = {}
    found: list[Recovery] = []
    for at, (step, action) in enumerate(zip(steps, known, strict=True)):
        if step.result is None:
            continue
        own = signature_of(step)
        for key in _concerned(action, open_, failed=step.failed):
            if own is not None and (own == key[1] or shows(_message(step), key[1])):
                open_[key].append(at)
            else:
                found.append(_recovery(steps, known, key[1], tuple(open_.pop(key)), at))
        if own is not None:
            open_.setdefault((identity(action), own), [at])
    found += [_recovery(steps, known, key[1], tuple(failures), None) for key, failures in open_.items()]
    return sorted(found, key=lambda each: each.failures)


def identity(action: Action) -> Identity:
    """Return what makes two steps tries of the same: an edit by its files, a command by its target."""
    return (action.token, action.files) if action.kind == "edit" else ("", (action.target,))


def _concerned(
    action: Action, open_: dict[tuple[Identity, str], list[int]], *, failed: bool
) -> list[tuple[Identity, str]]:
    """Return the open errors that this run may end; a whole test run that passes ends those of its parts too."""
    wanted = identity(action)
    if not failed and action.kind == "test" and not action.files:
        part = f"{action.target} "
        return [key for key in open_ if key[0] == wanted or (not key[0][0] and key[0][1][0].startswith(part))]
    return [key for key in open_ if key[0] == wanted]


def _message(step: Step) -> str:
    return step.result.message if isinstance(step.result, StepError | StepTimeout) else ""


def _recovery(
    steps: Sequence[Step], actions: Sequence[Action], signature: str, failures: tuple[int, ...], passed: int | None
) -> Recovery:
    first, last = failures[0], failures[-1]
    tried = {at for at in range(first + 1, last) if actions[at].changes and not steps[at].failed}
    tried |= {at for at in failures if actions[at].changes}
    fix = () if passed is None else _fix(steps, actions, last, passed)
    return Recovery(signature, failures, passed, fix, tuple(sorted(tried)))


def _fix(steps: Sequence[Step], actions: Sequence[Action], last: int, passed: int) -> tuple[int, ...]:
    """Return what stood between: changes, else scripts that ran, else the run itself; it counts if it ran otherwise."""
    between = [at for at in range(last + 1, passed) if not steps[at].failed]
    fix = [at for at in between if actions[at].changes] or [at for at in between if actions[at].kind == "probe"]
    ran_otherwise = actions[passed].changes or actions[passed].shape != actions[last].shape
    return tuple([*fix, passed][-_MOST_FIXES:] if ran_otherwise or not fix else fix[-_MOST_FIXES:])
