"""This module says what is known against an action that is about to be made."""

from collections.abc import Sequence

from memory_mcp.actions.steps import Action, action_of
from memory_mcp.errors import InvalidInputError
from memory_mcp.models import checks, limits
from memory_mcp.models.digests import Failed
from memory_mcp.models.episodes import Step
from memory_mcp.models.recommendations import Check, DeadEnd
from memory_mcp.storage.digest_store import DigestStore

_MOST = 5
_MOST_EPISODES = 5


def planned(tool: str, command: str, file: str) -> Step:
    """Build the step that is about to be made.

    Raises:
        InvalidInputError: neither a command nor a file is given, or one is too long.

    """
    if not command.strip() and not file.strip():
        raise InvalidInputError("give the command, or the file of the edit, that you are about to make")
    command = checks.text(command, "the command", limits.TASK_CHARACTERS)
    file = checks.text(file, "the file", limits.TASK_CHARACTERS)
    if not tool:
        tool = "bash" if command else "edit"
    return Step(tool, command or tool, {"file": file} if file else {})


def check(store: DigestStore, step: Step, pending: int = 0) -> Check:
    """Return the failures that a step would repeat, the most frequent first; silent without evidence.

    A command matches by its normalised form; an edit by the file.
    """
    action = action_of(step)
    if action.kind == "edit":
        alike = [pair for pair in store.failures_of_files(action.files) if _is_edit(pair[1], action)]
        return Check(action.text, tuple(_grouped(alike, "file")), pending)
    return Check(action.text, tuple(_grouped(store.failures_of_shape(action.shape), "command")), pending)


def _is_edit(failed: Failed, action: Action) -> bool:
    return failed.shape.split(" ")[0] == action.shape.split(" ")[0] or failed.shape == action.shape


def _grouped(found: Sequence[tuple[str, Failed]], matched: str) -> list[DeadEnd]:
    """Join the failures of one error signature, counting how often each remedy worked."""
    groups: dict[str, list[tuple[str, Failed]]] = {}
    for pair in found:
        groups.setdefault(pair[1].signature, []).append(pair)
    dead_ends = []
    for members in groups.values():
        newest = members[0][1]
        remedies: dict[tuple[str, ...], int] = {}
        for _, failed in members:
            if failed.remedy:
                remedies[failed.remedy] = remedies.get(failed.remedy, 0) + 1
        best = max(remedies.items(), key=lambda pair: pair[1])[0] if remedies else ()
        dead_ends.append(
            DeadEnd(
                action=newest.action,
                error=newest.error or newest.signature,
                failures=sum(failed.failures for _, failed in members),
                runs=sum(failed.runs for _, failed in members),
                episodes=tuple(dict.fromkeys(episode for episode, _ in members))[:_MOST_EPISODES],
                instead=best,
                last_seen=newest.seen_at,
                matched="command" if matched == "command" else "file",
            )
        )
    dead_ends.sort(key=lambda each: (-each.failures, -each.last_seen, each.error))
    return dead_ends[:_MOST]
