"""This module derives what the environment no longer has, and the edit by which runs got around it."""

from collections.abc import Sequence
from functools import partial

from memory_mcp.facts.counting import Group, commonest, fact, repeated_workarounds, said, support
from memory_mcp.facts.paths import sources_among
from memory_mcp.models.facts import Fact
from memory_mcp.models.surveys import Surveyed, Workaround

_MOST_FILES = 4


def workaround_traps(groups: Sequence[Group]) -> list[Fact]:
    """Return the errors that several runs ended by the same kind of edit, which is no part of the task."""
    found = []
    for error in repeated_workarounds(each for group in groups for each in group.members):
        counted = support(groups, partial(_has, error=error), lambda each: each.survey.ran_code)
        old, new = commonest(groups, partial(_edits, error=error)).most_common(1)[0][0]
        files = [file for file, _ in commonest(groups, partial(_files, error=error)).most_common(_MOST_FILES)]
        files = sources_among(files) or files
        where = f" in {' and '.join(f'`{file}`' for file in files)}" if files else ""
        plain = error.replace("`", "")
        text = f"`{plain}` comes from the environment ({said(counted)}): runs changed `{old}` to `{new}`{where}."
        found.append(fact("trap", error, text, counted))
    return sorted(found, key=lambda each: (-each.support, each.subject))


def _made(each: Surveyed, error: str) -> Workaround | None:
    return next((made for made in each.survey.workarounds if made.error == error), None)


def _has(each: Surveyed, error: str) -> bool:
    return _made(each, error) is not None


def _edits(each: Surveyed, error: str) -> list[tuple[str, str]]:
    return [(made.old, made.new) for made in [_made(each, error)] if made]


def _files(each: Surveyed, error: str) -> tuple[str, ...]:
    made = _made(each, error)
    return made.files if made else ()
