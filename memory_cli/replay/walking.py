"""This module walks the runs of a project in the order of time; at each step the memory knows only what came before."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from msgspec import Struct

from memory_cli.replay import arms
from memory_cli.replay.asking import Live, Prompt, at_prompt, said_by, similar_runs, voted
from memory_cli.replay.counting import (
    MOST_NAMED,
    TOKENS,
    Count,
    Tally,
    count_cure,
    count_files,
    count_prompt,
    count_warning,
)
from memory_cli.replay.happenings import CURE_CHARACTERS, Cure, Happened, happened_in
from memory_cli.replay.minds import Mind
from memory_cli.replay.plain_rule import SameText
from memory_cli.replay.runs import Run
from memory_mcp.config.settings import Settings
from memory_mcp.errors import StoreError
from memory_mcp.tokens import tokens

_SHOWN = 200  # characters of an action or an error


class Warned(Struct, frozen=True):
    """A step before which the memory spoke, or which failed: what it said, empty for nothing."""

    step: int
    action: str
    said: str
    failed: bool


class Mended(Struct, frozen=True):
    """An error that the run overcame: what ended it, and what each arm said when it was met."""

    step: int
    error: str
    cure: str
    said: dict[str, str]


class Seen(Struct, frozen=True):
    """A run as it was replayed: how many earlier runs were known, the counts, and what was said.

    `files` are those that it changed and kept, `named` the first five that ours named.
    """

    run: str
    project: str
    task: str
    known: int
    files: tuple[str, ...]
    named: tuple[str, ...]
    counts: tuple[Count, ...]
    told: tuple[str, ...]
    warned: tuple[Warned, ...]
    mended: tuple[Mended, ...]


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
        try:
            self._home = tempfile.TemporaryDirectory(prefix="memory-mcp-replay-")
        except OSError as error:
            raise StoreError(
                f"no temporary directory can be made for the replay: {error.strerror}; set TMPDIR"
            ) from error
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


class _Scene(Struct):
    """A run at hand: the mind that is asked, the run as it is recorded, and what is known."""

    mind: Mind
    run: Run
    live: Live
    known: dict[Run, Happened]
    similar: Sequence[tuple[Run, float]]
    tally: Tally


def _replayed(mind: Mind, run: Run, known: dict[Run, Happened]) -> Seen:
    """Ask at the prompt and at each step of one run, and count."""
    similar = similar_runs(mind, run.episode.task)
    scene = _Scene(mind, run, Live(mind, run), known, similar, Tally())
    ours = _prompted(scene)
    warned: list[Warned] = []
    mended: list[Mended] = []
    for each in _stepped(scene):
        if isinstance(each, Warned):
            warned.append(each)
        else:
            mended.append(each)
    scene.live.forget()
    return Seen(
        run=run.name,
        project=run.project,
        task=run.task,
        known=len(mind.known),
        files=known[run].files,
        named=ours.files[:MOST_NAMED],
        counts=scene.tally.counts(),
        told=ours.lines,
        warned=tuple(warned),
        mended=tuple(mended),
    )


def _prompted(scene: _Scene) -> Prompt:
    """Ask every arm at the prompt, count, and return what ours said."""
    mind, known, happened = scene.mind, scene.known, scene.known[scene.run]
    ours = at_prompt(mind, scene.run, scene.live.episode_id)
    prompts = {
        arms.OURS: ours,
        arms.HOOKS: Prompt((), ours.spoken),
        arms.SIMILAR: arms.similar_prompt(scene.similar, known),
        arms.RAW: arms.raw_prompt(mind, scene.run.episode.task, known),
        arms.FREQUENT: arms.frequent_prompt(mind, known),
    }
    if mind.known:
        named = {arm: prompt.files for arm, prompt in prompts.items() if arm != arms.HOOKS}
        others = {arms.VOTE: voted(scene.similar, known), arms.TASK: happened.in_task}
        count_files(scene.tally, named | others, happened)
    recurring = frozenset(name for other in mind.known for _, name in known[other].missing)
    count_prompt(scene.tally, prompts, happened, recurring)
    return ours


def _stepped(scene: _Scene) -> Iterator[Warned | Mended]:
    """Take the steps of a run one by one: ask before each, record it, and ask for the cure of a new error."""
    mind, happened = scene.mind, scene.known[scene.run]
    rule = SameText(mind.rule)
    failing = {scene.known[other].actions[at].shape for other in mind.known for at in scene.known[other].failed}
    cures = {cure.met: cure for cure in happened.cures} if mind.known else {}
    checked = frozenset(happened.checked)
    for at, step in enumerate(scene.run.episode.steps):
        failed, shape = at in happened.failed, happened.actions[at].shape
        if at in checked:
            said = said_by(scene.live.check(step))
            for arm, spoke in ((arms.OURS, bool(said)), (arms.SAME_TEXT, rule.warns(step))):
                count_warning(scene.tally, arm, spoke=spoke, failed=failed, had_failed=shape in failing)
            scene.tally.add(TOKENS, arms.OURS, tokens(said) if said else 0, 0)
            if said or failed:
                yield Warned(at + 1, step.action[:_SHOWN], said, failed)
        scene.live.append([step])
        rule.add(step)
        if failed:
            failing.add(shape)
        if at in cures:
            yield _mended(scene, at, cures[at])


def _mended(scene: _Scene, at: int, cure: Cure) -> Mended:
    """Ask every arm for the cure of an error that has just been met, and count."""
    mind, known, step = scene.mind, scene.known, scene.run.episode.steps[at]
    checked, recommended = scene.live.checked_cure(step), scene.live.pattern_cure(cure.error)
    told = {
        arms.OURS: checked or recommended,
        arms.CHECK: checked,
        arms.PATTERNS: recommended,
        arms.SIMILAR: arms.similar_cure(scene.similar, cure.error, known),
        arms.RAW: arms.raw_cure(mind, step, cure.error, known),
        arms.FREQUENT: arms.frequent_cure(mind, known),
    }
    said = {arm: text[:CURE_CHARACTERS] for arm, text in told.items()}
    for arm, text in said.items():
        count_cure(scene.tally, arm, text, cure)
    return Mended(at + 1, cure.error[:_SHOWN], cure.text, said)
