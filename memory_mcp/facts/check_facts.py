"""This module derives which tests belong to a source, and which files are not there."""

from collections.abc import Iterator, Sequence
from functools import partial

from memory_mcp.facts.counting import Group, commonest, fact, support
from memory_mcp.facts.paths import is_code
from memory_mcp.models.facts import Fact
from memory_mcp.models.surveys import Surveyed

_LEAST_RUNS = 2
_MOST_PROOFS = 8
_SAME_NAME = 2
_COMMON_STEMS = {"test", "tests", "unittest", "spec", "init", "base", "core", "main", "utils", "std"}


def proof_facts(groups: Sequence[Group]) -> list[Fact]:
    """Return, for the sources that were changed, the tests that were run then and are not found by their name."""
    pairs = commonest(groups, _pairs)
    best: dict[str, tuple[tuple[int, int, int], str, str]] = {}
    for (source, target, form), times in pairs.items():
        rank = (_affinity(source, target), times, -len(target))
        if source not in best or rank > best[source][0]:
            best[source] = (rank, target, form)
    found = []
    for source, ((affinity, times, _), target, form) in best.items():
        if affinity == _SAME_NAME or (not affinity and times < _LEAST_RUNS):
            continue  # that test_cart.py holds the tests of cart.py is seen at once
        counted = support(groups, partial(_tested, source=source, target=target), partial(_checked, source=source))
        command = f"{form} {target}"
        checked = sum(_checked(each, source) for each in _all(groups))
        text = f"After a change of `{source}` run `{command}`"
        text += f" ({counted.runs} of {checked} runs that changed it and tested)."
        found.append(fact("proof", source, text, counted, command))
    return sorted(found, key=lambda each: (-len(each.episodes), each.subject))[:_MOST_PROOFS]


def _all(groups: Sequence[Group]) -> Iterator[Surveyed]:
    return (each for group in groups for each in group.members)


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


def _affinity(source: str, target: str) -> int:
    """Return how surely a test is that of a source by its name: all words of one name stand in the other."""
    own, tested = _stem_words(source, 1), _stem_words(target, 1)
    if own and tested and (own <= tested or tested <= own):
        return _SAME_NAME
    return int(bool(tested) and tested <= _stem_words(source, 2))


def _stem_words(path: str, parts: int) -> set[str]:
    """Return the words of the last parts of a path, without those that any test or module may have."""
    stem = "_".join(part.split(".")[0].lower() for part in path.split("/")[-parts:])
    return {word for word in stem.replace("-", "_").split("_") if word and word not in _COMMON_STEMS}
