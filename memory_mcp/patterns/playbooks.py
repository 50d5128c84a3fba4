"""This module drafts the steps of a playbook from similar episodes that were shown to succeed, and the pitfalls."""

import shlex
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct

from memory_mcp.actions.runners import OWN_SCRIPT
from memory_mcp.actions.shapes import telling_commands
from memory_mcp.actions.steps import Action, command_of
from memory_mcp.actions.verdicts import is_check, read_verdict
from memory_mcp.models.digests import RunCount
from memory_mcp.models.episodes import Episode, Step, StepSuccess, outcome_type
from memory_mcp.models.patterns import ErrorRecovery, Fix, Pattern, Tally
from memory_mcp.models.recommendations import Pitfall, PlaybookSource, PlaybookStep, Recommended
from memory_mcp.patterns.carrying_over import Asked, is_general, warns
from memory_mcp.patterns.error_recoveries import error_line
from memory_mcp.patterns.observations import Observation, observe

MOST_STEPS = 12
MOST_PITFALLS = 5
_LEAST_SHARE = 0.34  # of the weight behind the best-supported step; what fewer sources did is their own story
_TRUST = 2.0  # uses that how well following an episode went must outweigh
_MOVERS = {"cp", "mv", "install", "git"}  # what these change was changed by something else
_LONGEST = 200
_LEAST_FAILING = 0.5  # share of all runs of a command that failed
_LEAST_TASKS = 2  # in which an action failed, from which it is a pitfall
_LEAST_FAILED = 2  # episodes in a row from which a recipe is said to fail of late


Tried = Callable[[str], Sequence[tuple[str, str, RunCount]]]  # (episode id, its task, count) of all that ran a shape


class Similar(Struct, frozen=True):
    """An episode like the task: how relevant it is, what age has left of it, and how following it went.

    `tried` says how the runs of its task went, the newest first; `kept` are the files that it left changed;
    `is_same` says that it had the same task, rather than one like it.
    """

    episode: Episode
    relevance: float
    ageing: float
    followed: Tally
    tried: tuple[float | None, ...] = ()
    kept: frozenset[str] = frozenset()
    is_same: bool = False


class Draft(Struct, frozen=True):
    """A playbook without identity."""

    steps: tuple[PlaybookStep, ...]
    pitfalls: tuple[Pitfall, ...]
    sources: tuple[PlaybookSource, ...]
    caution: str = ""


class Worth(Struct, frozen=True):
    """An action worth repeating, and how one would say it."""

    action: Action
    text: str


class _Candidate:
    """A step that several episodes share, while it is counted."""

    def __init__(self) -> None:
        self.weight = 0.0
        self.places: list[float] = []
        self.texts: Counter[str] = Counter()
        self.files: Counter[str] = Counter()
        self.episodes: list[str] = []
        self.token = ""


def draft(task: Asked, similar: Sequence[Similar], recommended: Sequence[Recommended], tried: Tried) -> Draft:
    """Merge what similar episodes did that were shown to succeed into ordered steps; failures become pitfalls.

    Where `files` are known that the task is about, only episodes that changed one of them can be compared with it.
    `tried` counts the runs of a shape in every episode.

    A step is an action of the same shape, or on the same file. Its weight is that of the successes that hold it, times
    its share against the episodes in which it failed for good; its place is the mean of its places.
    """
    seen = [(each, observe(each.episode)) for each in similar]
    comparable = [(each, observed) for each, observed in seen if _is_comparable(each, task.files)]
    good = [(each, observed) for each, observed in comparable if observed.share == 1.0]
    return Draft(
        steps=_with_fixes(_steps(task, good, _failed(task, comparable)), recommended),
        pitfalls=_pitfalls([observed for _, observed in comparable], tried),
        sources=tuple(
            PlaybookSource(
                episode_id=each.episode.id,
                task=next(iter(each.episode.task.splitlines()), "")[:120],
                outcome=outcome_type(each.episode.outcome) if each.episode.outcome else None,
                relevance=each.relevance,
                evidence=each.episode.outcome.evidence if each.episode.outcome else None,
            )
            for each, _ in seen
        ),
        caution=_caution(similar),
    )


