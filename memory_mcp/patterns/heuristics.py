"""This module reads rules out of patterns: when this, do that, with how often it was so."""

from collections import Counter
from collections.abc import Iterable, Iterator

from memory_mcp.models.patterns import (
    Approach,
    Branches,
    ContextPattern,
    DecisionPoint,
    ErrorRecovery,
    Evidence,
    Fix,
    Heuristic,
    Pattern,
    Run,
    ToolSequence,
)

LEAST_EPISODES = 2  # a rule from one episode would be a report of it
_LEAST_SHARE = 0.5
_MOST = 5


def heuristics(pattern: Pattern) -> list[Heuristic]:
    """Return the rules that at least two episodes and half of the cases bear out, the most certain first."""
    found = [
        rule
        for rule in _rules(pattern)
        if rule.episodes >= LEAST_EPISODES and rule.times >= max(LEAST_EPISODES, _LEAST_SHARE * rule.of)
    ]
    return sorted(found, key=lambda rule: (-rule.times / rule.of, -rule.times, rule.condition, rule.action))[:_MOST]


def _rules(pattern: Pattern) -> Iterator[Heuristic]:
    evidence = pattern.evidence
    match pattern.definition:
        case DecisionPoint(check):
            yield from _of_branches(check, evidence)
        case ErrorRecovery(signature):
            yield from _of_fixes(signature, evidence)
        case ContextPattern(file):
            yield from _of_approaches(file, evidence)
        case ToolSequence(tokens):
            good = sum(each.share == 1.0 for each in evidence if isinstance(each.detail, Run))
            begun = " → ".join(tokens[:-1])
            yield Heuristic(f"after {begun}", f"go on with {tokens[-1]}", good, len(evidence), len(evidence))


def _of_branches(check: str, evidence: Iterable[Evidence]) -> Iterator[Heuristic]:
    times: Counter[tuple[bool, str]] = Counter()
    episodes: Counter[tuple[bool, str]] = Counter()
    for each in evidence:
        for branch in each.detail.branches if isinstance(each.detail, Branches) else ():
            times[branch.passed, branch.next] += branch.times
            episodes[branch.passed, branch.next] += 1
    for (passed, following), count in times.items():
        of = sum(number for (other, _), number in times.items() if other is passed)
        state = "passes" if passed else "fails"
        yield Heuristic(f"when {check} {state}", f"go on with {following}", count, of, episodes[passed, following])


def _of_fixes(signature: str, evidence: Iterable[Evidence]) -> Iterator[Heuristic]:
    fixes = [each.detail.fix for each in evidence if isinstance(each.detail, Fix)]
    counts = Counter(line for fix in fixes for line in fix)
    for line, count in counts.items():
        yield Heuristic(f"on the error '{signature}'", line, count, len(fixes), count)


def _of_approaches(file: str, evidence: Iterable[Evidence]) -> Iterator[Heuristic]:
    approaches = [each.detail for each in evidence if isinstance(each.detail, Approach) and each.share > 0]
    files = Counter(companion for approach in approaches for companion in approach.companions)
    runs = Counter(check for approach in approaches for check in approach.checks)
    for companion, count in files.items():
        yield Heuristic(f"when you change {file}", f"change {companion} too", count, len(approaches), count)
    for check, count in runs.items():
        yield Heuristic(f"when you change {file}", f"run {check}", count, len(approaches), count)
