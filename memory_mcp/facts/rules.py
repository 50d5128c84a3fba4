"""This module puts facts about files as rules: when you change this, do that."""

from collections.abc import Sequence

from memory_mcp.models.facts import Fact
from memory_mcp.models.patterns import Heuristic


def rules_of(facts: Sequence[Fact]) -> list[Heuristic]:
    """Return the rules among the facts, the most certain first."""
    found = []
    for fact in facts:
        file = fact.subject.split(" + ")[0]
        if fact.topic == "together":
            found.append(_rule(fact, file, f"change {fact.do} too"))
        elif fact.topic == "proof":
            found.append(_rule(fact, file, f"run {fact.do}"))
    return sorted(found, key=lambda rule: (-rule.times / rule.of, -rule.times, rule.condition, rule.action))


def _rule(fact: Fact, file: str, action: str) -> Heuristic:
    return Heuristic(f"when you change {file}", action, fact.support, fact.of, len(fact.episodes))
