"""This module derives how tests are run in a project, which tests belong to a source, and which fail anyway."""

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial

from memory_mcp.facts.counting import Group, commonest, fact, said, support
from memory_mcp.facts.paths import is_code
from memory_mcp.models.facts import Fact
from memory_mcp.models.surveys import CheckRun, Surveyed

_LEAST_RUNS = 2
_SLOW_S = 10.0
_MOST_PROOFS = 8
_COMMON_STEMS = {"test", "tests", "unittest", "spec", "init", "base", "core", "main", "utils", "std"}


def test_command_facts(groups: Sequence[Group]) -> list[Fact]:
    """Return the commands that run tests here, then those that were tried and run none."""
    forms = commonest(groups, lambda each: ((check.form, check.directory) for check in each.survey.checks))
    works = [_works(groups, *form) for form in forms]
    good = sorted((each for each in works if each), key=lambda each: (-each.support, -len(each.episodes), each.subject))
    good = [
        fact for at, fact in enumerate(good) if at == 0 or (fact.support >= _LEAST_RUNS and 2 * fact.support > fact.of)
    ]
    bad = [_fails(groups, *form) for form in forms] if good else []
    return [*good[:2], *(each for each in bad if each)]


def proof_facts(groups: Sequence[Group]) -> list[Fact]:
    """Return, for the sources that were changed, the tests that were run then and had something to say."""
    pairs = commonest(groups, _pairs)
    best: dict[str, tuple[tuple[int, int, int], str, str]] = {}
    for (source, target, form), times in pairs.items():
        rank = (_affinity(source, target), times, -len(target))
        if source not in best or rank > best[source][0]:
            best[source] = (rank, target, form)
    found = []
    for source, ((affinity, times, _), target, form) in best.items():
        if not affinity and times < _LEAST_RUNS:
            continue
        counted = support(groups, partial(_tested, source=source, target=target), partial(_checked, source=source))
        command = f"{form} {target}"
        checked = sum(_checked(each, source) for each in _all(groups))
        text = f"After a change of `{source}` run `{command}`"
        text += f" ({counted.runs} of {checked} runs that changed it and tested)."
        found.append(fact("proof", source, text, counted, command))
    return sorted(found, key=lambda each: (-len(each.episodes), each.subject))[:_MOST_PROOFS]


def failing_facts(groups: Sequence[Group]) -> list[Fact]:
    """Return the tests and errors that come whatever is changed: they say nothing against a change."""
    found = []
    for test in commonest(groups, lambda each: each.survey.red):
        file = test.split("::")[0]
        untouched = support(groups, partial(_fails_untouched, test=test), partial(_ran_file, file=file))
        counted = support(groups, partial(_is_red, test=test), partial(_ran_file, file=file))
        if untouched.runs >= _LEAST_RUNS or (counted.tasks >= _LEAST_RUNS and counted.tasks == counted.of):
            where = f"; in {untouched.runs} runs no source was changed" if untouched.runs else ""
            text = f"`{test}` fails whatever is changed ({said(counted)} that ran its file{where})."
            found.append(fact("trap", test, text, counted))
    for error in commonest(groups, lambda each: (seen for seen, _ in each.survey.red_errors)):
        counted = support(groups, partial(_has_error, error=error), _ran_tests)
        if counted.tasks >= _LEAST_RUNS:
            file = commonest(groups, partial(_files_of_error, error=error)).most_common(1)[0][0]
            where = f"`{file}`" if file else "some files"
            text = f"Tests in {where} end in `{error}`, whatever is changed ({said(counted)} that ran tests)."
            found.append(fact("trap", error, text, counted))
    return found


def _files_of_error(each: Surveyed, error: str) -> list[str]:
    return [file for seen, file in each.survey.red_errors if seen == error]


def _all(groups: Sequence[Group]) -> Iterator[Surveyed]:
    return (each for group in groups for each in group.members)


def _fails_untouched(each: Surveyed, test: str) -> bool:
    return test in each.survey.failing


def _is_red(each: Surveyed, test: str) -> bool:
    return test in each.survey.red


def _has_error(each: Surveyed, error: str) -> bool:
    return any(seen == error for seen, _ in each.survey.red_errors)


def _ran_tests(each: Surveyed) -> bool:
    return any(check.ran for check in each.survey.checks)


def absent_facts(groups: Sequence[Group]) -> list[Fact]:
    """Return the files that several tasks, or runs, looked for in vain."""
    found = []
    for path in commonest(groups, lambda each: each.survey.absent):
        counted = support(groups, partial(_lacks, path), lambda each: each.survey.ran_code)
        seen = any(path in each.survey.seen for group in groups for each in group.members)
        if counted.runs >= _LEAST_RUNS and not seen:
            runs = f"{counted.runs} runs looked for it"
            found.append(fact("trap", path, f"There is no `{path}`; {runs}.", counted))
    return found


def _lacks(path: str, each: Surveyed) -> bool:
    return path in each.survey.absent


