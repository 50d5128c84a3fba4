"""This module takes in what a reader yields, as the command does."""

from pathlib import Path

from memory_mcp.importers.kinds import KINDS
from memory_mcp.importers.taking_in import Intake, Summary, Targets, take_in
from memory_mcp.memory import Memory


def taken(memory: Memory, kind: str, path: Path, *, dry_run: bool = False) -> Summary:
    targets = Targets(
        *(memory.episodes, memory.notes, memory.conversations, memory.relationships),
        memory.store.writer.redactor,
    )
    intake = Intake(targets, kind, dry_run=dry_run)
    take_in(lambda _: intake, KINDS[kind].read(path, lambda _: None), intake.summary.report)
    return intake.summary
