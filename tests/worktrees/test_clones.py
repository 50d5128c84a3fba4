"""What a repository brought is told from what is the user's own."""

import os
from pathlib import Path

import pytest

from memory_mcp.worktrees.clones import clone_around, is_inside, own_path, own_program


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A user's home with a repository in it."""
    (tmp_path / "home" / "clone" / ".git").mkdir(parents=True)
    (tmp_path / "home" / "clone" / "sub" / "bin").mkdir(parents=True)
    return tmp_path / "home"


def test_a_clone_reaches_up_to_the_outermost_repository(home: Path) -> None:
    (home / "clone" / "sub" / ".git").write_text("gitdir: elsewhere", encoding="utf-8")

    assert clone_around(home / "clone" / "sub" / "bin", home) == home / "clone"


def test_a_directory_without_git_is_a_clone_by_itself(home: Path) -> None:
    (home / "unpacked" / "deep").mkdir(parents=True)

    assert clone_around(home / "unpacked" / "deep", home) == home / "unpacked" / "deep"


@pytest.mark.parametrize("place", [".", "..", "/"])
def test_what_contains_the_home_is_the_users_own(home: Path, place: str) -> None:
    (home / ".git").mkdir()

    assert clone_around(home / place, home) is None


def test_a_path_leads_into_a_clone_also_by_a_link_above_it(home: Path) -> None:
    clone = home / "clone"
    (home.parent / "link").symlink_to(home)
    (home / "own").symlink_to(clone / "sub")

    assert is_inside(home.parent / "link" / "clone" / "sub" / "x", clone)
    assert is_inside(clone / "absent" / ".." / "x", clone)
    assert not is_inside(home / "own" / "x", clone)
    assert not is_inside(clone / ".." / "x", clone)
    assert not is_inside(clone, None)


def test_programs_come_from_absolute_places_outside_the_clone(home: Path) -> None:
    clone, own = home / "clone", home / "bin"
    own.mkdir()
    (home / "alias").symlink_to(clone / "sub" / "bin")
    for place in (clone, clone / "sub" / "bin", own):
        (place / "tool").write_text("#!/bin/sh\n", encoding="utf-8")
        (place / "tool").chmod(0o755)
    path = os.pathsep.join(
        [".", "", "bin", f"{clone}", f"{clone}/sub/bin", f"{own}/../clone", f"{home}/alias", f"{own}"]
    )

    assert own_path(path, clone) == str(own)
    assert own_program("tool", path, clone) == str(own / "tool")
    assert own_program("tool", f".:{clone}", clone) is None
