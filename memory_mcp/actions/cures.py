"""This module says in one line, with its content, what a step did that ended an error."""

from collections.abc import Iterator, Sequence
from typing import Any

from memory_mcp.actions.shapes import is_write, telling_commands
from memory_mcp.actions.steps import Action, command_of
from memory_mcp.expressions import expression
from memory_mcp.models.episodes import Step

LONGEST = 200  # characters of a cure
OLD, NEW = ("old_string", "old_str", "oldString"), ("new_string", "new_str", "newString", "content", "file_text")
_PATCHES = ("patch", "input", "diff")
_NOISE = expression(r"^\s*cd [^\s;&|]+\s*&&\s*|\s*2>&1|\s*\|\s*(?:head|tail|less|cat|more)\b[^|;&]*")
_PATCH_LINE = expression(r"^[-+](?![-+])")
_WORD = expression(r"[A-Za-z_][\w.-]{2,}")


def cures(steps: Sequence[Step], actions: Sequence[Action], fix: Sequence[int], error: str, root: str) -> list[str]:
    """Return what ended an error, what is nearest to it first, in at most 200 characters together."""
    told = dict.fromkeys(cure(steps[at], actions[at], root) for at in fix)
    words = set(_WORD.findall(error))
    ranked = sorted(told, key=lambda line: not words & set(_WORD.findall(line)))
    kept: list[str] = []
    room = LONGEST
    for line in ranked:
        if kept and len(line) > room:
            break
        kept.append(line)
        room -= len(line)
    return kept


def cure(step: Step, action: Action, root: str = "") -> str:
    """Return the command that a step ran, or the lines that it changed, with paths relative to the work tree."""
    command = command_of(step)
    if command is not None:
        text = _of_command(command)
    else:
        changed = _changed(step.parameters)
        place = ", ".join(action.files[:1])
        text = f"{place}: {changed}" if changed and place else changed or action.text
    if root:
        text = text.replace(f"{root.rstrip('/')}/", "")
    return _line(text.replace("/testbed/", ""))


def _of_command(command: str) -> str:
    writes = [each for each in telling_commands(command) if is_write(each)]
    if writes and len(writes) == len(telling_commands(command)):
        return "; ".join(f"write {' '.join(each.written)}: {each.stdin or ''}" for each in writes)
    return _NOISE.sub("", command)


def _changed(parameters: dict[str, Any]) -> str:
    """Return the lines that an edit took out and put in."""
    for key in _PATCHES:
        if isinstance(patch := parameters.get(key), str):
            return " ".join(line.strip() for line in patch.splitlines() if _PATCH_LINE.match(line))
    edits = parameters.get("edits")
    told = (
        [parameters, *(each for each in edits if isinstance(each, dict))] if isinstance(edits, list) else [parameters]
    )
    return " ".join(line for each in told for line in _difference(_text(each, OLD), _text(each, NEW)))


def _difference(old: str, new: str) -> Iterator[str]:
    before, after = [line.strip() for line in old.splitlines()], [line.strip() for line in new.splitlines()]
    yield from (f"- {line}" for line in before if line and line not in after)
    yield from (f"+ {line}" for line in after if line and line not in before)


def _text(parameters: dict[str, Any], keys: Sequence[str]) -> str:
    return next((value for key in keys if isinstance(value := parameters.get(key), str)), "")


def _line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"
