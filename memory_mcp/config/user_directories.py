"""This module says where the platform wants a user's settings, data and caches."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from platformdirs import PlatformDirs

_NAME = "memory-mcp"
_BY_XDG = {
    "config": ("XDG_CONFIG_HOME", ".config"),
    "data": ("XDG_DATA_HOME", ".local/share"),
    "cache": ("XDG_CACHE_HOME", ".cache"),
}


def user_directory(kind: Literal["config", "data", "cache"]) -> Path:
    """Return our directory of a kind, as `platformdirs` does, whose import would cost a hook on Linux 10 ms."""
    if sys.platform == "linux" and "ANDROID_DATA" not in os.environ:
        variable, below_home = _BY_XDG[kind]
        chosen, home = os.environ.get(variable, ""), os.environ.get("HOME", "")
        if chosen.startswith("/"):
            return Path(chosen, _NAME)
        if home.startswith("/"):
            return Path(home, below_home, _NAME)
    return Path(getattr(_platform(), f"user_{kind}_dir"))


def _platform() -> "PlatformDirs":
    from platformdirs import PlatformDirs  # noqa: PLC0415 - see above

    return PlatformDirs(_NAME, appauthor=False)
