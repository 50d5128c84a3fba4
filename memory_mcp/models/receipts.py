"""This module defines what a mutation hands back as proof."""

from msgspec import Struct


class Receipt(Struct, frozen=True):
    """The record that changed and the store's sequence number of that committed change."""

    id: str
    sequence: int
