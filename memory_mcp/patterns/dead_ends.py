"""This module says what is known against an action that is about to be made: that it failed, and still would."""

from collections.abc import Sequence

from memory_mcp.actions.sessions import FRESH, PREPARED, Tries, Walk, acts
from memory_mcp.actions.signatures import telling_line
from memory_mcp.actions.steps import Action, action_of, command_of, signature_of
from memory_mcp.actions.subjects import installs, lacks, scripts_written, subjects
from memory_mcp.errors import InvalidInputError
from memory_mcp.models import checks, limits
from memory_mcp.models.digests import RunCount
from memory_mcp.models.episodes import Step
from memory_mcp.models.recommendations import Check, DeadEnd
from memory_mcp.storage.digest_store import DigestStore
from memory_mcp.storage.store import Store

_LEAST_EPISODES = 2  # in which a subject failed
_LEAST_SHARE = 0.5  # of its runs that failed
_LEAST_STREAK = 3  # failures of a shape in a row, in one session, whatever was changed in between
_AT_ONCE = 3  # steps within which the very command is tried again after an edit
_LONGEST_ERROR = 300
_LOOKED_BACK = 50  # steps of the session
_MOST = 3
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


def check_in(
    store: Store, step: Step, episode_id: str | None, *, pending: int = 0, root: str = "", seen_only: bool = False
) -> Check:
    """Check a step that is about to be made in an episode, or outside of one; a warning tells only what was seen."""
    earlier = store.sessions.latest_steps(episode_id, _LOOKED_BACK) if episode_id else ()
    digests = store.digests.seen_only() if seen_only else store.digests
    return check(digests, step, earlier, episode_id=episode_id, pending=pending, root=root)


def check(
    digests: DigestStore,
    step: Step,
    earlier: Sequence[Step] = (),
    *,
    episode_id: str | None = None,
    pending: int = 0,
    root: str = "",
) -> Check:
    """Return why a step would fail; silent for reads and searches, for what passed last, and without evidence.

    `earlier` are the session's steps so far and `episode_id` its episode, whose own record counts for nothing else.
    """
    action = action_of(step, root)
    if not acts(action):
        return Check(action.text, pending=pending)
    command = command_of(step) or ""
    about = "" if installs(command) else command  # an installation depends on nothing that it may bring
    if not any(taken.failed for taken in earlier) and not _is_heard_of(digests, action, about, earlier, episode_id):
        return Check(action.text, pending=pending)
    walk = Walk()
    for at, taken in enumerate(earlier):
        walk.take(at, taken, action_of(taken, root))
    if walk.tries(action).passed_last:
        return Check(action.text, pending=pending)
    found = [
        *_remembered(digests, walk, action, command, about, episode_id),
        *_in_session(digests, walk, action, about, earlier, episode_id),
    ]
    known = {each.error: each for each in reversed(found)}
    return Check(action.text, tuple(reversed(known.values()))[:_MOST], pending)


def frequency(dead_end: DeadEnd) -> str:
    """Say how often something failed, and where."""
    runs = f"{dead_end.failures} of {dead_end.runs} run{'s' if dead_end.runs > 1 else ''}"
    if dead_end.matched == "session":
        return f"{runs} in this session{f', before {dead_end.before!r}' if dead_end.before else ''}"
    return f"{runs} in {len(dead_end.episodes)} episode{'s' if len(dead_end.episodes) > 1 else ''}"


def _is_heard_of(
    digests: DigestStore, action: Action, about: str, earlier: Sequence[Step], episode_id: str | None
) -> bool:
    """Whether other episodes know anything that bears on an action; reading a session's steps costs more than this."""
    scripts: dict[str, str] = {}
    for taken in earlier:
        command = command_of(taken) or ""
        if "<<" in command and any(file in command for file in action.files):
            scripts |= scripts_written(command)
    wanted = [(each, state) for each in subjects(about, scripts) for state in (FRESH, PREPARED)]
    return bool(digests.runs.of_subjects([(action.shape, ""), *wanted], besides=episode_id))


def _in_session(
    digests: DigestStore, walk: Walk, action: Action, about: str, earlier: Sequence[Step], episode_id: str | None
) -> list[DeadEnd]:
    """Return what this very session shows: it failed and nothing was edited since, or it failed again and again."""
    tries = walk.tries(action)
    at = walk.stands_broken(about)
    if tries.runs and (walk.is_unchanged_since(tries) or _is_stuck(tries, action, earlier)):
        at = tries.last_failure
    if at is None:
        return []
    failed = earlier[at]
    error = telling_line(getattr(failed.result, "message", ""))[:_LONGEST_ERROR] or "no message"
    since = walk.installed_since(tries) if tries.runs else ""
    if since and lacks(error) is None:
        return []  # where something is missing, more may be; else an installation is a change like any other
    return [
        DeadEnd(
            action=action_of(failed).text,
            error=error,
            failures=tries.failures or 1,
            runs=tries.runs or 1,
            episodes=(episode_id,) if episode_id else (),
            instead=digests.remedy_of(signature_of(failed) or "", besides=episode_id),
            last_seen=failed.recorded_at,
            matched="session",
            before=since,
        )
    ]


def _is_stuck(tries: Tries, action: Action, earlier: Sequence[Step]) -> bool:
    """Whether edits have not helped for long; who edits and tries again at once knows what he is about."""
    is_at_it = any(command_of(taken) == action.text for taken in earlier[-_AT_ONCE:])
    return tries.streak >= _LEAST_STREAK and not is_at_it


def _remembered(
    digests: DigestStore, walk: Walk, action: Action, command: str, about: str, episode_id: str | None
) -> list[DeadEnd]:
    """Return what other episodes show of the shape, and of what the command depends on."""
    wanted = walk.states(about)
    if not walk.tries(action).runs and not walk.runs_own_script(command):
        wanted.append((action.shape, ""))
    groups: dict[str, list[tuple[str, RunCount]]] = {}
    for pair in digests.runs.of_subjects(wanted, besides=episode_id):
        groups.setdefault(pair[1].subject, []).append(pair)
    if (same := groups.get(action.shape)) and not same[0][1].has_failed_last:
        return []  # its own last run passed, whatever else is known of what it depends on
    found = [_dead_end(members, action) for members in groups.values() if _speaks(members)]
    found = [each for each in found if not ((name := lacks(each.error)) and walk.has_installed(name))]
    return sorted(found, key=lambda each: (-len(each.episodes), -each.failures, each.error))


def _speaks(members: Sequence[tuple[str, RunCount]]) -> bool:
    """Whether runs failed at least every other time, in two or more episodes, and the last one did."""
    failed = sum(count.failures for _, count in members)
    ran = sum(count.runs for _, count in members)
    in_episodes = sum(count.failures > 0 for _, count in members)
    return in_episodes >= _LEAST_EPISODES and failed >= _LEAST_SHARE * ran and members[0][1].has_failed_last


def _dead_end(members: Sequence[tuple[str, RunCount]], action: Action) -> DeadEnd:
    """Join what episodes show of one subject, newest first; the cure is that of the newest that found one."""
    failing = [(episode, count) for episode, count in members if count.failures]
    newest = next((count for _, count in failing if count.remedy), failing[0][1])
    return DeadEnd(
        action=newest.action,
        error=newest.error or newest.signature,
        failures=sum(count.failures for _, count in members),
        runs=sum(count.runs for _, count in members),
        episodes=tuple(episode for episode, _ in failing)[:_MOST_EPISODES],
        instead=newest.remedy,
        last_seen=failing[0][1].seen_at,
        matched="file" if action.kind == "edit" and action.files else "command",
    )
