"""This module sees in later steps whether what a session was told was used."""

from collections.abc import Iterator, Sequence

from memory_mcp.actions.commands import parse_command
from memory_mcp.actions.steps import action_of
from memory_mcp.expressions import expression
from memory_mcp.learning.credit import acted_on, features_of
from memory_mcp.models.episodes import Step
from memory_mcp.models.recommendations import Features
from memory_mcp.models.voices import TALK
from memory_mcp.storage.ledger_store import Telling
from memory_mcp.storage.store import Store
from memory_mcp.telling import handles

_SHORTEST_NAME = 3
_CODE = expression(r"`([^`\n]{2,120})`")
_NAME = expression(r"\b[\w.-]*/[\w./-]*\w|\b\w+_\w+\b|\b[a-z]+[A-Z]\w*|\b[A-Z][a-z]+[A-Z]\w*|\w+\(\)|--[a-z][\w-]+")


def code_in(text: str) -> list[str]:
    """Return what a text shows as code."""
    return _CODE.findall(text)


def names_in(text: str) -> frozenset[str]:
    """Return the identifiers, paths, options and code that a text names."""
    found = {part for code in _CODE.findall(text) for part in code.split()} | set(_NAME.findall(text))
    return frozenset(each.strip("`'\"().,:;") for each in found if len(each) >= _SHORTEST_NAME)


def used(store: Store, telling: Telling) -> dict[str, bool | None]:
    """Say of each thing told whether the session's later steps show its use; None where they cannot."""
    steps = store.ledger.later_steps(telling.session_id.split(":", 1)[0], telling.at)
    deeds = [step for step in steps if step.tool not in TALK]
    if not deeds:
        return dict.fromkeys(telling.names)
    texts = store.ledger.texts(telling.names)
    with store.database.read() as session:
        records = {each.id: features_of(each) for each in store.records(session, telling.names)}
    found: dict[str, bool | None] = {}
    for name in telling.names:
        if name in records:
            found[name] = acted_on(records[name], deeds) if records[name] != Features() else None
        else:
            found[name] = is_used(texts[name], deeds) if texts.get(name) else _is_heeded(name, deeds)
    return found


def _is_heeded(name: str, deeds: Sequence[Step]) -> bool | None:
    """Whether the next action is not the one warned of, or the other file was changed too; None for other names."""
    actions = [action_of(step) for step in deeds]
    if (wanted := handles.other_file(name)) != "":
        changed = {file for action in actions if action.changes for file in action.files}
        return any(handles.hashed(end) == wanted for file in changed for end in _ends(file))
    return handles.is_of_other_shape(name, actions[0].shape)


def _ends(path: str) -> Iterator[str]:
    """Yield a path and what is left of it without its first directories: it may begin at the root of the disk."""
    parts = path.split("/")
    return ("/".join(parts[at:]) for at in range(len(parts)))


def is_used(text: str, deeds: Sequence[Step]) -> bool | None:
    """Whether steps use a file, a command or an identifier that a text names; None where it names nothing."""
    commands = [code for code in code_in(text) if " " in code]
    names = names_in(text) - {word for code in commands for word in code.split()}
    if not names and not commands:
        return None
    shapes = tuple(parse_command(code).shape for code in commands)
    said = [f"{step.action}\n{step.parameters}" for step in deeds]
    return acted_on(Features(shapes=shapes), deeds) or any(
        name in each for each in said for name in (*names, *commands)
    )
