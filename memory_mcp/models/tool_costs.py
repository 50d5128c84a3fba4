"""This module defines what the tools of a server cost the agent that reads about them."""

from msgspec import Struct


class ToolCost(Struct, frozen=True):
    """A tool, the toolset that it comes with, whether it is offered, and about how many tokens it takes to tell of."""

    name: str
    toolset: str
    is_offered: bool
    tokens: int
    description: str
