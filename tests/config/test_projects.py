"""Finding the project: clones and worktrees of one repository share one memory."""

import subprocess
from pathlib import Path

import pytest

from memory_mcp.config.projects import project_name
from memory_mcp.config.settings import ProjectSettings
from memory_mcp.errors import ConfigError

AUTO = ProjectSettings()


def git(directory: Path, *words: str) -> None:
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.org")
    subprocess.run(["git", "-C", str(directory), *identity, *words], check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    path = tmp_path / "repository"
    path.mkdir()
    git(path, "init", "-q")
    git(path, "commit", "-q", "--allow-empty", "-m", "first")
    return path


def test_a_worktree_and_a_subdirectory_share_the_repository_s_project(repository: Path, tmp_path: Path) -> None:
    git(repository, "worktree", "add", "-q", str(tmp_path / "tree"))
    (repository / "deep" / "er").mkdir(parents=True)

    names = {project_name(AUTO, {}, place) for place in (repository, repository / "deep" / "er", tmp_path / "tree")}

    assert names == {str(repository)}


@pytest.mark.parametrize(
    "url",
    [
        "https://user:secret@GitHub.com/owner/name.git",
        "git@github.com:owner/name.git",
        "ssh://git@github.com:22/owner/name",
    ],
)
def test_the_remote_names_the_project_without_credentials(repository: Path, url: str) -> None:
    git(repository, "remote", "add", "origin", url)

    assert project_name(AUTO, {}, repository) == "github.com/owner/name"


def test_claude_code_says_which_directory_counts(repository: Path, tmp_path: Path) -> None:
    assert project_name(AUTO, {"CLAUDE_PROJECT_DIR": str(repository)}, tmp_path) == str(repository)


def test_outside_git_the_directory_is_the_project(tmp_path: Path) -> None:
    assert project_name(AUTO, {}, tmp_path) == str(tmp_path)


def test_modes_and_names_are_obeyed(tmp_path: Path) -> None:
    assert project_name(ProjectSettings(mode="global"), {}, tmp_path) == "global"
    assert project_name(ProjectSettings(name="mine"), {}, tmp_path) == "mine"
    with pytest.raises(ConfigError, match="give --project NAME"):
        project_name(ProjectSettings(mode="manual"), {}, tmp_path)
