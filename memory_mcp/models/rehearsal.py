"""This module defines what a rehearsal of the main job reports."""

from typing import Any

from msgspec import Struct


class Asked(Struct, frozen=True):
    """A question and the hits as the tool query_memory answered them."""

    question: str
    hits: tuple[dict[str, Any], ...]


class Rehearsal(Struct, frozen=True):
    """Questions asked over MCP, whether the episode recorded just before came first where it should, and timings."""

    server_version: str
    episode_id: str
    questions: tuple[Asked, ...]
    found_first: bool
    timings_s: dict[str, float]
