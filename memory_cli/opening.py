"""This module carries the global options to the commands and opens the memory that they name."""

from pathlib import Path

import typer
from msgspec import Struct

from memory_mcp.config.layers import Resolved, resolve
from memory_mcp.config.places import Places, places
from memory_mcp.memory import Memory


class Opening(Struct, frozen=True):
    """Environment, directory and flags of this call."""

    environ: dict[str, str]
    directory: Path
    flags: dict[str, str]
    config_file: Path | None

    def resolved(self) -> Resolved:
        """Return the settings in force, with their origins."""
        return resolve(self.environ, self.directory, flags=self.flags, path=self.config_file)

    def places(self) -> Places:
        """Return every path in use."""
        found = self.resolved()
        return places(found.settings, settings_file=found.path)

    def memory(self) -> Memory:
        """Open the memory; use it as a context manager."""
        return Memory.open(self.environ, self.directory, actor="cli", resolved=self.resolved())


def opening(context: typer.Context) -> Opening:
    """Return the options of this call."""
    found = context.obj
    assert isinstance(found, Opening)  # noqa: S101 - the callback always sets it
    return found


def memory_of(context: typer.Context) -> Memory:
    """Open the memory that the options name."""
    return opening(context).memory()
