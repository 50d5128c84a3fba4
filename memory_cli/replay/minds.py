"""This module keeps memories in scratch stores, each of which knows some runs and has its own clock."""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from memory_cli.replay.plain_rule import SameText
from memory_cli.replay.runs import Run
from memory_cli.replay.transcripts import Transcripts
from memory_mcp.config.places import places
from memory_mcp.config.settings import CacheSettings, EmbeddingSettings, Settings, StoreSettings
from memory_mcp.memory import Memory

replace = msgspec.structs.replace
_BATCH = 25


class ReplayClock:
    """The time of the replay, which moves with the runs; identifiers count up, so that a replay repeats itself."""

    def __init__(self) -> None:
        self.moment = 0
        self._ids = 0

    def now(self) -> int:
        """Return the time of the run at hand, a microsecond later at each look."""
        self.moment += 1
        return self.moment

    def new_id(self) -> str:
        """Return 32 hexadecimal digits that sort by time."""
        self._ids += 1
        return f"{self.moment // 1_000:012x}{self._ids:020x}"


class Mind:
    """A memory of the product in a scratch store, and the same runs raw; a context manager."""

    def __init__(self, home: Path, settings: Settings) -> None:
        self.clock = ReplayClock()
        self.known: list[Run] = []
        self.names: dict[str, Run] = {}
        self.transcripts = Transcripts()
        self.rule = SameText()
        scratch = replace(
            settings,
            store=StoreSettings(home=str(home)),
            cache=CacheSettings(enabled=False),
            embeddings=EmbeddingSettings(provider="hash"),
            learning=replace(settings.learning, withhold_share=0.0),
        )
        self.memory = Memory(
            scratch, places(scratch, settings_file=home / "none"), "replay", actor="replay", clock=self.clock
        )

    def learn(self, runs: Sequence[Run]) -> None:
        """Take in runs that are over."""
        for start in range(0, len(runs), _BATCH):
            batch = runs[start : start + _BATCH]
            self.clock.moment = max(self.clock.moment, *(run.ended_at for run in batch))
            receipts = self.memory.episodes.record([run.episode for run in batch])
            self.names.update({receipt.id: run for receipt, run in zip(receipts, batch, strict=True)})
            self.memory.learning.follow()
        for run in runs:
            self.transcripts.add(run)
            for step in run.episode.steps:
                self.rule.add(step)
        self.known += runs

    def close(self) -> None:
        """Close the store."""
        self.memory.close()
