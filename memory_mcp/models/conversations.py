"""This module defines a conversation's messages, and how much each matters."""

import re

from msgspec import Struct

from memory_mcp.expressions import expression

_ROLE_WEIGHT = {"user": 0.3, "human": 0.3, "assistant": 0.2}
_OTHER_ROLE = 0.1
_RECENT, _MARKED = 0.3, 0.4
_HALF_LIFE_US = 30 * 86_400e6
_MARKS = expression(
    r"\b(?:remember (?:this|that)|don['’]t forget|do not forget|keep in mind|note to self|#important)\b"
    r"|\bimportant:",
    re.IGNORECASE,
)


class Message(Struct, frozen=True):
    """What one side said; `at` is microseconds UTC, `is_marked` that somebody called it important."""

    role: str
    text: str
    at: int
    is_marked: bool = False

    @property
    def stands_out(self) -> bool:
        """Whether it is marked, or says of itself that it matters."""
        return self.is_marked or _MARKS.search(self.text) is not None


class Turn(Struct, frozen=True):
    """A message in its place in a conversation; `position` counts from 0, `title` is the conversation's."""

    id: str
    project: str
    conversation_id: str
    title: str
    position: int
    message: Message
    tags: tuple[str, ...] = ()


def importance(message: Message, now: int) -> float:
    """Return how much a message matters, 0 to 1: up to 0.3 for its role, 0.3 for its age, 0.4 for a mark.

    Age halves its part every 30 days.
    """
    role = _ROLE_WEIGHT.get(message.role.lower(), _OTHER_ROLE)
    recency: float = _RECENT * 0.5 ** (max(now - message.at, 0) / _HALF_LIFE_US)
    return round(role + recency + _MARKED * message.stands_out, 4)