def _works(groups: Sequence[Group], form: str, directory: str) -> Fact | None:
    counted = support(groups, lambda each: _ran(each, form, directory), lambda each: _meant(each, form, directory))
    if not counted.tasks or not any(
        check.green for group in groups for each in group.members for check in _checks(each, form, directory)
    ):
        return None
    example = _example(groups, form, directory)
    where = f"in `{directory}/`" if directory else "from the root of the project"
    text = f"Tests run with `{form}{' ' + example if example else ''}` {where} ({said(counted)} that tried it"
    needed = sum(_lacked(each, form) for group in groups for each in group.members if _ran(each, form, directory))
    text += f"; {needed} had to install `{form.rsplit(maxsplit=1)[-1]}` first)" if needed else ")"
    seconds = max(
        check.seconds for group in groups for each in group.members for check in _checks(each, form, directory)
    )
    named = _naming(groups, form, directory)
    if named:
        text += f"; the tests are `{named}`"
    if seconds >= _SLOW_S:
        text += f"; a long run took {seconds:.0f} s"
    return fact("test", f"{form} {directory}".strip(), text + ".", counted, f"{form} {example}".strip())


def _fails(groups: Sequence[Group], form: str, directory: str) -> Fact | None:
    meant = partial(_meant, form=form, directory=directory)
    counted = support(groups, partial(_ran_nothing, form=form, directory=directory), meant)
    reasons = Counter(
        check.reason
        for group in groups
        for each in group.members
        for check in _checks(each, form, directory)
        if check.reason
    )
    ever_ran = any(_ran(each, form, directory) for each in _all(groups))
    if ever_ran or counted.runs < _LEAST_RUNS or not reasons:
        return None
    where = f" in `{directory}/`" if directory else ""
    text = f"`{form}`{where} ran no tests in {said(counted)}: {reasons.most_common(1)[0][0]}"
    return fact("trap", f"{form} {directory}".strip(), text, counted)


def _checks(each: Surveyed, form: str, directory: str) -> Iterator[CheckRun]:
    return (check for check in each.survey.checks if check.form == form and check.directory == directory)


def _ran(each: Surveyed, form: str, directory: str) -> bool:
    return any(check.ran for check in _checks(each, form, directory))


def _ran_nothing(each: Surveyed, form: str, directory: str) -> bool:
    return not _ran(each, form, directory)


def _meant(each: Surveyed, form: str, directory: str) -> bool:
    """Whether a form was tried, and not given up because something was still to be installed."""
    return any(check.ran or "No module named" not in check.reason for check in _checks(each, form, directory))


def _lacked(each: Surveyed, form: str) -> bool:
    return any(missing.name == form.rsplit(maxsplit=1)[-1] and missing.cure for missing in each.survey.missing)


def _example(groups: Sequence[Group], form: str, directory: str) -> str:
    """Return the test file that most tasks gave to a form."""
    targets = commonest(
        groups,
        lambda each: (
            target
            for check in _checks(each, form, directory)
            if check.ran
            for target in check.targets
            if is_code(target)
        ),
    )
    best = targets.most_common(1)
    return best[0][0].removeprefix(f"{directory}/") if best and directory else best[0][0] if best else ""


def _naming(groups: Sequence[Group], form: str, directory: str) -> str:
    """Return how most test files that were run are named, such as `tests/unittest_*.py`."""
    targets = commonest(
        groups,
        lambda each: (
            target
            for check in _checks(each, form, directory)
            if check.ran
            for target in check.targets
            if is_code(target)
        ),
    )
    names: Counter[str] = Counter()
    for target in targets:
        folder, _, name = target.rpartition("/")
        stem, _, ending = name.partition(".")
        for part in ("unittest_", "test_"):
            if stem.startswith(part):
                names[
                    f"{folder.split('/')[0]}/**/{part}*.{ending}" if "/" in folder else f"{folder}/{part}*.{ending}"
                ] += 1
                break
        else:
            if stem.endswith(("_test", "_spec")):
                names[f"{folder.split('/')[0]}/**/*{stem[stem.rindex('_') :]}.{ending}"] += 1
    best = names.most_common(1)
    return best[0][0] if best and best[0][1] >= max(_LEAST_RUNS, len(targets) / 2) else ""


def _pairs(each: Surveyed) -> Iterator[tuple[str, str, str]]:
    for check in each.survey.checks:
        if check.ran and not check.directory:
            for source in (path for path in check.changed if path in each.survey.changed):
                for target in check.targets:
                    if is_code(target):
                        yield source, target, check.form


def _tested(each: Surveyed, source: str, target: str) -> bool:
    return any(pair[:2] == (source, target) for pair in _pairs(each))


def _checked(each: Surveyed, source: str) -> bool:
    return any(check.ran and source in check.changed for check in each.survey.checks)


def _ran_file(each: Surveyed, file: str) -> bool:
    folders = {file.rsplit("/", depth)[0] for depth in range(1, file.count("/") + 1)} | {file}
    return any(check.ran and folders & set(check.targets) for check in each.survey.checks)


def _affinity(source: str, target: str) -> int:
    """Return how surely a test is that of a source by its name: all words of one name stand in the other."""
    own, tested = _stem_words(source, 1), _stem_words(target, 1)
    if own and tested and (own <= tested or tested <= own):
        return 2
    return int(bool(tested) and tested <= _stem_words(source, 2))


def _stem_words(path: str, parts: int) -> set[str]:
    """Return the words of the last parts of a path, without those that any test or module may have."""
    stem = "_".join(part.split(".")[0].lower() for part in path.split("/")[-parts:])
    return {word for word in stem.replace("-", "_").split("_") if word and word not in _COMMON_STEMS}
