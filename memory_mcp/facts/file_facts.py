"""This module derives which file holds what in a project, and which files change together."""

from collections import Counter
from collections.abc import Sequence
from functools import partial
from itertools import combinations

from memory_mcp.facts.counting import Group, fact, support, title
from memory_mcp.facts.paths import is_test, sources_among
from memory_mcp.facts.task_words import words_of
from memory_mcp.models.facts import Fact, FileVote
from memory_mcp.models.surveys import Surveyed
from memory_mcp.patterns.strength import interval

_MOST_FILES = 12
_MOST_TOGETHER = 40
_MOST_OF_A_TASK = 12  # a task that changed more files says little about any two of them
_LEAST_TASKS = 3
_LEAST_SHARE = 0.5
_LATEST = 5  # tasks in a row that changed the one file and not the other
_MOST_NAMES = 4
_LEAST_RUNS = 2
_LEAST_CUSTOMARY = 8  # tasks
_CUSTOMARY = 0.1  # share of the latest tasks
_LATEST_TASKS = 100
_MOST_CUSTOMARY = 4


def file_facts(groups: Sequence[Group]) -> list[Fact]:
    """Return the sources that several tasks changed, and those of one task that its text does not name."""
    holders: dict[str, list[Group]] = {}
    for group in groups:
        for path in _agreed(group):
            holders.setdefault(path, []).append(group)
    found = [each for path, among in holders.items() if (each := _file_fact(path, among, groups)) is not None]
    return sorted(found, key=lambda each: (-each.support, -len(each.episodes), each.subject))[:_MOST_FILES]


def customary_files(groups: Sequence[Group]) -> list[FileVote]:
    """Return the files that change with many of the latest tasks, whatever they are: a changelog, the main module."""
    ordered = sorted(groups, key=lambda group: group.last_seen)
    changed = [paths for group in ordered if (paths := _changed_in(group))][-_LATEST_TASKS:]
    counts = Counter(path for paths in changed for path in paths)
    least = max(_LEAST_CUSTOMARY, _CUSTOMARY * len(changed))
    return [
        FileVote(path, times / len(changed), (f"changes with many tasks: {times} of the last {len(changed)}",), 0.0)
        for path, times in counts.most_common(_MOST_CUSTOMARY)
        if times >= least
    ]


def customary_facts(groups: Sequence[Group]) -> list[Fact]:
    """Return the facts that a file changes with most tasks."""
    found = []
    for path in (each.file for each in customary_files(groups)):
        counted = support(groups, partial(_changes, path=path), lambda each: bool(each.survey.changed))
        if 2 * counted.tasks > counted.of:
            text = f"`{path}` changes with most tasks: {counted.tasks} of {counted.of}."
            found.append(fact("together", path, text, counted, path))
    return found


def _changes(each: Surveyed, path: str) -> bool:
    return path in each.survey.changed


def together_facts(groups: Sequence[Group]) -> list[Fact]:
    """Return the files of which a change of one brings a change of the other more often than chance would."""
    changed = [_changed_in(group) for group in sorted(groups, key=lambda group: group.last_seen)]
    changed = [paths for paths in changed if 0 < len(paths) <= _MOST_OF_A_TASK]
    single = Counter(path for paths in changed for path in paths)
    pairs = Counter(pair for paths in changed for pair in combinations(sorted(paths), 2) if _frequent(single, pair))
    found: list[tuple[float, Fact]] = []
    for (one, other), both in pairs.items():
        for path, companion in ((one, other), (other, one)):
            low = interval(both, single[path])[0]
            elsewhere = (single[companion] - both) / max(len(changed) - single[path], 1)
            if is_test(path) and not is_test(companion):
                continue  # that a test goes with what it tests is no news
            latest = [companion in paths for paths in changed if path in paths][-_LATEST:]
            if len(latest) == _LATEST and not any(latest):
                continue  # later evidence contradicts it
            if both >= _LEAST_TASKS and both > _LEAST_SHARE * single[path] and low > elsewhere:
                found.append((low, _together_fact(groups, path, companion, elsewhere)))
    found.sort(key=lambda pair: (-pair[0], pair[1].subject))
    return [each for _, each in found[:_MOST_TOGETHER]]


def _frequent(single: Counter[str], pair: tuple[str, str]) -> bool:
    return min(single[pair[0]], single[pair[1]]) >= _LEAST_TASKS


