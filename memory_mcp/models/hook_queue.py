"""This module defines the reported state of the hooks' queue: what waits, what was set aside, and why."""

from msgspec import Struct


class QueueState(Struct, frozen=True):
    """How many events wait and since when; how many were set aside, and how many of these had to be dropped.

    `obstacles` names what blocked the paths of the queue's files and was moved away.
    """

    waiting: int = 0
    oldest_at: int | None = None
    set_aside: int = 0
    dropped: int = 0
    obstacles: tuple[str, ...] = ()


class SetAsideEvent(Struct, frozen=True):
    """An event that could not be handled, with its line from the queue; `is_cut` if the line was too long."""

    at: int
    reason: str
    line: str
    is_cut: bool = False
