"""This module derives which tests fail anyway, and in which errors tests end whatever is changed."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import partial

from memory_mcp.expressions import expression
from memory_mcp.facts.counting import Group, commonest, fact, said, support
from memory_mcp.models.facts import Fact
from memory_mcp.models.surveys import Surveyed

_LEAST_TASKS = 2
_MOST_FILES = 4
_MOST_TESTS = 3  # of one file that are named
_TELLING = 50  # letters of an error that hardly comes about for two reasons
_NUMBER = expression(r"\d+")
_OF_TEST = expression(r"'Test\w*' object has no attribute '\w+'")


def failing_facts(groups: Sequence[Group]) -> list[Fact]:
    """Return the tests and errors that come whatever is changed: they say nothing against a change."""
    errors = list(_errors(groups))
    told = {file for _, files in errors for file in files}
    return [
        *(each for each in _failing_tests(groups) if each.subject.split("::")[0] not in told),
        *(each for each, _ in errors),
    ]


def _failing_tests(groups: Sequence[Group]) -> Iterator[Fact]:
    """Yield, by their file, the tests that failed while no source was changed, or in every task that ran them."""
    by_file: dict[str, list[tuple[str, Fact]]] = defaultdict(list)
    for test in commonest(groups, lambda each: (*each.survey.failing, *each.survey.red)):
        file = test.split("::")[0]
        untouched = support(groups, partial(_fails_untouched, test=test), partial(_ran_file, file=file))
        counted = support(groups, partial(_is_red, test=test), partial(_ran_file, file=file))
        if _passed_since(groups, file, counted.first_seen):
            continue
        if untouched.tasks or (counted.tasks >= _LEAST_TASKS and counted.tasks == counted.of):
            where = f"; in {untouched.runs} runs no source was changed" if untouched.runs > 1 else ""
            where = "; in 1 run no source was changed" if untouched.runs == 1 else where
            text = f"fails whatever is changed ({said(counted)} that ran its file{where})."
            if counted.tasks < _LEAST_TASKS:
                runs = f"{untouched.runs} run{'' if untouched.runs == 1 else 's'}"
                text = f"failed before any source was changed ({runs} of {_runs_of(groups, file)} that ran its file)."
            by_file[file].append((text, fact("trap", test, f"`{test}` {text}", counted)))
    for members in by_file.values():
        if len(members) == 1 or len({text for text, _ in members}) > 1:
            yield from (each for _, each in members[:_MOST_TESTS])
        else:
            yield _joined(members)


def _joined(members: Sequence[tuple[str, Fact]]) -> Fact:
    """Tell the tests of one file that fail alike in one sentence."""
    text, first = members[0]
    named = [f"`{each.subject}`" for _, each in members[:_MOST_TESTS]]
    more = len(members) - len(named)
    subjects = ", ".join(named) + (f" and {more} more" if more else "")
    text = text.replace("fails", "fail", 1).replace("its file", "their file")
    return Fact(
        "trap", first.subject, f"{subjects} {text}", first.do, first.support, first.of, first.first_seen,
        first.last_seen, first.episodes,
    )  # fmt: skip


def _errors(groups: Sequence[Group]) -> Iterator[tuple[Fact, list[str]]]:
    """Yield the errors in which tests of several tasks ended, with the files of these tests."""
    alike: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for error, file in commonest(groups, lambda each: each.survey.red_errors):
        alike[_kind_of(error)].append((error, file))
    for members in alike.values():
        first = min(support(groups, partial(_has, pairs=(pair,)), _is_any).first_seen for pair in members)
        left = [(error, file) for error, file in members if file and not _passed_since(groups, file, first)]
        files = sorted({file for _, file in left})
        if len(files) > 1 and _is_common(left[0][0]):
            continue
        counted = support(groups, partial(_has, pairs=tuple(left)), partial(_ran_one, files=tuple(files)))
        if counted.tasks < _LEAST_TASKS:
            continue
        error = left[0][0]
        like = " and the like" if len({error for error, _ in left}) > 1 else ""
        where = " and ".join(f"`{file}`" for file in files[:_MOST_FILES])
        runners = {version for each in _all(groups) if _has(each, left) for version in _runner_of(each)}
        under = f" under pytest {runners.pop()}" if len(runners) == 1 else ""
        text = f"Tests in {where} end in `{error}`{like}{under}, whatever is changed ({said(counted)} that ran them)."
        yield fact("trap", error, text, counted), files


def _is_common(error: str) -> bool:
    """Whether an error says so little that tests of two files may end in it for different reasons."""
    return not _OF_TEST.search(error) and (len(error) < _TELLING or "'NoneType'" in error)


def _kind_of(error: str) -> str:
    """Return what errors of one cause share: the kind of test class and attribute do not matter, nor do numbers."""
    return _OF_TEST.sub("'Test' object has no attribute", _NUMBER.sub("", error))


def _passed_since(groups: Sequence[Group], file: str, moment: int) -> bool:
    """Whether a test file passed as a whole in an episode since it was first seen to fail."""
    around = _around(file)
    return any(each.seen_at >= moment and around & set(each.survey.passed) for each in _all(groups))


def _around(file: str) -> set[str]:
    """Return a file with the folders in which it lies."""
    return {file.rsplit("/", depth)[0] for depth in range(1, file.count("/") + 1)} | {file}


def _all(groups: Sequence[Group]) -> Iterator[Surveyed]:
    return (each for group in groups for each in group.members)


def _runner_of(each: Surveyed) -> list[str]:
    return [each.survey.versions["pytest"]] if "pytest" in each.survey.versions else []


def _fails_untouched(each: Surveyed, test: str) -> bool:
    return test in each.survey.failing


def _is_red(each: Surveyed, test: str) -> bool:
    return test in each.survey.red


def _is_any(each: Surveyed) -> bool:  # noqa: ARG001 - every episode counts
    return True


def _has(each: Surveyed, pairs: Sequence[tuple[str, str]]) -> bool:
    return any(pair in each.survey.red_errors for pair in pairs)


def _runs_of(groups: Sequence[Group], file: str) -> int:
    return sum(_ran_file(each, file) for each in _all(groups))


def _ran_file(each: Surveyed, file: str) -> bool:
    return any(check.ran and _around(file) & set(check.targets) for check in each.survey.checks)


def _ran_one(each: Surveyed, files: Sequence[str]) -> bool:
    return any(_ran_file(each, file) for file in files)