def _is_comparable(similar: Similar, files: Sequence[str]) -> bool:
    return not files or not similar.kept or not similar.kept.isdisjoint(files)


def weight(similar: Similar) -> float:
    """Return how much an episode says: relevance x age (a quarter is left to the oldest) x how following it went.

    Trust is 1 while nobody followed it; two uses weigh as much as that.
    """
    followed = similar.followed
    trust = (followed.wins + _TRUST) / (followed.uses + _TRUST)
    return similar.relevance * (1 + 3 * similar.ageing) / 4 * trust


def _caution(similar: Sequence[Similar]) -> str:
    """Say so where the task of a similar episode failed again and again of late."""
    for each in similar:
        known = [share for share in each.tried if share is not None]
        failed = next((at for at, share in enumerate(known) if share > 0), len(known))
        if failed >= _LEAST_FAILED:
            task = next(iter(each.episode.task.splitlines()), "")[:80]
            return f"The last {failed} of {len(known)} runs of '{task}' failed: do not follow them blindly."
    return ""


def _failed(task: Asked, seen: Sequence[tuple[Similar, Observation]]) -> dict[str, float]:
    """Return the weight of the episodes in which a step failed and never passed, by the step's name."""
    found: dict[str, float] = defaultdict(float)
    for similar, observed in seen:
        passed = {name for name, _ in _kept(task, similar, observed)}
        for name in {_name_of(observed.actions[each.failures[0]]) for each in observed.recoveries} - passed:
            found[name] += weight(similar)
    return found


def _steps(task: Asked, good: Sequence[tuple[Similar, Observation]], failed: Mapping[str, float]) -> list[PlaybookStep]:
    candidates: dict[str, _Candidate] = defaultdict(_Candidate)
    for similar, observed in good:
        kept = _kept(task, similar, observed)
        for number, (name, worth) in enumerate(kept):
            found, action = candidates[name], worth.action
            reward = similar.episode.reward.total if similar.episode.reward else 1.0
            found.weight += weight(similar) * reward
            found.places.append((number + 0.5) / len(kept))
            found.texts[worth.text] += 1
            found.files.update(action.files)
            found.episodes.append(similar.episode.id)
            found.token = action.token
    for name, found in candidates.items():
        found.weight *= found.weight / (found.weight + failed.get(name, 0.0))
    strongest = max((each.weight for each in candidates.values()), default=0.0)
    chosen = [each for each in candidates.values() if each.weight >= _LEAST_SHARE * strongest]
    chosen = sorted(chosen, key=lambda each: -each.weight)[:MOST_STEPS]
    chosen.sort(key=lambda each: sum(each.places) / len(each.places))
    return [
        PlaybookStep(
            do=each.texts.most_common(1)[0][0],
            action=each.token,
            support=len(each.episodes),
            episodes=tuple(each.episodes),
            files=tuple(file for file, _ in each.files.most_common(3)),
        )
        for each in chosen
    ]


def _kept(task: Asked, similar: Similar, observed: Observation) -> list[tuple[str, "Worth"]]:
    """Return the steps worth repeating, each once, where it stood last: changes that stayed, green checks, the end.

    What an episode tried out for itself (scratch files, scripts, copies) is no step for others; the set-up is a fact.
    Of another task's steps only what is general is kept.
    """
    kept: dict[str, Worth] = {}
    for at, action in enumerate(observed.actions):
        step = observed.episode.steps[at]
        if step.failed or not _is_worth(action, step, similar.kept):
            continue
        text = _said(action, step)
        if not similar.is_same and not is_general(action, text, task):
            continue
        name = _name_of(action)
        kept.pop(name, None)
        kept[name] = Worth(action, text)
    return list(kept.items())


def _is_worth(action: Action, step: Step, kept: frozenset[str]) -> bool:
    command = command_of(step)
    if action.kind == "finish":
        return True
    if action.kind == "edit":
        is_back = command is not None and any(each.program in _MOVERS for each in telling_commands(command))
        return not is_back and any(
            file in kept or file.endswith(tuple(f"/{each}" for each in kept)) for file in action.files
        )
    if command is None or is_check(command) in {None, "lint"}:
        return False
    output = step.result.output if isinstance(step.result, StepSuccess) else ""
    verdict = read_verdict(command, output, 0)
    return verdict.state == "green" and verdict.runner != OWN_SCRIPT


