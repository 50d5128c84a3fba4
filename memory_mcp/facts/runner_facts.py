"""This module derives the commands that run tests in a project, in how many tasks, and why they did not in others."""

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial

from memory_mcp.expressions import expression
from memory_mcp.facts.counting import Group, commonest, fact, said, support, tasks
from memory_mcp.facts.paths import is_code
from memory_mcp.models.facts import Fact
from memory_mcp.models.surveys import CheckRun, Surveyed

_LEAST_RUNS = 2
_SLOW_S = 10.0
_MOST_COMMANDS = 2
_LONGEST_REASON = 200
# what says that a runner chose no test, or no file, rather than that it cannot start
_CHOICE = expression(r"not found|0 selected|deselected|no match in any of|[Nn]o tests ran|collected 0 items|^exit code")
_AFFIXES = ("unittest_", "test_", "_test", "_spec")


def test_command_facts(groups: Sequence[Group]) -> list[Fact]:
    """Return the commands that run tests here, then those that were tried and ran none."""
    forms = commonest(groups, lambda each: ((check.form, check.directory) for check in each.survey.checks))
    works = [_works(groups, *form) for form in forms]
    good = sorted((each for each in works if each), key=lambda each: (-each.support, -len(each.episodes), each.subject))
    good = [
        fact for at, fact in enumerate(good) if at == 0 or (fact.support >= _LEAST_RUNS and 2 * fact.support > fact.of)
    ]
    bad = [_fails(groups, *form) for form in forms] if good else []
    return [*good[:_MOST_COMMANDS], *(each for each in bad if each)]


def _works(groups: Sequence[Group], form: str, directory: str) -> Fact | None:
    ran = partial(_ran, form=form, directory=directory)
    counted = support(groups, ran, partial(_started_or_not, form=form, directory=directory))
    checks = [check for each in _all(groups) for check in _checks(each, form, directory)]
    if not counted.tasks or not any(check.green for check in checks):
        return None
    needed = sum(_lacked(each, form) for each in _all(groups) if ran(each))
    where = f"in `{directory}/`" if directory else "from the root of the project"
    example, folder = _form_of_targets(groups, form, directory)
    command = f"{form} {example}".strip()
    text = f"Tests run with `{command}` {where}: they ran in {said(counted)}"
    text += f" ({needed} had to install `{form.rsplit(maxsplit=1)[-1]}` first)" if needed else ""
    text += _not_started(groups, form, directory)
    seconds = max(check.seconds for check in checks)
    if seconds >= _SLOW_S:
        text += f"; a long run took {seconds:.0f} s"
    return fact("test", f"{form} {directory}".strip(), text + ".", counted, f"{form} {folder}".strip())


def _not_started(groups: Sequence[Group], form: str, directory: str) -> str:
    """Say in how many tasks a command that runs in others never started, and why."""
    stuck = support(
        [group for group in groups if not any(_ran(each, form, directory) for each in group.members)],
        partial(_is_stuck, form=form, directory=directory),
        partial(_is_stuck, form=form, directory=directory),
    )
    if not stuck.tasks:
        return ""
    reasons = Counter(reason for each in _all(groups) for reason in _stuck_reasons(each, form, directory))
    runs = f", {stuck.runs} runs" if stuck.runs > stuck.tasks else ""
    newest = max(groups, key=lambda group: group.last_seen)
    late = any(_is_stuck(each, form, directory) and not _ran(each, form, directory) for each in newest.members)
    last = ", the newest among them" if late and stuck.tasks > 1 else ""
    return f"; in {tasks(stuck.tasks)}{runs}{last}, they never started: `{reasons.most_common(1)[0][0]}`"


def _fails(groups: Sequence[Group], form: str, directory: str) -> Fact | None:
    meant = partial(_meant, form=form, directory=directory)
    counted = support(groups, partial(_ran_nothing, form=form, directory=directory), meant)
    reasons = Counter(check.reason for each in _all(groups) for check in _checks(each, form, directory) if check.reason)
    ever_ran = any(_ran(each, form, directory) for each in _all(groups))
    if ever_ran or counted.runs < _LEAST_RUNS or not reasons:
        return None
    where = f" in `{directory}/`" if directory else ""
    text = f"`{form}`{where} ran no tests in {said(counted)}: {reasons.most_common(1)[0][0]}"
    return fact("trap", f"{form} {directory}".strip(), text, counted)


def _all(groups: Sequence[Group]) -> Iterator[Surveyed]:
    return (each for group in groups for each in group.members)


def _checks(each: Surveyed, form: str, directory: str) -> Iterator[CheckRun]:
    return (check for check in each.survey.checks if check.form == form and check.directory == directory)


def _ran(each: Surveyed, form: str, directory: str) -> bool:
    return any(check.ran for check in _checks(each, form, directory))


def _ran_nothing(each: Surveyed, form: str, directory: str) -> bool:
    return not _ran(each, form, directory)


def _meant(each: Surveyed, form: str, directory: str) -> bool:
    """Whether a form was tried, and not given up because something was still to be installed."""
    return any(check.ran or "No module named" not in check.reason for check in _checks(each, form, directory))


def _stuck_reasons(each: Surveyed, form: str, directory: str) -> list[str]:
    """Return why a form did not start although nothing was missing: its settings, its arguments, a crash."""
    return [
        check.reason[:_LONGEST_REASON]
        for check in _checks(each, form, directory)
        if check.reason and "No module named" not in check.reason and not _CHOICE.search(check.reason)
    ]


def _is_stuck(each: Surveyed, form: str, directory: str) -> bool:
    return bool(_stuck_reasons(each, form, directory))


def _started_or_not(each: Surveyed, form: str, directory: str) -> bool:
    return _ran(each, form, directory) or _is_stuck(each, form, directory)


def _lacked(each: Surveyed, form: str) -> bool:
    runner = form.rsplit(maxsplit=1)[-1]
    return any(runner in line.split()[1:] for line in each.survey.installs)


def _form_of_targets(groups: Sequence[Group], form: str, directory: str) -> tuple[str, str]:
    """Return how most test files that were run are named, such as `tests/unittest_X.py`, and their directory."""
    targets = commonest(groups, partial(_targets, form=form, directory=directory))
    forms: Counter[tuple[str, str]] = Counter()
    folders: Counter[str] = Counter()
    for target, times in targets.items():
        folder, _, name = target.rpartition("/")
        stem, _, ending = name.partition(".")
        affix = next((each for each in _AFFIXES if stem.startswith(each) or stem.endswith(each)), "")
        named = f"{affix}X" if affix.endswith("_") else f"X{affix}"
        inner = folder.removeprefix(directory).lstrip("/") if directory else folder
        folders[inner] += times
        if affix:
            forms[inner, f"{named}.{ending}"] += times
    if not forms:
        return "", ""
    (folder, named), most = forms.most_common(1)[0]
    if 2 * most >= sum(folders.values()):
        return f"{folder}/{named}".lstrip("/"), folder
    top = folder.split("/")[0]
    names = Counter({name: 0 for _, name in forms})
    for (_, name), times in forms.items():
        names[name] += times
    return f"{top}/**/{names.most_common(1)[0][0]}", top


def _targets(each: Surveyed, form: str, directory: str) -> Iterator[str]:
    for check in _checks(each, form, directory):
        if check.ran:
            yield from (target for target in check.targets if is_code(target))
