"""This module reads rules out of patterns: when this, do that, with how often it was so."""

from collections.abc import Iterator

from memory_mcp.models.patterns import ErrorRecovery, Fix, Heuristic, Pattern

LEAST_EPISODES = 2  # a rule from one episode would be a report of it
_LEAST_SHARE = 0.5
_MOST = 5


def heuristics(pattern: Pattern) -> list[Heuristic]:
    """Return the rules that at least two tasks and half of the cases bear out, the most certain first."""
    found = [
        rule
        for rule in _rules(pattern)
        if rule.episodes >= LEAST_EPISODES and rule.times >= max(LEAST_EPISODES, _LEAST_SHARE * rule.of)
    ]
    return sorted(found, key=lambda rule: (-rule.times / rule.of, -rule.times, rule.condition, rule.action))[:_MOST]


def _rules(pattern: Pattern) -> Iterator[Heuristic]:
    """Yield what ended an error, of all the tasks that met it; repeats of one task count once."""
    if not isinstance(pattern.definition, ErrorRecovery):
        return
    ended: dict[str, set[str]] = {}
    tasks: set[str] = set()
    for each in pattern.evidence:
        task = " ".join(each.task.lower().split())
        tasks.add(task)
        for line in each.detail.fix if isinstance(each.detail, Fix) else ():
            ended.setdefault(line, set()).add(task)
    for line, among in ended.items():
        yield Heuristic(f"on the error '{pattern.definition.signature}'", line, len(among), len(tasks), len(among))