def _said(action: Action, step: Step) -> str:
    """Return what a step did as one would repeat it: a command without where it ran and who read its output."""
    command = command_of(step)
    if command is None:
        return action.text
    told = " && ".join(shlex.join(each.words) for each in telling_commands(command) if each.words)
    return told if told and len(told) <= _LONGEST and "\n" not in told else action.text


def _name_of(action: Action) -> str:
    """Return what makes actions of several episodes one step: the file of an edit, the shape of a command."""
    return f"edit {action.files[0]}" if action.kind == "edit" and action.files else action.shape


def _with_fixes(steps: Sequence[PlaybookStep], recommended: Sequence[Recommended]) -> tuple[PlaybookStep, ...]:
    """Add the fixes of the errors that the task names and no step holds."""
    joined = list(steps)
    done = {step.do for step in steps}
    for each in recommended:
        best = _best_fix(each.pattern)
        if best is None or done.issuperset(best[0].fix) or len(joined) >= MOST_STEPS:
            continue
        fix, episodes = best
        signature = each.pattern.definition.signature if isinstance(each.pattern.definition, ErrorRecovery) else ""
        joined.append(
            PlaybookStep(
                do=" ; ".join(fix.fix),
                action="fix",
                support=len(episodes),
                episodes=tuple(episodes),
                patterns=(each.pattern.id,),
                files=fix.files,
                note=f"if {fix.action} fails with '{signature}'",
            )
        )
    return tuple(joined[:MOST_STEPS])


def _best_fix(pattern: Pattern) -> tuple[Fix, list[str]] | None:
    fixes: dict[tuple[str, ...], list[tuple[Fix, str]]] = defaultdict(list)
    for each in pattern.evidence:
        if isinstance(each.detail, Fix) and each.detail.fix:
            fixes[each.detail.fix].append((each.detail, each.episode_id))
    if not fixes:
        return None
    members = max(fixes.values(), key=len)
    return members[0][0], [episode for _, episode in members]


def _pitfalls(seen: Sequence[Observation], tried: Tried) -> tuple[Pitfall, ...]:
    """Return what failed in two tasks and at least every other time anywhere, the most widespread first.

    A look around that found nothing and a script of an episode's own are no pitfalls, and what was missing is a fact.
    """
    found: dict[str, Pitfall] = {}
    for observed in seen:
        for each in observed.recoveries:
            at = each.failures[0]
            action, step, error = observed.actions[at], observed.episode.steps[at], error_line(observed, at)
            if action.shape in found or not warns(action, step, error):
                continue
            runs = tried(action.shape)
            failing = [(episode, task, count) for episode, task, count in runs if count.failures]
            failures, times = sum(count.failures for *_, count in runs), sum(count.runs for *_, count in runs)
            tasks = {task for _, task, _ in failing}
            if len(tasks) < _LEAST_TASKS or failures < _LEAST_FAILING * times:
                continue
            remedy = next((count.remedy for *_, count in failing if count.remedy), ())
            episodes = tuple(episode for episode, *_ in failing)
            found[action.shape] = Pitfall(_said(action, step), error, failures, remedy, episodes, times)
    ordered = sorted(found.values(), key=lambda each: (-len(each.episodes), -each.times, each.action))
    return tuple(ordered[:MOST_PITFALLS])


def documents_of(made: Draft, recommended: Sequence[Recommended]) -> tuple[str, ...]:
    """Return every record that a draft quotes, so that it goes when one of them is erased."""
    quoted = [source.episode_id for source in made.sources]
    quoted += [each.pattern.id for each in recommended]
    quoted += [episode for step in made.steps for episode in step.episodes]
    quoted += [episode for pitfall in made.pitfalls for episode in pitfall.episodes]
    return tuple(dict.fromkeys(quoted))
