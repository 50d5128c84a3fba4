"""This module decides which project a directory belongs to, from its evidence and the projects' aliases."""

from collections.abc import Callable, Iterable, Sequence
from typing import Literal

from msgspec import Struct

AliasKind = Literal["path", "root", "remote"]
Reason = Literal["path", "clone", "moved", "name", "new"]


class Stamp(Struct, frozen=True):
    """Tells without git whether a directory has changed since it was last seen; empty for one without git.

    `directory` is device, inode and time of birth of the git directory, empty if that time is unknown, since an inode
    alone is soon reused. `content` changes with its configuration, its first commit and its depth.
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
    """The evidence of a directory's identity.

    `path` is the main work tree of its repository; `root` the first commit of what is checked out, empty if it is
    unknown; `remotes` are normalised, `primary` is origin or the only remote.
    """

    path: str
    stamp: Stamp = Stamp()
    root: str = ""
    is_unborn: bool = False
    remotes: tuple[str, ...] = ()
    primary: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """The default names for this directory's project, the best first."""
        return (self.primary, self.path) if self.primary else (self.path,)


class Known(Struct, frozen=True):
    """A project that may own a directory, with those of its aliases that matter for the decision.

    `here` is the stamp stored with the directory's path, None if the project does not own that path. `is_gone`: none of
    its paths exists any more. `is_adoptable`: no directory owns it yet, its name fits, and its commits do not
    contradict.
    """

    key: int
    name: str
    roots: frozenset[str] = frozenset()
    remotes: frozenset[str] = frozenset()
    here: Stamp | None = None
    is_gone: bool = False
    is_adoptable: bool = False


class Decision(Struct, frozen=True):
    """The project that a directory joins, or None for a new one, and the project that it looks like, if any."""

    key: int | None
    reason: Reason
    like: int | None = None


def decide(evidence: Evidence, known: Sequence[Known]) -> Decision:
    """Decide which project a directory belongs to; without proof it only looks like one."""
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
    """Return the name of a new project; if it looks like another one, the name tells them apart."""
    if evidence.primary and decision.like is not None:
        return f"{evidence.primary} ({evidence.path})"
    return evidence.names[0]


def on_one_line(text: str) -> str:
    """Return a name or path with line ends, control and direction characters replaced."""
    return "".join(character if character.isprintable() else "?" for character in text)


def contradicts(evidence: Evidence, here: Known) -> bool:
    """Whether the directory at a path that a project owns can no longer be that project's."""
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
    """Return the directory's remotes that belong to other projects of the same root, such as a fork's upstream."""
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
    """Return the only match, or None if there are several."""
    several = list(found)
    return several[0] if len(several) == 1 else None
