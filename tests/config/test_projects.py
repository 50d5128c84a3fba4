"""What leads to a project: a name from the user, else the directory and what its own file claims."""

from pathlib import Path

import pytest

from memory_mcp.config.layers import resolve
from memory_mcp.config.projects import Claim, claim_of
from memory_mcp.errors import ConfigError


def claimed(directory: Path, environ: dict[str, str] | None = None, **flags: str) -> Claim:
    told = {"MEMORY_MCP_HOME": str(directory / "home"), **(environ or {})}
    given = {f"project.{name}": value for name, value in flags.items()}
    return claim_of(resolve(told, directory, flags=given), told, directory)


def test_without_a_name_the_directory_counts_and_claude_code_says_which(tmp_path: Path) -> None:
    assert claimed(tmp_path) == Claim(tmp_path, claimed_in=tmp_path)
    other = tmp_path / "other"
    assert claimed(tmp_path, {"CLAUDE_PROJECT_DIR": str(other)}) == Claim(other, claimed_in=tmp_path)


def test_modes_and_names_of_the_user_are_obeyed(tmp_path: Path) -> None:
    assert claimed(tmp_path, mode="global").name == "global"
    assert claimed(tmp_path, name="mine").name == "mine"
    assert claimed(tmp_path, {"MEMORY_MCP_PROJECT_NAME": "mine"}).name == "mine"
    with pytest.raises(ConfigError, match="give --project NAME"):
        claimed(tmp_path, mode="manual")


def test_a_file_of_a_stranger_is_only_a_claim(tmp_path: Path) -> None:
    file = tmp_path / "memory-cli.toml"
    file.write_text('[project]\nname = " theirs "\nmode = "global"\n[store]\nhome = "/evil"\n', encoding="utf-8")

    assert claimed(tmp_path) == Claim(tmp_path, "", "theirs", tmp_path)
    assert claimed(tmp_path, name="mine") == Claim(tmp_path, "mine", "theirs", tmp_path)


def test_a_trusted_directory_names_its_project(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    trusted = f'[project]\ntrusted_directories = ["{tmp_path}"]\n'
    (tmp_path / "home" / "memory-cli.toml").write_text(trusted, encoding="utf-8")
    (tmp_path / "memory-cli.toml").write_text('[project]\nname = "ours"\n', encoding="utf-8")

    assert claimed(tmp_path) == Claim(tmp_path, "ours", "", tmp_path)


def test_a_huge_file_of_a_stranger_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "memory-cli.toml").write_text("# " + "x" * (1 << 20), encoding="utf-8")

    with pytest.raises(ConfigError, match="is not a settings file: it has more than"):
        claimed(tmp_path)


def test_a_claim_cannot_drive_a_terminal(tmp_path: Path) -> None:
    (tmp_path / "memory-cli.toml").write_text('[project]\nname = "a\\u001b[2Jb"\n', encoding="utf-8")

    with pytest.raises(ConfigError, match="has characters that cannot be shown"):
        claimed(tmp_path)


@pytest.mark.parametrize("text", ["[project]\nname = 5\n", f'[project]\nname = "{"x" * 201}"\n'])
def test_a_claim_that_does_not_fit_is_refused_with_its_path(tmp_path: Path, text: str) -> None:
    (tmp_path / "memory-cli.toml").write_text(text, encoding="utf-8")

    with pytest.raises(ConfigError, match=r"memory-cli\.toml: project\.name = .* does not fit"):
        claimed(tmp_path)
