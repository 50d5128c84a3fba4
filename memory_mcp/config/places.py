"""This module says where things lie on this machine."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from memory_mcp.config.settings import Settings

if TYPE_CHECKING:
    from platformdirs import PlatformDirs

FILE_NAME = "memory-cli.toml"


class Places(Struct, frozen=True):
    """Every path the product uses."""

    home: Path
    store: Path
    cache: Path
    models: Path
    settings: Path


def settings_path(environ: Mapping[str, str]) -> Path:
    """Return the user's settings file: in $MEMORY_MCP_HOME if that is set, else the platform's place."""
    home = environ.get("MEMORY_MCP_HOME")
    return (Path(home).expanduser() if home else Path(_platform().user_config_dir)) / FILE_NAME


def places(settings: Settings, *, settings_file: Path) -> Places:
    """Derive all paths; with a home of its own the memory keeps everything inside it."""
    if settings.store.home:
        home = Path(settings.store.home).expanduser().absolute()
        cache, models = home / "cache", home / "models"
    else:
        home = Path(_platform().user_data_dir)
        cache, models = Path(_platform().user_cache_dir), home / "models"
    if settings.embeddings.model_directory:
        models = Path(settings.embeddings.model_directory).expanduser().absolute()
    return Places(home=home, store=home / "memory.db", cache=cache, models=models, settings=settings_file)


def _platform() -> "PlatformDirs":
    from platformdirs import PlatformDirs  # noqa: PLC0415 - 6 ms that a memory with a home of its own need not pay

    return PlatformDirs("memory-mcp", appauthor=False)
