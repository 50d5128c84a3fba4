"""This module decides which project a directory belongs to, from what the directory shows and what projects own."""

from collections.abc import Callable, Iterable, Sequence
from typing import Literal

from msgspec import Struct

AliasKind = Literal["path", "root", "remote"]
Reason = Literal["path", "clone", "moved", "name", "new"]


class Stamp(Struct, frozen=True):
    """What tells without git whether a directory is as it was last seen; all empty for one without git.

    `directory` is device, inode and birth of the git directory, empty where its birth cannot be told: an inode alone is
    soon given to another. `content` changes with its configuration, its first commit and its depth.
    """

    directory: str = ""
    content: str = ""

    def __str__(self) -> str:
        return f"{self.directory} {self.content}".strip() if self.content else ""

    @classmethod
    def parse(cls, text: str) -> "Stamp":
        """Read what `str` wrote."""
        directory, _, content = text.rpartition(" ")
        return cls(directory, content)


class Evidence(Struct, frozen=True):
    """What a directory shows of its identity.

    `path` is the main work tree of its repository; `root` the first commit of what is checked out, empty where nobody
    can tell; `remotes` are normalised, `primary` is origin, or the only one.
    """

    path: str
    stamp: Stamp = Stamp()
    root: str = ""
    is_unborn: bool = False
    remotes: tuple[str, ...] = ()
    primary: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """What the project of this directory is called if nobody says otherwise, the best first."""
        return (self.primary, self.path) if self.primary else (self.path,)


class Known(Struct, frozen=True):
    """A project with what it owns, as far as it concerns a directory.

    `here` is the stamp with which it owns the path of the directory, None if it does not. `is_gone` says that none of
    its paths is there any more. `is_adoptable` is a project from before there were aliases, whose name fits and whose
    commits do not contradict.
    """

    key: int
    name: str
    roots: frozenset[str] = frozenset()
    remotes: frozenset[str] = frozenset()
    here: Stamp | None = None
    is_gone: bool = False
    is_adoptable: bool = False


class Decision(Struct, frozen=True):
    """The project that a directory joins, or None for one of its own, and the one that it looks like, if any."""

    key: int | None
    reason: Reason
    like: int | None = None


def decide(evidence: Evidence, known: Sequence[Known]) -> Decision:
    """Find the project that a directory belongs to; whatever is not proved only looks alike."""
    here = next((each for each in known if each.here is not None), None)
    if here and not contradicts(evidence, here):
        return Decision(here.key, "path")
    if clone := _only(each for each in known if evidence.root in each.roots and evidence.primary in each.remotes):
        return Decision(clone.key, "clone")
    if moved := _only(each for each in known if _has_moved(evidence, each)):
        return Decision(moved.key, "moved")
    named = {each.name: each for each in known if each.is_adoptable}
    adopted = next((named[name] for name in evidence.names if name in named), None)
    if adopted:
        return Decision(adopted.key, "name", _like(evidence, [each for each in known if each != adopted]))
    return Decision(None, "new", _like(evidence, known))


def proposed_name(evidence: Evidence, decision: Decision) -> str:
    """Return what a new project is called; one that looks like another does not get a name like it."""
    if evidence.primary and decision.like is not None:
        return f"{evidence.primary} ({evidence.path})"
    return evidence.names[0]


def on_one_line(text: str) -> str:
    """Return a name or path as it can be shown: without line ends, controls and what turns the direction of writing."""
    return "".join(character if character.isprintable() else "?" for character in text)


def contradicts(evidence: Evidence, here: Known) -> bool:
    """Whether a directory at a path that a project owns cannot be that project's any more."""
    if here.here is None or not evidence.stamp.content or _is_same(evidence.stamp, here.here):
        return False
    if evidence.root:
        if here.roots:
            return evidence.root not in here.roots
        return bool(here.remotes and evidence.primary) and evidence.primary not in here.remotes
    if evidence.is_unborn and not evidence.primary:
        return False
    return bool(here.roots or here.remotes) and evidence.primary not in here.remotes


def kept_apart(evidence: Evidence, key: int, known: Sequence[Known]) -> frozenset[str]:
    """Return the remotes of a directory that stay with other projects of the same root, as a fork's upstream does."""
    others = (each for each in known if each.key != key and evidence.root and evidence.root in each.roots)
    return frozenset().union(*(each.remotes for each in others)) & frozenset(evidence.remotes)


def _is_same(now: Stamp, before: Stamp) -> bool:
    return now == before or bool(now.directory and now.directory == before.directory)


def _has_moved(evidence: Evidence, known: Known) -> bool:
    return evidence.root in known.roots and not evidence.remotes and not known.remotes and known.is_gone


def _like(evidence: Evidence, known: Sequence[Known]) -> int | None:
    """Return the project that looks most like a directory."""
    likenesses: tuple[Callable[[Known], bool], ...] = (
        lambda each: evidence.root in each.roots and evidence.primary in each.remotes,
        lambda each: each.here is not None,
        lambda each: evidence.root in each.roots,
        lambda each: evidence.primary in each.remotes,
        lambda each: bool(each.remotes.intersection(evidence.remotes)),
        lambda each: each.name in evidence.names,
    )
    return next((each.key for alike in likenesses for each in known if alike(each)), None)


def _only(found: Iterable[Known]) -> Known | None:
    """Return what there is one of: between several nobody can tell."""
    several = list(found)
    return several[0] if len(several) == 1 else None
