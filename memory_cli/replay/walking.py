"""This module walks the runs of a project in the order of time; at each step the memory knows only what came before."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from msgspec import Struct

from memory_cli.replay import arms
from memory_cli.replay.asking import Live, Prompt, at_prompt, said_by, similar_runs, voted
from memory_cli.replay.counting import TOKENS, Count, Tally, count_cure, count_files, count_prompt, count_warning
from memory_cli.replay.happenings import Happened, happened_in
from memory_cli.replay.minds import Mind
from memory_cli.replay.plain_rule import SameText
from memory_cli.replay.runs import Run
from memory_mcp.config.settings import Settings
from memory_mcp.hooks.fence import tokens


class Warned(Struct, frozen=True):
    """A step before which the memory spoke, or which failed: what it said, empty for nothing."""

    step: int
    action: str
    said: str
    failed: bool


class Seen(Struct, frozen=True):
    """A run as it was replayed: how many earlier runs were known, the counts, and what was said."""

    run: str
    project: str
    task: str
    known: int
    files: tuple[str, ...]
    named: tuple[str, ...]
    counts: tuple[Count, ...]
    told: tuple[str, ...]
    warned: tuple[Warned, ...]


class Plan(Struct, frozen=True):
    """How a project is walked: which of its runs are asked at, and whether later runs of other tasks are known too."""

    asked: frozenset[str]
    hindsight: bool = False


def walk(runs: Sequence[Run], plan: Plan, settings: Settings, progress: Callable[[], None]) -> Iterator[Seen]:
    """Replay the runs of one project, given in the order of time; the scratch stores go when it ends, however it does.

    Runs of one task share a memory that none of them enters; runs whose task is new share another.
    """
    happened = {run: happened_in(run.episode) for run in runs}
    ended = sorted(runs, key=lambda run: run.ended_at)
    last = {run.task: run for run in runs if run.name in plan.asked}
    fed: dict[str, _Fed] = {}
    with ExitStack() as stack:
        for run in runs:
            if run.name not in plan.asked:
                continue
            key = run.task if run.apart else ""
            if key not in fed or not fed[key].learnt.isdisjoint(run.apart):
                fed[key] = stack.enter_context(_Fed(settings, ended))
            fed[key].feed(run.apart, None if plan.hindsight else run.started_at)
            yield _replayed(fed[key].mind, run, happened)
            progress()
            if key and last[run.task] is run:
                fed.pop(key).close()


class _Fed:
    """A mind in a directory of its own, with its place among the runs in the order in which they ended."""

    def __init__(self, settings: Settings, ended: Sequence[Run]) -> None:
        self._home = tempfile.TemporaryDirectory(prefix="memory-mcp-replay-")
        self.mind = Mind(Path(self._home.name), settings)
        self.learnt: set[str] = set()
        self._ended = ended
        self._place = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def feed(self, apart: frozenset[str], before: int | None) -> None:
        """Let it learn the runs that ended before a time, or all of them, but for some."""
        start = self._place
        while self._place < len(self._ended) and (before is None or self._ended[self._place].ended_at < before):
            self._place += 1
        new = [run for run in self._ended[start : self._place] if run.name not in apart]
        self.mind.learn(new)
        self.learnt.update(run.name for run in new)

    def close(self) -> None:
        """Close the store and remove it."""
        self.mind.close()
        self._home.cleanup()


def _replayed(mind: Mind, run: Run, known: dict[Run, Happened]) -> Seen:
    """Ask at the prompt and at each step of one run, and count."""
    happened, task = known[run], run.episode.task
    tally = Tally()
    similar = similar_runs(mind, task)
    live = Live(mind, run)
    ours = at_prompt(mind, run, live.episode_id)
    prompts = {
        arms.OURS: ours,
        arms.HOOKS: Prompt((), ours.spoken),
        arms.SIMILAR: arms.similar_prompt(similar, known),
        arms.RAW: arms.raw_prompt(mind, task, known),
        arms.FREQUENT: arms.frequent_prompt(mind, known),
    }
    if mind.known:
        named = {arm: prompt.files for arm, prompt in prompts.items() if arm != arms.HOOKS}
        others = {arms.VOTE: voted(similar, known), arms.TASK: happened.in_task}
        count_files(tally, named | others, happened)
    recurring = frozenset(name for other in mind.known for _, name in known[other].missing)
    count_prompt(tally, prompts, happened, recurring)
    warned = list(_stepped(mind, run, live, tally, known, similar))
    live.forget()
    return Seen(
        run=run.name,
        project=run.project,
        task=run.task,
        known=len(mind.known),
        files=happened.files,
        named=ours.files,
        counts=tally.counts(),
        told=ours.lines,
        warned=tuple(warned),
    )


def _stepped(
    mind: Mind,
    run: Run,
    live: Live,
    tally: Tally,
    known: dict[Run, Happened],
    similar: Sequence[tuple[Run, float]],
) -> Iterator[Warned]:
    """Take the steps of a run one by one: ask before each, record it, and ask for the cure of a new error."""
    happened = known[run]
    rule = SameText(mind.rule)
    failing = {known[other].actions[at].shape for other in mind.known for at in known[other].failed}
    cures = {cure.met: cure for cure in happened.cures}
    checked = frozenset(happened.checked)
    for at, step in enumerate(run.episode.steps):
        failed, shape = at in happened.failed, happened.actions[at].shape
        if at in checked:
            said = said_by(live.check(step))
            had_failed = shape in failing
            count_warning(tally, arms.OURS, spoke=bool(said), failed=failed, had_failed=had_failed)
            count_warning(tally, arms.SAME_TEXT, spoke=rule.warns(step), failed=failed, had_failed=had_failed)
            tally.add(TOKENS, arms.OURS, tokens(said) if said else 0, 0)
            if said or failed:
                yield Warned(at + 1, step.action[:200], said, failed)
        live.append([step])
        rule.add(step)
        if failed:
            failing.add(shape)
        if at in cures and mind.known:
            cure = cures[at]
            count_cure(tally, arms.OURS, live.cure(step, cure.error), cure)
            count_cure(tally, arms.SIMILAR, arms.similar_cure(similar, cure.error, known), cure)
            count_cure(tally, arms.RAW, arms.raw_cure(mind, step, cure.error, known), cure)
            count_cure(tally, arms.FREQUENT, arms.frequent_cure(mind, known), cure)
