"""This module reads rules out of patterns: when this, do that, with how often it was so."""

from memory_mcp.models.patterns import ErrorRecovery, Heuristic, Pattern
from memory_mcp.patterns.earning import cures_of

_MOST = 5


def heuristics(pattern: Pattern) -> list[Heuristic]:
    """Return the cures that have earned their place, the best proved first; runs of one task count as one."""
    if not isinstance(pattern.definition, ErrorRecovery):
        return []
    condition = f"on the error '{pattern.definition.signature}'"
    return [
        Heuristic(condition, " ; ".join(cure.lines), cure.tasks, round(cure.did + cure.others), cure.tasks)
        for cure in cures_of(pattern)
        if cure.is_earned
    ][:_MOST]
