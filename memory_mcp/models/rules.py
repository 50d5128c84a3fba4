"""This module defines a rule: what the user wants in every session, the words that say so, and what they forbid."""

from typing import Literal

from msgspec import Struct

RuleState = Literal["proposed", "accepted", "rejected"]
RuleAction = Literal["warn", "ask", "deny"]
Forbidden = Literal["command", "path", "import"]


class Check(Struct, frozen=True):
    """What a program can see of a rule: a command, a path or an import that is not to be used.

    A command is its words in order, each of which an action must have: ("git", "push", "main").
    """

    kind: Forbidden
    words: tuple[str, ...]


class Quote(Struct, frozen=True):
    """The user's words behind a rule, in the record `source_id`, at a time in microseconds UTC."""

    text: str
    source_id: str
    said_at: int


class Rule(Struct, frozen=True):
    """A rule with the quotes that it rests on, the newest first; only an accepted one is told or checked.

    `action` is what a hook does where `check` finds a breach. A rule that the user added has no quotes.
    """

    id: str
    project: str
    text: str
    state: RuleState
    made_at: int
    action: RuleAction = "ask"
    check: Check | None = None
    quotes: tuple[Quote, ...] = ()
    decided_at: int | None = None

    @property
    def count(self) -> int:
        """In how many places the user said so."""
        return len(self.quotes)


class FoundRule(Struct, frozen=True):
    """A rule as found in a record; two with the same `identity` are one rule said twice."""

    text: str
    identity: str
    said_at: int
    check: Check | None = None
