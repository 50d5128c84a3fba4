"""This module chooses the facts that somebody needs who begins a task: how to set up and test, traps, proofs."""

import re
from collections.abc import Sequence

from memory_mcp.expressions import expression
from memory_mcp.models.facts import Fact

_MOST = {"test": 1, "trap": 3, "proof": 2, "together": 2}
_MOST_MISSING = 6
_RELEASE = expression(
    r"\b(?:releases?|versions?|since|in|and|between|from|to|after|until) v?(\d+)\.\d+\.\d+", re.IGNORECASE
)


def chosen(facts: Sequence[Fact], files: Sequence[str], task: str = "") -> list[Fact]:
    """Return the facts for a task on these files: what is missing, then a few of each topic.

    What was seen in one version of the project alone is not told for a task that speaks of others only.
    """
    facts = [fact for fact in facts if not fact.at or may_be_of(fact.at, task)]
    told = [fact for fact in facts if fact.topic == "setup"][:_MOST_MISSING]
    for topic, most in _MOST.items():
        fitting = [fact for fact in facts if fact.topic == topic]
        if topic in {"proof", "together"}:
            fitting = [fact for fact in fitting if fact.subject.split(" + ")[0] in files]
        told += fitting[:most]
    return told


def may_be_of(version: str, task: str) -> bool:
    """Whether a task may be about a version such as `shop 2.1`: it names none, or one with the same first number."""
    package, _, number = version.rpartition(" ")
    named = re.findall(rf"\b{re.escape(package)}\W{{0,8}}(?:version\W{{0,4}})?v?(\d+)\.\d", task, re.IGNORECASE)
    named += _RELEASE.findall(task)
    return not named or number.split(".")[0] in named
