"""This module says what ended the latest failures of a project, in the same session or in a later one."""

from collections.abc import Iterator, Sequence

from msgspec import Struct

from memory_mcp.models.digests import Failed, RunCount
from memory_mcp.storage.store import Store

_LOOKED_AT = 30  # failing actions, the newest
_STEPS = 200  # of the later session
_MOST_FIXES = 6


class Ended(Struct, frozen=True):
    """A failure and how it ended: what was done, empty where it is not known; `passed_at` is None where nothing did."""

    failed: Failed
    remedy: tuple[str, ...] = ()
    passed_at: int | None = None


def latest_failures(store: Store, most: int, root: str) -> list[Ended]:
    """Return the latest failures, each error once, with what ended each so far."""
    newest: dict[str, tuple[str, Failed]] = {}
    for episode_id, failed in store.digests.seen_only().latest_failures(_LOOKED_AT):
        newest.setdefault(failed.signature or failed.shape, (episode_id, failed))
    return [_ended(store, episode_id, failed, root) for episode_id, failed in list(newest.values())[:most]]


def _ended(store: Store, episode_id: str, failed: Failed, root: str) -> Ended:
    later = [
        (other, run)
        for other, run in store.digests.seen_only().runs.of_subjects(
            [(each, "") for each in _wholes(failed.shape)], besides=episode_id
        )
        if run.seen_at > failed.seen_at
    ]
    if failed.remedy or not later or later[0][1].has_failed_last:
        return Ended(failed, failed.remedy, failed.seen_at if failed.remedy else None)
    passed = [pair for pair in later if not pair[1].has_failed_last]
    first, run = passed[-1]
    return Ended(failed, run.remedy or _done_before(store, first, run, failed, root), run.seen_at)


def _wholes(shape: str) -> Iterator[str]:
    """Yield a command and what it is a part of: `pytest tests/a.py` is over when `pytest` passes."""
    words = shape.split(" ")
    for end in range(len(words), 0, -1):
        yield " ".join(words[:end])


def _done_before(store: Store, episode_id: str, run: RunCount, failed: Failed, root: str) -> tuple[str, ...]:
    """Return what a later session changed before its run passed, what is nearest to the error first."""
    from memory_mcp.actions.cures import cures  # noqa: PLC0415 - ten modules, for what was mended in a later session
    from memory_mcp.actions.steps import action_of  # noqa: PLC0415 - as above

    steps = store.sessions.latest_steps(episode_id, _STEPS)
    actions = [action_of(step, root) for step in steps]
    at = next((at for at, action in enumerate(actions) if action.shape == run.subject and not steps[at].failed), 0)
    fix = [before for before in range(at) if actions[before].changes and not steps[before].failed]
    return tuple(cures(steps, actions, _nearest(fix), failed.error, root)) if fix else ()


def _nearest(fix: Sequence[int]) -> Sequence[int]:
    return fix[-_MOST_FIXES:]