def _changed_in(group: Group) -> frozenset[str]:
    return frozenset(path for each in group.members for path in each.survey.changed)


def _agreed(group: Group) -> list[str]:
    """Return the sources that most runs of a task changed, of several those that the task's words point to."""
    runs = [sources_among(each.survey.changed) for each in group.members if each.survey.changed]
    counts = Counter(path for changed in runs for path in changed)
    agreed = [path for path, count in counts.items() if len(runs) == 1 or count > _LEAST_SHARE * len(runs)]
    if len(agreed) <= 1:
        return agreed
    words = set(words_of(group.members[0].task))
    defined: dict[str, set[str]] = {}
    for each in group.members:
        for name, path in each.survey.symbols.items():
            defined.setdefault(path, set()).add(name.lower())
    return [path for path in agreed if words & _names_of(path) or words & defined.get(path, set())]


def _names_of(path: str) -> set[str]:
    """Return the words of a file's own name, its ending apart."""
    return set(words_of(path.rsplit("/", 1)[-1].split(".", maxsplit=1)[0]))


def _file_fact(path: str, holders: Sequence[Group], groups: Sequence[Group]) -> Fact | None:
    """Say what a file was changed for; of a single task only what its text does not tell and its runs agree on."""
    counted = support(holders, partial(_changes, path=path), lambda each: bool(each.survey.changed))
    all_ = support(groups, partial(_changes, path=path), lambda each: bool(each.survey.changed))
    names = _touched(path, holders)
    newest = sorted(holders, key=lambda group: -group.last_seen)
    if len(holders) == 1:
        runs = [each for each in holders[0].members if each.survey.changed]
        if counted.runs < _LEAST_RUNS or not names or _is_named(holders[0].members[0].task, path):
            return None
        least = "at least " if any(each.survey.unclear for each in holders[0].members) else ""
        text = f"For '{title(newest[0].members[-1].task)}' {least}{counted.runs} of {len(runs)} runs changed `{path}`"
        told = [f"`{name}`" + (f" ({times})" if times < counted.runs else "") for name, times in names]
        return fact("file", path, f"{text}, there {', '.join(told)}.", all_, path)
    titles = [f"'{title(group.members[-1].task)}'" for group in newest[:2]]
    more = len(holders) - len(titles)
    text = f"`{path}` was changed in {len(holders)} of {all_.of} tasks: for {', '.join(titles)}"
    text += f" and {more} more" if more else ""
    defined = _defined(path, holders, groups)
    text += f"; it defines {_listed(defined)}" if defined else ""
    return fact("file", path, text + ".", all_, path)


def _is_named(task: str, path: str) -> bool:
    """Whether a task names a file: by its path, its name or, dotted, its module."""
    stem = path.rsplit("/", 1)[-1].split(".", maxsplit=1)[0].lower()
    return stem in words_of(task) or stem in task.lower()


def _touched(path: str, holders: Sequence[Group]) -> list[tuple[str, int]]:
    """Return the definitions in a file that most runs of its tasks changed, each with how many did."""
    runs = [each.survey for group in holders for each in group.members if path in each.survey.touched]
    counts = Counter(name for survey in runs for name in survey.touched[path])
    told = [(name, count) for name, count in counts.most_common(_MOST_NAMES) if 2 * count > len(runs)]
    return told if len(runs) >= _LEAST_RUNS else []


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _defined(path: str, holders: Sequence[Group], groups: Sequence[Group]) -> list[str]:
    """Return the names that a file defines and that the tasks which changed it speak of."""
    seen = Counter(
        name for group in groups for each in group.members for name, file in each.survey.symbols.items() if file == path
    )
    words = " ".join(group.members[0].task for group in holders).lower()
    spoken = [name for name, _ in seen.most_common() if name.strip("_").lower() in words and not name.startswith("__")]
    return spoken[:_MOST_NAMES]


def _together_fact(groups: Sequence[Group], path: str, companion: str, elsewhere: float) -> Fact:
    def both(each: Surveyed) -> bool:
        return companion in each.survey.changed

    counted = support(groups, both, lambda each: path in each.survey.changed)
    text = (
        f"A change of `{path}` comes with a change of `{companion}` ({counted.tasks} of {counted.of} tasks;"
        f" elsewhere {elsewhere:.0%} change it)."
    )
    return fact("together", f"{path} + {companion}", text, counted, companion)
