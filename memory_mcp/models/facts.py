"""This module defines a fact: a sentence about a project, with the tasks that bear it out."""

from typing import Literal

from msgspec import Struct

Topic = Literal["setup", "test", "trap", "proof", "file", "together"]


class Fact(Struct, frozen=True):
    """What a colleague would tell: `do` is the command or file to use, empty where there is none.

    `support` of `of` independent tasks bear it out: every one in which its condition held counts. `episodes` are the
    newest of them. `at` is the version of the project in which alone it was seen, such as `shop 2.1`, if that is known.
    """

    topic: Topic
    subject: str
    text: str
    do: str
    support: int
    of: int
    first_seen: int
    last_seen: int
    episodes: tuple[str, ...] = ()
    at: str = ""


class FileVote(Struct, frozen=True):
    """A file that a task is likely to be about, with the reasons; scores rank within one answer.

    `told` is the part of the score that the task itself says, without what earlier tasks often changed.
    """

    file: str
    score: float
    why: tuple[str, ...]
    told: float
