"""This module says where things lie on this machine."""

from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from memory_mcp.config.settings import Settings
from memory_mcp.config.user_directories import user_directory
from memory_mcp.errors import ConfigError
from memory_mcp.visible import is_utf8

FILE_NAME = "memory-cli.toml"


class Places(Struct, frozen=True):
    """Every path the product uses."""

    home: Path
    store: Path
    cache: Path
    models: Path
    settings: Path
    log: Path


def working_directory() -> Path:
    """Return the working directory of this process.

    Raises:
        ConfigError: the directory was deleted, is closed to this user, or its path is not UTF-8.

    """
    try:
        directory = Path.cwd()
    except OSError as error:
        reason = f"the working directory cannot be used: {error.strerror}"
        raise ConfigError(f"{reason}; change to one that exists") from error
    if not is_utf8(str(directory)):
        raise ConfigError("the path of the working directory is not UTF-8, so no project can be kept for it")
    return directory


def settings_path(environ: Mapping[str, str]) -> Path:
    """Return the user's settings file: in $MEMORY_MCP_HOME if that is set, else the platform's place.

    Raises:
        ConfigError: the home cannot be a directory.

    """
    home = environ.get("MEMORY_MCP_HOME")
    return (_directory(home, "MEMORY_MCP_HOME") if home else user_directory("config")) / FILE_NAME


def places(settings: Settings, *, settings_file: Path) -> Places:
    """Derive all paths; with a home of its own the memory keeps everything inside it.

    Raises:
        ConfigError: a path in the settings cannot be a directory.

    """
    if settings.store.home:
        home = _directory(settings.store.home, "store.home").absolute()
        cache, models = home / "cache", home / "models"
    else:
        home = user_directory("data")
        cache, models = user_directory("cache"), home / "models"
    if settings.embeddings.model_directory:
        models = _directory(settings.embeddings.model_directory, "embeddings.model_directory").absolute()
    return Places(
        home=home,
        store=home / "memory.db",
        cache=cache,
        models=models,
        settings=settings_file,
        log=home / "memory-cli.log",
    )


def hook_directory(where: Places) -> Path:
    """Return where the queue and the log of the hooks lie."""
    return where.home / "hooks"


def fallback_log() -> Path:
    """Return a log in the user's home, for when not even the settings can be read."""
    try:
        return Path.home() / ".memory-mcp.log"
    except RuntimeError:  # the user has no known home
        return Path("/.memory-mcp.log")


def _directory(text: str, origin: str) -> Path:
    """Return the path that a setting names, after checking that it can be a directory."""
    if not is_utf8(text):
        raise ConfigError(f"{origin} is not UTF-8; choose another directory")
    try:
        path = Path(text).expanduser()
        path.lstat()
        is_directory = path.is_dir()
    except (FileNotFoundError, PermissionError, NotADirectoryError):
        return path  # created later, or refused then with the reason
    except (OSError, ValueError, RuntimeError) as error:
        raise ConfigError(f"{origin} cannot be a directory: {_reason(error)}; choose another one") from error
    if not is_directory:
        raise ConfigError(f"{origin} names {path}, which is not a directory; choose another one")
    return path


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
