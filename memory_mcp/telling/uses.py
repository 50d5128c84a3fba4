"""This module sees in later steps whether what a session was told was used."""

import hashlib
from collections.abc import Sequence

from memory_mcp.actions.commands import parse_command
from memory_mcp.actions.steps import action_of
from memory_mcp.expressions import expression
from memory_mcp.learning.credit import acted_on, features_of
from memory_mcp.models.episodes import Step
from memory_mcp.models.recommendations import Features
from memory_mcp.models.voices import TALK
from memory_mcp.storage.ledger_store import Telling
from memory_mcp.storage.store import Store

AVOIDED = "avoid "  # begins the name of a warning: it was used if the very action was not made next
_SHORTEST_NAME = 3
_CODE = expression(r"`([^`\n]{2,120})`")
_NAME = expression(r"\b[\w.-]*/[\w./-]*\w|\b\w+_\w+\b|\b[a-z]+[A-Z]\w*|\b[A-Z][a-z]+[A-Z]\w*|\w+\(\)|--[a-z][\w-]+")


def warning_name(shape: str) -> str:
    """Name a warning against actions of a shape, without the words of the action."""
    return f"{AVOIDED}{hashlib.sha256(shape.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}"


def names_in(text: str) -> frozenset[str]:
    """Return the identifiers, paths, options and code that a text names."""
    found = {part for code in _CODE.findall(text) for part in code.split()} | set(_NAME.findall(text))
    return frozenset(each.strip("`'\"().,:;") for each in found if len(each) >= _SHORTEST_NAME)


def used(store: Store, telling: Telling) -> dict[str, bool | None]:
    """Say of each thing told whether the session's later steps show its use; None where they cannot."""
    steps = store.ledger.later_steps(telling.session_id.split(":", 1)[0], telling.at)
    deeds = [step for step in steps if step.tool not in TALK]
    kinds = store.ledger.texts(telling.names)
    with store.database.read() as session:
        records = {each.id: each for each in store.records(session, telling.names)}
    found: dict[str, bool | None] = {}
    for name in telling.names:
        if name.startswith(AVOIDED):
            found[name] = warning_name(action_of(deeds[0]).shape) != name if deeds else None
        elif not deeds:
            found[name] = None
        elif name in records:
            found[name] = acted_on(features_of(records[name]), deeds)
        elif (told := kinds.get(name)) and told[1]:
            found[name] = is_used(told[1], deeds)
        else:
            found[name] = None
    return found


def is_used(text: str, deeds: Sequence[Step]) -> bool:
    """Whether steps use what a text names: a file, a command, or an identifier of it."""
    shapes = tuple(parse_command(code).shape for code in _CODE.findall(text))
    if acted_on(Features(shapes=shapes), deeds):
        return True
    names = names_in(text)
    if not names:
        return False
    return any(name in said for step in deeds for said in (f"{step.action}\n{step.parameters}",) for name in names)
