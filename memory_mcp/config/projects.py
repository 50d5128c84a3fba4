"""This module states how a process finds its project: by the user's name for it, else by its directory."""

from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from memory_mcp.config.layers import Resolved
from memory_mcp.errors import ConfigError

GLOBAL_PROJECT = "global"


class Claim(Struct, frozen=True):
    """The user's own `name` for a project; without one, the directory whose project it is.

    `claimed_name` is the name in the memory-cli.toml of `claimed_in`, which may be a stranger's.
    """

    directory: Path
    name: str = ""
    claimed_name: str = ""
    claimed_in: Path = Path()


def claim_of(resolved: Resolved, environ: Mapping[str, str], directory: Path) -> Claim:
    """Return the claim by which a process in `directory` finds its project.

    Raises:
        ConfigError: mode is `manual` and no name is given.

    """
    settings = resolved.settings.project
    here = Path(environ.get("CLAUDE_PROJECT_DIR") or directory).resolve()
    if settings.mode == "global":
        return Claim(here, GLOBAL_PROJECT)
    if settings.mode == "manual" and not settings.name:
        raise ConfigError("project.mode is manual but project.name is empty; give --project NAME or set it")
    return Claim(here, settings.name, resolved.claimed_name, directory.resolve())
