"""The user's directories, as the platform wants them."""

import os
from pathlib import Path

import pytest
from platformdirs import PlatformDirs

from memory_mcp.config.user_directories import user_directory

DIRECTORIES = PlatformDirs("memory-mcp", appauthor=False)
VARIABLES = ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME")


@pytest.mark.parametrize("home", ["/home/someone", "/home/someone/", "/", "relative", "", None])
@pytest.mark.parametrize("chosen", ["/elsewhere", "/elsewhere/", "relative", "", "~/x", None])
def test_the_directories_are_those_of_platformdirs(
    monkeypatch: pytest.MonkeyPatch, home: str | None, chosen: str | None
) -> None:
    for name, value in (("HOME", home), *((name, chosen) for name in VARIABLES)):
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value)

    found = [user_directory("config"), user_directory("data"), user_directory("cache")]

    wanted = [DIRECTORIES.user_config_dir, DIRECTORIES.user_data_dir, DIRECTORIES.user_cache_dir]
    assert [os.path.normpath(each) for each in found] == [os.path.normpath(each) for each in wanted]
    assert found == [Path(each) for each in wanted]
