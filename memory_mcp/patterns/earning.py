"""This module decides which patterns are worth telling: whose cure beats what happens to the same error without it."""

from collections import Counter
from collections.abc import Sequence

from msgspec import Struct

from memory_mcp.actions.shell_words import names
from memory_mcp.actions.subjects import installs, lacks, plain_name
from memory_mcp.embeddings.words import content_words
from memory_mcp.expressions import expression
from memory_mcp.models.patterns import ErrorRecovery, Evidence, Fix, Pattern
from memory_mcp.patterns.strength import interval

LEAST_TASKS = 2  # a rule from one task would be a report of it
# Of the runs that met an error, the share that got past it in the end (the shared runs of seven projects). It counts as
# one more task that did something else, for where everybody did the same.
USUAL = 0.48
_SAME_TASK = 0.85  # Dice coefficient of the words of two tasks that are one, as everywhere
_SAME_CURE = 0.5  # of the words of two cures
_WORD = expression(r"[A-Za-z_][\w.]*[A-Za-z0-9_]|[A-Za-z]")
_COMMON = names(
    "pip pip3 install uv add python python3 sed cd cat write git apt apt-get npm conda yarn s g i m q e y user upgrade "
    "no-cache-dir testbed tmp eof import from the a to of and is in for"
)


class Cure(Struct, frozen=True):
    """What ended an error, and how that went; numbers count tasks, of which each run is a part.

    `did` and `passed` are of those that did it, `others` and `others_passed` of those that did something else.
    """

    lines: tuple[str, ...]
    tasks: int
    did: float
    passed: float
    others: float
    others_passed: float

    @property
    def least(self) -> float:
        """The lower end of the 95 % interval of getting past the error with it."""
        return interval(self.passed, self.did)[0] if self.did else 0.0

    @property
    def without(self) -> float:
        """The share that got past it otherwise."""
        return (self.others_passed + USUAL) / (self.others + 1)

    @property
    def is_earned(self) -> bool:
        """Whether two tasks bear it out, and it beats what happens without it."""
        return self.tasks >= LEAST_TASKS and self.least > self.without


class _Met(Struct, frozen=True):
    """One episode that met the error: what it did last about it, and whether that ended it."""

    did: tuple[str, ...]
    has_passed: bool
    task: int


def is_earned(pattern: Pattern) -> bool:
    """Whether a pattern is worth a line in a listing, a briefing or a playbook."""
    return any(cure.is_earned for cure in cures_of(pattern))


def is_borne_out(pattern: Pattern) -> bool:
    """Whether one cure ended the error in two tasks and failed in no more: worth trying, if not yet proved."""
    return any(cure.tasks >= LEAST_TASKS and cure.passed * 2 > cure.did for cure in cures_of(pattern))


def is_close(pattern: Pattern) -> bool:
    """Whether a pattern names something that ended its very error; what was missing must have been brought by name."""
    signature = pattern.definition.signature if isinstance(pattern.definition, ErrorRecovery) else ""
    missing = lacks(signature)
    return any(cure.lines and (missing is None or _brings(cure.lines, missing)) for cure in cures_of(pattern))


def cures_of(pattern: Pattern) -> list[Cure]:
    """Return what ended an error, the best proved first; cures that say almost the same are one."""
    if not isinstance(pattern.definition, ErrorRecovery):
        return []
    missing = lacks(pattern.definition.signature)
    met = _met(pattern.evidence)
    groups: list[list[_Met]] = []
    for each in met:
        if each.has_passed and each.did:
            same = next((group for group in groups if _is_same(each.did, group[0].did, missing)), None)
            groups.append([each]) if same is None else same.append(each)
    found = [_cure(group, met, missing) for group in groups]
    return sorted(found, key=lambda cure: (-cure.least, -cure.tasks, cure.lines))


def _cure(group: Sequence[_Met], met: Sequence[_Met], missing: str | None) -> Cure:
    lines = [each.did for each in group]
    shown = max(dict.fromkeys(lines), key=lambda each: (lines.count(each), -sum(map(len, each))))
    in_vain = [each for each in met if not each.has_passed and _is_same(each.did, shown, missing)]
    rest = [each for each in met if each not in group and each not in in_vain]
    sizes = Counter(each.task for each in met)

    def weight(of: Sequence[_Met]) -> float:
        return sum(1 / sizes[each.task] for each in of)

    return Cure(
        lines=shown,
        tasks=len({each.task for each in group}),
        did=weight([*group, *in_vain]),
        passed=weight(group),
        others=weight(rest),
        others_passed=weight([each for each in rest if each.has_passed]),
    )


def _met(evidence: Sequence[Evidence]) -> list[_Met]:
    """Return what the episodes did that met an error; where it was not tried again nothing is known of its cure."""
    tasks: list[frozenset[str]] = []
    met: list[_Met] = []
    for each in evidence:
        if not isinstance(each.detail, Fix) or (each.share == 0 and each.detail.tries == 1):
            continue
        words = frozenset(content_words(each.task))
        task = next((at for at, other in enumerate(tasks) if words == other or _dice(words, other) >= _SAME_TASK), None)
        if task is None:
            task = len(tasks)
            tasks.append(words)
        has_passed = each.share > 0
        met.append(_Met(each.detail.fix if has_passed else each.detail.attempts, has_passed, task))
    return met


def _is_same(one: Sequence[str], other: Sequence[str], missing: str | None) -> bool:
    """Whether two cures are one: both install what was missing, or some of their lines share most words."""
    if missing and _brings(one, missing) and _brings(other, missing):
        return True
    return any(_dice(_words(line), _words(like)) >= _SAME_CURE for line in one for like in other)


def _brings(lines: Sequence[str], name: str) -> bool:
    return any(installs(line) and name in plain_name(line) for line in lines)


def _words(line: str) -> frozenset[str]:
    return frozenset(word for word in _WORD.findall(line) if word.lower() not in _COMMON)


def _dice(one: frozenset[str], other: frozenset[str]) -> float:
    return 2 * len(one & other) / (len(one) + len(other)) if one and other else 0.0
