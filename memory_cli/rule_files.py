"""This module writes accepted rules between its own marks into the files that agents read, and nothing else in them."""

from collections.abc import Sequence
from pathlib import Path

from memory_mcp.clock import iso
from memory_mcp.errors import InvalidInputError
from memory_mcp.models.rules import Rule
from memory_mcp.visible import visible_line

MOST_LINES = 15  # agents read such a file at each start
_BEGIN = "<!-- memory-mcp: rules that the user accepted; written by 'memory-cli rule write', changes here are lost -->"
_END = "<!-- memory-mcp: end of rules -->"
_MARK = "<!-- memory-mcp"
_SKILL = Path(".claude", "skills", "project-rules", "SKILL.md")
_SKILL_HEAD = """---
name: project-rules
description: Rules that the user set for how agents work in this project. Read before changing or running anything.
---

"""
_LONGEST = 300  # characters of a rule


def path_of(name: str, root: Path) -> Path:
    """Return the file that a name stands for: AGENTS.md, CLAUDE.md, SKILL, or a Markdown file of the project.

    Raises:
        InvalidInputError: it names nothing that agents read.

    """
    if name.upper() in {"SKILL", "SKILL.MD"}:
        return root / _SKILL
    path = Path(name)
    if path.suffix.lower() != ".md" or path.is_absolute() or ".." in path.parts:
        raise InvalidInputError(
            f"'{name}' is none of AGENTS.md, CLAUDE.md, SKILL or another Markdown file of this project"
        )
    return root / path


def lines_of(rules: Sequence[Rule]) -> list[str]:
    """Return one line per rule, those said most often first, at most 15, each with its source."""
    return [f"- {_one_line(rule.text)} ({source_of(rule)})" for rule in rules[:MOST_LINES]]


def source_of(rule: Rule) -> str:
    """Return who said a rule, when, and how often."""
    if not rule.quotes:
        return f"added by the user {_date(rule.made_at)}"
    times = f", {rule.count} times" if rule.count > 1 else ""
    return f"said by the user {_date(rule.quotes[0].said_at)}{times}, record {rule.quotes[0].source_id[-8:]}"


def with_rules(text: str, rules: Sequence[Rule], *, is_skill: bool) -> str | None:
    """Return a file's text with the rules between its marks; None where nothing would be left of the file.

    Raises:
        InvalidInputError: the marks in it are incomplete.

    """
    starts, ends = text.count(_BEGIN), text.count(_END)
    if starts != ends or starts > 1 or (starts and text.index(_BEGIN) > text.index(_END)):
        raise InvalidInputError(
            "the marks of memory-mcp in this file are incomplete; remove them by hand and run this again"
        )
    block = "\n".join((_BEGIN, *lines_of(rules), _END)) if rules else ""
    if starts:
        before, rest = text.split(_BEGIN)
        after = rest.split(_END)[1]
        whole = f"{before}{block}{after}" if block else f"{before.rstrip()}\n{after.lstrip()}".strip()
    elif not block:
        return text or None
    else:
        head = _SKILL_HEAD if is_skill and not text.strip() else text
        gap = "" if not head or head.endswith("\n\n") else "\n" if head.endswith("\n") else "\n\n"
        whole = f"{head}{gap}{block}\n"
    return (
        None
        if not whole.strip() or whole.strip() == _SKILL_HEAD.strip()
        else whole
        if whole.endswith("\n")
        else f"{whole}\n"
    )


def _date(at: int) -> str:
    return iso(at)[:10]


def _one_line(text: str) -> str:
    line = visible_line(" ".join(text.split())).replace(_MARK, "‹!-- memory-mcp")
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"
