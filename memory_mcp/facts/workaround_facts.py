"""This module derives what the environment no longer has, and the edit by which runs got around it."""

from collections.abc import Collection, Sequence
from functools import partial

from msgspec.structs import replace

from memory_mcp.facts.counting import Group, commonest, fact, repeated_workarounds, said, support, title
from memory_mcp.facts.paths import sources_among
from memory_mcp.facts.version_facts import own_version
from memory_mcp.models.facts import Fact
from memory_mcp.models.surveys import Surveyed, Workaround

_MOST_FILES = 4


def workaround_traps(groups: Sequence[Group], own: Collection[str] = ()) -> list[Fact]:
    """Return the errors that several runs ended by the same kind of edit, which is no part of the task."""
    found: list[Fact] = []
    told: dict[tuple[str, str], set[str]] = {}  # the runs of which an edit is told
    errors = list(repeated_workarounds(each for group in groups for each in group.members))
    for error in sorted(errors, key=lambda error: (-len(_runs(groups, error)), len(error), error)):
        runs = _runs(groups, error)
        edit = commonest(groups, partial(_edits, error=error)).most_common(1)[0][0]
        if runs <= told.get(edit, set()):
            continue  # another wording of an error that is told
        told.setdefault(edit, set()).update(runs)
        found.append(_trap(groups, error, edit, own))
    return sorted(found, key=lambda each: (-each.support, each.subject))


def _trap(groups: Sequence[Group], error: str, edit: tuple[str, str], own: Collection[str]) -> Fact:
    counted = support(groups, partial(_shows, error=error), lambda each: each.survey.ran_code)
    files = [file for file, _ in commonest(groups, partial(_files, error=error)).most_common(_MOST_FILES)]
    files = sources_among(files) or files
    where = f" in {' and '.join(f'`{file}`' for file in files)}" if files else ""
    showing = [each for group in groups for each in group.members if _shows(each, error)]
    versions = {own_version(each, own) for each in showing}
    at = versions.pop() if len(versions) == 1 else ""
    seen = said(counted) + (f", all of {at}" if at else "")
    if counted.tasks == 1 and counted.of > 1:
        runs = f"{counted.runs} run{'' if counted.runs == 1 else 's'}"
        seen = f"{runs} of the task '{title(showing[-1].task)}'{f', of {at}' if at else ''}; not in"
        seen += f" {'the other one' if counted.of == 2 else f'the {counted.of - 1} others'}"  # noqa: PLR2004
    around = len(_runs(groups, error))
    who = f"{around} of these runs" if around < counted.runs else "all of them" if counted.runs > 1 else "it"
    plain = error.replace("`", "")
    text = f"`{plain}` comes from the environment ({seen}): {who} changed `{edit[0]}` to `{edit[1]}`{where}."
    return replace(fact("trap", error, text, counted), at=at)


def _runs(groups: Sequence[Group], error: str) -> set[str]:
    return {each.episode_id for group in groups for each in group.members if _has(each, error)}


def _shows(each: Surveyed, error: str) -> bool:
    return error in each.survey.gone or _has(each, error)


def _made(each: Surveyed, error: str) -> Workaround | None:
    return next((made for made in each.survey.workarounds if made.error == error), None)


def _has(each: Surveyed, error: str) -> bool:
    return _made(each, error) is not None


def _edits(each: Surveyed, error: str) -> list[tuple[str, str]]:
    return [(made.old, made.new) for made in [_made(each, error)] if made]


def _files(each: Surveyed, error: str) -> tuple[str, ...]:
    made = _made(each, error)
    return made.files if made else ()
