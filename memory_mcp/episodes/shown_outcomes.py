"""This module finds out from the steps alone how an episode went; where they do not show it, it says nothing."""

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from memory_mcp.actions.runners import OWN_SCRIPT, CheckKind
from memory_mcp.actions.shell_paths import is_temporary
from memory_mcp.actions.steps import Action, action_of, verdict_of
from memory_mcp.actions.verdicts import Verdict
from memory_mcp.expressions import expression
from memory_mcp.models.episodes import Failure, Outcome, PartialSuccess, Step, Success

_PROOFS: tuple[CheckKind, ...] = (
    "test",
    "build",
)  # what a task may be proved by, the strongest first; a linter proves none
_TELLING = ("green", "red")
_HARMLESS = {"rm", "mkdir", "touch", "submit"}  # taking scratch files away after the tests changes nothing
_UNDOING = ("git stash", "git checkout", "git restore", "git reset", "git revert", "git apply")
_STASH = expression(r"\bgit stash(?! (?:pop|apply|list|show|drop|clear))")
_UNSTASH = expression(r"\bgit stash (?:pop|apply|drop)")
_MOST = 5
_QUOTED = 120


class Run(Struct, frozen=True):
    """A run of a test or a build, at a position from 0, that said how it went."""

    at: int
    shape: str
    text: str
    verdict: Verdict

    @property
    def passed(self) -> bool:
        """Whether the output says that it passed."""
        return self.verdict.state == "green"

    @property
    def said(self) -> str:
        """The line of the output that says so."""
        return self.verdict.line.strip("= ")[:_QUOTED]


def runs_of(steps: Sequence[Step], actions: Sequence[Action]) -> list[Run]:
    """Return the runs of tests whose outputs say how they went; of builds where no test was run at all."""
    found: dict[CheckKind, list[Run]] = {kind: [] for kind in _PROOFS}
    stashed = _stashed(actions)
    for at, (step, action) in enumerate(zip(steps, actions, strict=True)):
        verdict = None if at in stashed else verdict_of(step)
        kind = verdict and verdict.kind
        if verdict is None or kind is None or kind not in found or verdict.runner == OWN_SCRIPT:
            continue  # a script that an agent wrote to judge its own work proves nothing
        if kind == "test" and verdict.line.startswith("exit code"):
            verdict = replace(verdict, state="unknown")  # a test that passed says so
        found[kind].append(Run(at, action.shape, action.text[:_QUOTED], verdict))
    chosen = next((runs for runs in found.values() if runs), [])
    return [run for run in chosen if run.verdict.state in _TELLING]


def last_change(steps: Sequence[Step], actions: Sequence[Action]) -> int:
    """Return the position of the last change to the project, -1 without one."""
    removed = _removed(actions)
    changes = (at for at in range(len(steps) - 1, -1, -1) if _is_change(steps[at], actions[at], removed))
    return next(changes, -1)


def outcome_shown(steps: Sequence[Step]) -> Outcome | None:
    """Return the outcome that tests and builds show: what passed after the last change, what was left failing.

    None where nothing was checked after the last change: that the agent stopped is no evidence.
    """
    actions = [action_of(step) for step in steps]
    changed = last_change(steps, actions)
    latest = {run.shape: run for run in runs_of(steps, actions) if run.at > changed}
    ordered = sorted(latest.values(), key=lambda run: run.at)
    passed = [run for run in ordered if run.passed]
    left = tuple(_left(run) for run in ordered if not run.passed)[:_MOST]
    if left:
        done = tuple(run.text for run in passed[-_MOST:])
        if done:
            said = "As the recorded steps show; nobody said so."
            return PartialSuccess(said, completed=done, failed=left, evidence="shown")
        return Failure(f"{'; '.join(left)}. As the recorded steps show; nobody said so.", evidence="shown")
    if not passed or changed < 0:
        return None
    last = passed[-1]
    verdict = f"{last.text} passed after the last change (step {last.at + 1}); nobody said so."
    return Success(verdict, artifacts=_files(steps, actions), evidence="shown")


def weighed(outcome: Outcome, steps: Sequence[Step]) -> Outcome:
    """Say what an outcome rests on: a claim that the last tests bear out is shown, one that they deny is doubted."""
    if isinstance(outcome, Success | PartialSuccess):
        outcome = replace(outcome, doubt=doubt_of(steps))
    if outcome.evidence != "claimed":
        return outcome
    shown = outcome_shown(steps)
    return replace(outcome, evidence="shown") if type(shown) is type(outcome) else outcome


def doubt_of(steps: Sequence[Step]) -> str:
    """Say that the last test run failed, where it did."""
    actions = [action_of(step) for step in steps]
    runs = runs_of(steps, actions)
    if not runs or runs[-1].passed:
        return ""
    last = runs[-1]
    return f"The last {last.verdict.kind} run (step {last.at + 1}, {last.text}) failed: {last.said}"


def _is_change(step: Step, action: Action, removed: frozenset[str]) -> bool:
    """Whether a step changed the project; what is written to be taken away again is none of it."""
    if step.failed or action.token.split(" ")[0] in _HARMLESS:
        return False
    if any(verb in action.token for verb in _UNDOING):
        return True
    is_scratch = all(is_temporary(file) or file.rsplit("/", 1)[-1] in removed for file in action.files)
    return action.kind in {"edit", "install"} and not (action.files and is_scratch)


def _removed(actions: Sequence[Action]) -> frozenset[str]:
    """Return the names of the files that were taken away again."""
    gone = (file for action in actions if action.token.split(" ")[0] == "rm" for file in action.files)
    return frozenset(file.rsplit("/", 1)[-1] for file in gone)


def _stashed(actions: Sequence[Action]) -> set[int]:
    """Return the positions of steps without the changes: tests run there say how it was before."""
    found: set[int] = set()
    is_stashed = False
    for at, action in enumerate(actions):
        begins = _STASH.search(action.text) is not None
        if begins or is_stashed:
            found.add(at)
        is_stashed = (is_stashed or begins) and _UNSTASH.search(action.text) is None
    return found


def _left(run: Run) -> str:
    return f"{run.text} still failed: {run.said}"


def _files(steps: Sequence[Step], actions: Sequence[Action]) -> tuple[str, ...]:
    removed = _removed(actions)
    changed = (action for step, action in zip(steps, actions, strict=True) if _is_change(step, action, removed))
    return tuple(dict.fromkeys(file for action in changed for file in action.files))[: 4 * _MOST]
