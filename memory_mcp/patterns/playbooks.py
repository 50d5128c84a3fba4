"""This module makes a playbook: ordered steps from the best similar episodes and from patterns, pitfalls, sources."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from memory_mcp.actions.steps import Action
from memory_mcp.models.episodes import Episode, outcome_type
from memory_mcp.models.patterns import (
    Branches,
    ContextPattern,
    DecisionPoint,
    ErrorRecovery,
    Fix,
    Pattern,
    Tally,
    ToolSequence,
)
from memory_mcp.models.recommendations import Pitfall, PlaybookSource, PlaybookStep, Recommended
from memory_mcp.patterns.error_recoveries import error_line
from memory_mcp.patterns.heuristics import heuristics
from memory_mcp.patterns.observations import Observation, observe

MOST_STEPS = 12
MOST_PITFALLS = 5
_LEAST_SHARE = 0.34  # of the weight behind the best-supported step; what fewer sources did is their own story
_MOST_RULES = 2  # of one pattern
_TRUST = 2.0  # uses that how well following an episode went must outweigh


class Similar(Struct, frozen=True):
    """An episode like the task: how relevant it is, what age has left of it, and how following it went."""

    episode: Episode
    relevance: float
    ageing: float
    followed: Tally


class Draft(Struct, frozen=True):
    """A playbook without identity."""

    steps: tuple[PlaybookStep, ...]
    pitfalls: tuple[Pitfall, ...]
    sources: tuple[PlaybookSource, ...]


class _Candidate:
    """A step that several episodes share, while it is counted."""

    def __init__(self) -> None:
        self.weight = 0.0
        self.places: list[float] = []
        self.texts: Counter[str] = Counter()
        self.files: Counter[str] = Counter()
        self.episodes: list[str] = []
        self.token = ""


def draft(similar: Sequence[Similar], recommended: Sequence[Recommended]) -> Draft:
    """Merge what similar episodes did into ordered steps; what the failed ones did wrong becomes pitfalls.

    A step is an action of the same shape, or on the same file. Its weight is that of the successes that hold it, times
    its share against the episodes in which it failed for good; its place is the mean of its places.
    """
    seen = [(each, observe(each.episode)) for each in similar]
    good = [(each, observed) for each, observed in seen if observed.share]
    steps = _with_patterns(_steps(good, _failed(seen)), recommended)
    return Draft(
        steps=steps,
        pitfalls=_pitfalls(observed for _, observed in seen),
        sources=tuple(
            PlaybookSource(
                episode_id=each.episode.id,
                task=each.episode.task.splitlines()[0][:120],
                outcome=outcome_type(each.episode.outcome) if each.episode.outcome else None,
                relevance=each.relevance,
                evidence=each.episode.outcome.evidence if each.episode.outcome else None,
            )
            for each, _ in seen
        ),
    )


def weight(similar: Similar) -> float:
    """Return how much an episode says: relevance x age (a quarter is left to the oldest) x how following it went.

    Trust is 1 while nobody followed it; two uses weigh as much as that.
    """
    followed = similar.followed
    trust = (followed.wins + _TRUST) / (followed.uses + _TRUST)
    return similar.relevance * (1 + 3 * similar.ageing) / 4 * trust


def _failed(seen: Sequence[tuple[Similar, Observation]]) -> dict[str, float]:
    """Return the weight of the episodes in which a step failed and never passed, by the step's name."""
    found: dict[str, float] = defaultdict(float)
    for similar, observed in seen:
        passed = {name for name, _ in _kept(observed)}
        for name in {_name_of(observed.actions[each.failures[0]]) for each in observed.recoveries} - passed:
            found[name] += weight(similar)
    return found


def _steps(good: Sequence[tuple[Similar, Observation]], failed: Mapping[str, float]) -> list[PlaybookStep]:
    candidates: dict[str, _Candidate] = defaultdict(_Candidate)
    for similar, observed in good:
        kept = _kept(observed)
        for number, (name, action) in enumerate(kept):
            found = candidates[name]
            reward = similar.episode.reward.total if similar.episode.reward else 1.0
            found.weight += weight(similar) * reward
            found.places.append((number + 0.5) / len(kept))
            found.texts[action.text] += 1
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


def _kept(observed: Observation) -> list[tuple[str, Action]]:
    """Return the steps that did something, each once, where it stood last: changes, checks, what ended the task."""
    kept: dict[str, Action] = {}
    for at, action in enumerate(observed.actions):
        if observed.episode.steps[at].failed or action.kind in {"read", "search"}:
            continue
        name = _name_of(action)
        kept.pop(name, None)
        kept[name] = action
    return list(kept.items())


def _name_of(action: Action) -> str:
    """Return what makes actions of several episodes one step: the file of an edit, the shape of a command."""
    return f"edit {action.files[0]}" if action.kind == "edit" and action.files else action.shape


