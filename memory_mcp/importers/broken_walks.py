"""This module finds the commits of a history that git cannot walk to its end, by looking through all its objects."""

import itertools
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from msgspec import Struct

from memory_mcp.errors import GitError
from memory_mcp.worktrees.git import stream_git

_COMMIT = re.compile(r"([0-9a-f]{40,64}) commit")
_FORMAT = "%H%x00%P%x00%ct%x00%at%x00%ae%x00%s"
_MOST_OBJECTS = 5_000_000
_AT_ONCE = 200  # commits on a command line
_STASHED = re.compile(r"(?:WIP|index|untracked files) on \S+: |On \S+: ")


class _Fact(Struct, frozen=True):
    """What tells whether a commit belongs to a history, and where."""

    name: str
    parents: tuple[str, ...]
    time: int
    author: tuple[str, str]
    subject: str

    @property
    def is_merge(self) -> bool:
        """Whether it joins branches, and so changes nothing by itself."""
        return bool(self.parents[1:])

    @property
    def marks(self) -> tuple[object, ...]:
        """What another commit shares that was made of this one, with other words or in another place."""
        return (self.author, self.subject), (self.author, self.parents)


def names_behind(repository: Path, reached: Sequence[str]) -> list[str]:
    """Return the commits that lie behind those that git reached, oldest first; [] if the objects cannot be listed.

    They are those that are no newer than the commit at which git stopped, whether a branch leads to them or not. One
    that was amended, moved or stashed away is told by its author and time; what a deleted branch left is not.
    """
    facts = {fact.name: fact for fact in _facts(repository, _listed(repository))}
    broken = {parent for fact in facts.values() for parent in fact.parents if parent not in facts}
    latest = max((fact.time for fact in facts.values() if broken.intersection(fact.parents)), default=0)
    above = set(reached)
    known = {mark for name in reached if name in facts for mark in facts[name].marks}
    behind: list[_Fact] = []
    for fact in sorted(facts.values(), key=lambda each: -each.time):
        if fact.name in above or fact.time > latest or _STASHED.match(fact.subject) or known.intersection(fact.marks):
            continue
        known.update(fact.marks)
        behind.append(fact)
    return [fact.name for fact in _in_order(behind) if not fact.is_merge]


def _listed(repository: Path) -> list[str]:
    """Return the names of all commits among the objects, referred to or not."""
    found: list[str] = []
    words = ("--batch-all-objects", "--unordered", "--batch-check=%(objectname) %(objecttype)")
    try:
        with stream_git(repository, "cat-file", *words) as lines:
            for line in itertools.islice(lines, _MOST_OBJECTS):
                match = _COMMIT.fullmatch(line.decode("ascii", "replace").strip())
                found += [match[1]] if match else []
    except GitError:
        return found  # as far as git came
    return found


def _facts(repository: Path, names: Sequence[str]) -> Iterator[_Fact]:
    """Read the heads of commits; those that cannot be read are left out."""
    for start in range(0, len(names), _AT_ONCE):
        yield from _readable(repository, names[start : start + _AT_ONCE])


def _readable(repository: Path, names: Sequence[str]) -> list[_Fact]:
    try:
        with stream_git(repository, "log", "--no-walk=unsorted", f"--format={_FORMAT}", *names, "--") as lines:
            return [_fact(line.decode("utf-8", "replace").rstrip("\n")) for line in lines]
    except GitError:
        half = len(names) // 2
        return _readable(repository, names[:half]) + _readable(repository, names[half:]) if half else []


def _fact(line: str) -> _Fact:
    name, parents, made, authored, mail, subject = (*line.split("\0", 5), "", "", "", "", "")[:6]
    time = int(made) if made.isdecimal() else 0
    return _Fact(name, tuple(parents.split()), time, (authored, mail), subject)


def _in_order(facts: Sequence[_Fact]) -> list[_Fact]:
    """Return parents before children, otherwise the oldest first; `facts` have the newest first."""
    by_name = {fact.name: fact for fact in facts}
    ordered: list[_Fact] = []
    entered: set[str] = set()
    left: set[str] = set()
    stack = list(facts)
    while stack:
        fact = stack.pop()
        if fact.name in entered:  # its parents are done, or forged so that it is among its own ancestors
            if fact.name not in left:
                left.add(fact.name)
                ordered.append(fact)
            continue
        entered.add(fact.name)
        stack += [fact, *(by_name[parent] for parent in fact.parents if parent in by_name and parent not in entered)]
    return ordered
