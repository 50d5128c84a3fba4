"""This module defines what learning keeps of an episode beside the patterns: its length, how it ended, its failures."""

from msgspec import Struct


class Failed(Struct, frozen=True):
    """A failing action of one episode: how often it failed and ran there, and what made it pass (empty: nothing)."""

    position: int
    shape: str
    files: tuple[str, ...]
    action: str
    error: str
    signature: str
    failures: int
    runs: int
    remedy: tuple[str, ...]
    seen_at: int


class RunCount(Struct, frozen=True):
    """How often a subject ran and failed in one episode, from one state (see actions/sessions).

    Of the last failure it holds the action, the error and what ended it; they are empty where nothing failed.
    """

    subject: str
    state: str
    failures: int
    runs: int
    has_failed_last: bool
    seen_at: int
    action: str = ""
    error: str = ""
    signature: str = ""
    remedy: tuple[str, ...] = ()


class Digest(Struct, frozen=True):
    """An episode in short: how long it was and how it ended.

    `share` is 1 for a success, 0 for a failure, between for a part, None while active or abstained.
    """

    episode_id: str
    steps: int
    retries: int
    share: float | None = None
    reward: float | None = None
    completed_at: int | None = None
    failed: tuple[Failed, ...] = ()
    runs: tuple[RunCount, ...] = ()


class Exposure(Struct, frozen=True):
    """A completed episode that asked the memory before it ended, and whether the answer was withheld."""

    episode_id: str
    withheld: bool
    share: float
    steps: int
    retries: int
