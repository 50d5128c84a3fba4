"""This module derives small habits of a project: what a command needs, where a name lives, what commits bring along."""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from functools import partial

from memory_mcp.expressions import expression
from memory_mcp.facts.counting import Group, commonest, fact, said, support
from memory_mcp.facts.paths import sources_among
from memory_mcp.models.facts import Fact
from memory_mcp.models.surveys import OptionCure, Surveyed

_OF_PACKAGE = expression(
    r"AttributeError: module '(\w+)[\w.]*' has no attribute|ImportError: cannot import name '\w+' from '(\w+)"
)
_QUOTED = expression(r"['`]([\w.]+)['`]")
_LEAST_RUNS = 2
_LEAST_TASKS = 2
_LEAST_NAMES = 3
_MOST_NAMES = 8
_LEAST_COMMITS = 3
_MOST_COMMITS_SHARE = 0.6
_CHANGELOG = expression(
    r"(?:^|/)(?:changelog|changes|news|history|whatsnew|releasenotes|release_notes)\b[^/]*$", re.IGNORECASE
)
_OF_RELEASES = expression(
    r"(?:^|/)(?:whatsnew|release_notes|releases|changelog|changes|newsfragments|news)/[^/]+$", re.IGNORECASE
)


def option_facts(groups: Sequence[Group]) -> list[Fact]:
    """Return the commands that failed in several runs until they had another option."""
    found = []
    for cure in commonest(groups, lambda each: each.survey.options):
        counted = support(groups, partial(_has_cure, cure=cure), partial(_has_cure, cure=cure))
        if counted.runs >= _LEAST_RUNS:
            text = f"`{cure.command}` ended in `{cure.error}` in {counted.runs} runs, and ran with `{cure.option}`."
            found.append(fact("trap", f"{cure.command} {cure.option}", text, counted, f"{cure.command} {cure.option}"))
    return found


def import_facts(groups: Sequence[Group]) -> list[Fact]:
    """Return the names that several runs imported from where they are not, with where they are."""
    holders = _holders(groups)
    found = []
    for name, module in commonest(groups, lambda each: each.survey.wrong_imports):
        counted = support(groups, partial(_missed, pair=(name, module)), lambda each: each.survey.ran_code)
        files = holders.get(name, set())
        place = module.replace(".", "/")
        if counted.runs >= _LEAST_RUNS and len(files) == 1 and not any(place in file for file in files):
            text = f"`{module}` has no `{name}` ({counted.runs} runs tried to import it):"
            text += f" `{next(iter(files))}` defines it."
            found.append(fact("trap", f"{module}.{name}", text, counted))
    return found


def gone_facts(groups: Sequence[Group], told: Collection[str], own: Collection[str]) -> list[Fact]:
    """Return what runs missed in the packages that are installed, and no edit or install is known to end.

    One task suffices where a file of the project raised it: then it is no fault of a script of the run's own.
    """
    found = []
    for error in commonest(groups, lambda each: each.survey.gone):
        counted = support(groups, partial(_met, error=error), lambda each: each.survey.ran_code)
        package = _OF_PACKAGE.search(error)
        name = (package[1] or package[2]) if package else ""
        meeting = [each for each in _all(groups) if _met(each, error)]
        places = sorted({each.survey.gone[error] for each in meeting} & _sources(groups))
        is_shown = (counted.tasks >= _LEAST_TASKS and "'" in error) or (places and counted.runs >= _LEAST_RUNS)
        if not name or name in own or not is_shown or error in told or (package and package[2] and not places):
            continue
        versions = {each.survey.versions.get(name, "") for each in meeting} - {""}
        where = f", raised in {' and '.join(f'`{place}`' for place in places[:2])}" if places else ""
        has = f"; `pip` brings {name} {versions.pop()}" if len(versions) == 1 else ""
        text = f"`{error.replace('`', '')}` comes from what is installed ({said(counted)}){where}{has}."
        found.append(fact("trap", error, text, counted))
    return found


def _sources(groups: Sequence[Group]) -> set[str]:
    """Return the sources of the project that runs saw."""
    return set(sources_among(path for each in _all(groups) for path in (*each.survey.seen, *each.survey.changed)))


def _all(groups: Sequence[Group]) -> Iterator[Surveyed]:
    return (each for group in groups for each in group.members)


def place_facts(groups: Sequence[Group]) -> list[Fact]:
    """Return where the names are defined that several tasks came upon and whose files are not named like them."""
    counts = commonest(groups, lambda each: each.survey.symbols)
    holders = _holders(groups)
    told = [name for name, times in counts.most_common() if times >= _LEAST_TASKS and _is_worth(name, holders[name])]
    if len(told) < _LEAST_NAMES:
        return []
    told = told[:_MOST_NAMES]
    by_file: dict[str, list[str]] = {}
    for name in told:
        by_file.setdefault(next(iter(holders[name])), []).append(name)
    said_ = "; ".join(f"{', '.join(f'`{name}`' for name in names)} in `{file}`" for file, names in by_file.items())
    counted = support(
        groups, lambda each: not each.survey.symbols.keys().isdisjoint(told), lambda each: bool(each.survey.symbols)
    )
    return [fact("file", "names", f"Names that several tasks came upon: {said_}.", counted)]


def _is_worth(name: str, files: Collection[str]) -> bool:
    """Whether it helps to know where a name is: it is one for others, in one place that is not called like it."""
    if len(files) != 1 or name.startswith("_") or (name.islower() and "_" not in name):
        return False
    (file,) = files
    stem = file.rsplit("/", 1)[-1].partition(".")[0].lower()
    plain = name.lower().replace("_", "")
    return bool(sources_among(files)) and stem.replace("_", "") not in plain and plain not in stem.replace("_", "")


def commit_facts(groups: Sequence[Group]) -> list[Fact]:
    """Return where the commits that changed sources, of those that runs looked at, told of their change."""
    commits = {each[0]: each[1:] for group in groups for one in group.members for each in one.survey.commits}
    changing = [files for files in commits.values() if sources_among(files)]
    places = Counter(place for files in changing for place in {_place(file) for file in files} - {""})
    found = []
    for place, times in places.most_common(1):
        if len(changing) >= _LEAST_COMMITS and times >= _MOST_COMMITS_SHARE * len(changing):
            counted = support(groups, lambda each: bool(each.survey.commits), lambda each: bool(each.survey.commits))
            text = f"A change comes with an entry in `{place}`: {times} of {len(changing)} commits that runs looked at."
            found.append(fact("together", place, text, counted, place))
    return found


def _place(file: str) -> str:
    """Return where a file tells of changes: itself, or the directory with a file for each release."""
    if _OF_RELEASES.search(file):
        return file.rpartition("/")[0] + "/"
    return file if _CHANGELOG.search(file) else ""


def _holders(groups: Sequence[Group]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for group in groups:
        for each in group.members:
            for name, file in each.survey.symbols.items():
                found.setdefault(name, set()).add(file)
    return found


def _has_cure(each: Surveyed, cure: OptionCure) -> bool:
    return cure in each.survey.options


def _missed(each: Surveyed, pair: tuple[str, str]) -> bool:
    return pair in each.survey.wrong_imports


def _met(each: Surveyed, error: str) -> bool:
    """Whether an episode met an error that its task does not speak of."""
    return error in each.survey.gone and not any(name in each.task for name in _QUOTED.findall(error)[-1:])
