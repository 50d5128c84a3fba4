"""This module chooses the facts that somebody needs who begins a task: how to set up and test, traps, proofs."""

from collections.abc import Sequence

from memory_mcp.models.facts import Fact

_MOST = {"test": 1, "trap": 3, "proof": 2, "together": 2}
_MOST_MISSING = 6


def chosen(facts: Sequence[Fact], files: Sequence[str]) -> list[Fact]:
    """Return the facts for a task on these files: what is missing, then a few of each topic."""
    told = [fact for fact in facts if fact.topic == "setup"][:_MOST_MISSING]
    for topic, most in _MOST.items():
        fitting = [fact for fact in facts if fact.topic == topic]
        if topic in {"proof", "together"}:
            fitting = [fact for fact in fitting if fact.subject.split(" + ")[0] in files]
        told += fitting[:most]
    return told