def _with_patterns(steps: Sequence[PlaybookStep], recommended: Sequence[Recommended]) -> tuple[PlaybookStep, ...]:
    """Say at a step which patterns it belongs to, and add fixes and branches that no step holds."""
    joined = [
        PlaybookStep(
            do=step.do,
            action=step.action,
            support=step.support,
            episodes=step.episodes,
            patterns=tuple(each.pattern.id for each in recommended if _belongs(step, each.pattern)),
            files=step.files,
            note=_branch_note(step, recommended),
        )
        for step in steps
    ]
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
    joined += _companions(joined, recommended)
    return tuple(joined[:MOST_STEPS])


def _companions(steps: Sequence[PlaybookStep], recommended: Sequence[Recommended]) -> list[PlaybookStep]:
    """Return what usually goes along with a file that the steps change, by the rules of its pattern."""
    found: dict[str, PlaybookStep] = {}
    changed = {file for step in steps for file in step.files}
    for each in recommended:
        definition = each.pattern.definition
        if isinstance(definition, ContextPattern) and definition.file in changed:
            for rule in heuristics(each.pattern)[:_MOST_RULES]:
                if not any(word in changed for word in rule.action.split()) and rule.action not in found:
                    found[rule.action] = PlaybookStep(
                        do=rule.action,
                        action="rule",
                        support=rule.times,
                        episodes=tuple(evidence.episode_id for evidence in each.pattern.evidence),
                        patterns=(each.pattern.id,),
                        note=f"{rule.condition} ({rule.times} of {rule.of})",
                    )
    return list(found.values())


def _belongs(step: PlaybookStep, pattern: Pattern) -> bool:
    match pattern.definition:
        case ToolSequence(tokens):
            return step.action in tokens
        case ContextPattern(file):
            return file in step.files
        case DecisionPoint(check):
            return step.action == check
        case ErrorRecovery():
            return any(isinstance(each.detail, Fix) and step.do in each.detail.fix for each in pattern.evidence)


def _branch_note(step: PlaybookStep, recommended: Sequence[Recommended]) -> str:
    """Say at a check what to do when it fails, from the decision points."""
    counts: Counter[str] = Counter()
    for each in recommended:
        if each.pattern.definition == DecisionPoint(step.action):
            for evidence in each.pattern.evidence:
                for branch in evidence.detail.branches if isinstance(evidence.detail, Branches) else ():
                    if not branch.passed:
                        counts[branch.next] += branch.times
    return f"when it fails: {counts.most_common(1)[0][0]}" if counts else ""


def _best_fix(pattern: Pattern) -> tuple[Fix, list[str]] | None:
    fixes: dict[tuple[str, ...], list[tuple[Fix, str]]] = defaultdict(list)
    for each in pattern.evidence:
        if isinstance(each.detail, Fix) and each.detail.fix:
            fixes[each.detail.fix].append((each.detail, each.episode_id))
    if not fixes:
        return None
    members = max(fixes.values(), key=len)
    return members[0][0], [episode for _, episode in members]


def _pitfalls(seen: Iterable[Observation]) -> tuple[Pitfall, ...]:
    """Return what failed in similar episodes and what mended it, the most widespread first."""
    found: dict[tuple[str, str], list[tuple[str, int, tuple[str, ...]]]] = defaultdict(list)
    text: dict[tuple[str, str], tuple[str, str]] = {}
    for observed in seen:
        for each in observed.recoveries:
            action = observed.actions[each.failures[0]]
            name = (action.shape, each.signature)
            text.setdefault(name, (action.text, error_line(observed, each.failures[0]) or each.signature))
            fix = tuple(dict.fromkeys(observed.actions[at].text for at in each.fix))
            found[name].append((observed.episode.id, len(each.failures), fix))
    pitfalls = [
        Pitfall(
            action=text[name][0],
            error=text[name][1],
            times=sum(times for _, times, _ in members),
            instead=_most_common_fix(fix for _, _, fix in members),
            episodes=tuple(dict.fromkeys(episode for episode, _, _ in members)),
        )
        for name, members in found.items()
    ]
    pitfalls.sort(key=lambda each: (-len(each.episodes), -each.times, each.action))
    return tuple(pitfalls[:MOST_PITFALLS])


def _most_common_fix(fixes: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    counts = Counter(fix for fix in fixes if fix)
    return counts.most_common(1)[0][0] if counts else ()


def documents_of(made: Draft, recommended: Sequence[Recommended]) -> tuple[str, ...]:
    """Return every record that a draft quotes, so that it goes when one of them is erased."""
    quoted = [source.episode_id for source in made.sources]
    quoted += [each.pattern.id for each in recommended]
    quoted += [episode for step in made.steps for episode in step.episodes]
    quoted += [episode for pitfall in made.pitfalls for episode in pitfall.episodes]
    return tuple(dict.fromkeys(quoted))
