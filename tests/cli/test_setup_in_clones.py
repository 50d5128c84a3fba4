"""`memory-cli setup` writes only where the user meant it to, whatever a repository has put in the way."""

import json
import os
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from memory_cli.clients import files
from memory_cli.clients.catalogue import CLIENTS
from memory_mcp.clock import SystemClock
from memory_mcp.errors import InvalidInputError
from tests.cli.conftest import Run, as_json

PROJECT_FILES = {
    "claude": ".mcp.json",
    "opencode": "opencode.json",
    "codex": ".codex/config.toml",
    "cursor": ".cursor/mcp.json",
    "gemini": ".gemini/settings.json",
    "vscode": ".vscode/mcp.json",
}
HOOK_FILES = {
    "claude": ".claude/settings.json",
    "opencode": ".opencode/plugin/memory-mcp.js",
    "codex": ".codex/hooks.json",
    "cursor": ".cursor/hooks.json",
    "gemini": ".gemini/settings.json",
    "vscode": ".github/hooks/memory-mcp.json",
}


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository that somebody else made, below the home of a user who has no agent's program."""
    clone = tmp_path / "user" / "clone"
    (clone / ".git").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(clone.parent))
    monkeypatch.setenv("PATH", "")
    for name in ("XDG_CONFIG_HOME", "CLAUDE_CONFIG_DIR", "CODEX_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(clone)
    return clone


def contents(place: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in place.rglob("*") if path.is_file() and not path.is_symlink()}


def as_link(path: Path, outside: Path) -> None:
    path.symlink_to(outside / "precious.json")


def as_dangling_link(path: Path, outside: Path) -> None:
    path.symlink_to(outside / "absent.json")


def as_inner_link(path: Path, outside: Path) -> None:
    (path.parent / "inner").write_bytes((outside / "precious.json").read_bytes())
    path.symlink_to("inner")


def as_pipe(path: Path, outside: Path) -> None:  # noqa: ARG001 - one signature for all
    os.mkfifo(path)


def as_directory(path: Path, outside: Path) -> None:  # noqa: ARG001 - as above
    path.mkdir()


Make = Callable[[Path, Path], None]


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """Somebody's own files."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious.json").write_text("{}", encoding="utf-8")
    return outside


@pytest.mark.parametrize("make", [as_link, as_dangling_link, as_inner_link, as_pipe, as_directory])
@pytest.mark.parametrize("client", list(CLIENTS))
def test_a_projects_file_that_is_not_a_regular_file_is_refused(
    run: Run, clone: Path, outside: Path, client: str, make: Make
) -> None:
    path = clone / PROJECT_FILES[client]
    path.parent.mkdir(exist_ok=True)
    make(path, outside)
    before = contents(clone.parent.parent)

    for words in (["--dry-run"], [], ["--remove"]):
        result = run("setup", client, "--scope", "project", *words, code=1)
        assert "that the repository brought; remove it to go on" in str(result.exception)

    assert contents(clone.parent.parent) == before


@pytest.mark.parametrize(
    ("scope", "client"),
    [
        *(("project", client) for client in ("codex", "cursor", "gemini", "vscode")),
        *(("user", client) for client in ("claude", "opencode", "codex", "vscode")),
    ],
)
def test_a_directory_on_the_way_that_is_a_link_is_refused(
    run: Run, clone: Path, outside: Path, scope: str, client: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (".codex", ".cursor", ".gemini", ".vscode", "away"):
        (clone / name).symlink_to(outside)
    for name in ("XDG_CONFIG_HOME", "CLAUDE_CONFIG_DIR", "CODEX_HOME"):
        monkeypatch.setenv(name, "away")  # means the repository, where the user stands

    result = run("setup", client, "--scope", scope, code=1)

    assert "leads through" in str(result.exception)
    assert [path.name for path in outside.iterdir()] == ["precious.json"]


@pytest.mark.parametrize("client", list(HOOK_FILES))
@pytest.mark.parametrize("depth", [0, 1])
def test_hooks_are_not_written_through_a_link(run: Run, clone: Path, outside: Path, client: str, depth: int) -> None:
    path = clone / HOOK_FILES[client]
    linked = [path, path.parent][depth]
    linked.parent.mkdir(parents=True, exist_ok=True)
    linked.symlink_to(outside / "precious.json" if depth == 0 else outside)

    result = run("setup", client, "--scope", "project", "--hooks", code=1)
    gone = run("setup", client, "--scope", "project", "--remove", code=1)

    assert "a symbolic link that the repository brought" in str(result.exception)
    assert "a symbolic link that the repository brought" in str(gone.exception)
    assert contents(outside) == {str(outside / "precious.json"): b"{}"}


def test_what_a_file_is_hard_linked_to_stays_as_it_is(run: Run, clone: Path, outside: Path) -> None:
    (clone / ".mcp.json").hardlink_to(outside / "precious.json")

    (edit,) = as_json(run("setup", "claude", "--scope", "project", "--json"))

    assert edit["what"] == "changed"
    assert (outside / "precious.json").read_text(encoding="utf-8") == "{}"
    assert "memory-mcp" in (clone / ".mcp.json").read_text(encoding="utf-8")


def test_a_backup_overwrites_nothing(clone: Path, outside: Path) -> None:
    class Stopped(SystemClock):
        def now(self) -> int:
            return 7

    path = clone / ".mcp.json"
    path.write_text("{}", encoding="utf-8")
    path.with_name(".mcp.json.before-memory-mcp-7").symlink_to(outside / "precious.json")

    with pytest.raises(InvalidInputError, match="cannot be written: File exists"):
        files.replace(path, "{ }", clone, dry_run=False, clock=Stopped())

    assert (path.read_text(), (outside / "precious.json").read_text()) == ("{}", "{}")


def test_a_users_own_links_are_followed_even_from_inside_their_target(run: Run, clone: Path) -> None:
    home = clone.parent
    (clone / "cursor").mkdir()
    (clone / "claude.json").write_text("{}", encoding="utf-8")
    (home / ".cursor").symlink_to(clone / "cursor")
    (home / ".claude.json").symlink_to("clone/claude.json")

    run("setup", "cursor")
    run("setup", "claude")

    assert (home / ".claude.json").is_symlink()
    assert "memory-mcp" in (clone / "claude.json").read_text(encoding="utf-8")
    assert "memory-mcp" in (clone / "cursor" / "mcp.json").read_text(encoding="utf-8")


def test_a_home_that_is_a_repository_is_the_users_own(run: Run, clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = clone.parent
    (home / ".git").mkdir()
    (home / "dotfiles").mkdir()
    (home / ".gemini").symlink_to("dotfiles")
    monkeypatch.chdir(home)

    run("setup", "gemini")

    assert "memory-mcp" in (home / "dotfiles" / "settings.json").read_text(encoding="utf-8")


def test_the_repository_reaches_up_to_its_root(
    run: Run, clone: Path, outside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (clone / "sub").mkdir()
    (clone / "bin").mkdir()
    (clone / "sub" / ".cursor").symlink_to(outside)
    monkeypatch.chdir(clone / "sub")

    result = run("setup", "cursor", "--scope", "project", code=1)

    assert f"leads through {clone / 'sub' / '.cursor'}, which is a symbolic link" in str(result.exception)


def recorder(place: Path, log: Path) -> None:
    """Write a program that notes where it was started, and how."""
    place.write_text(f'#!/bin/sh\necho "$PWD $PATH $*" >> {log}\n', encoding="utf-8")
    place.chmod(stat.S_IRWXU)


def test_claude_codes_own_program_runs_in_the_home_and_never_for_a_repositorys_file(
    run: Run, clone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bin").mkdir()
    recorder(tmp_path / "bin" / "claude", tmp_path / "log")
    recorder(clone / "claude", tmp_path / "PWNED")
    monkeypatch.setenv("PATH", f".::{clone}:{tmp_path / 'bin'}")

    (clone.parent / ".claude.json").write_text('{"mine": 1}', encoding="utf-8")

    run("setup", "claude", "--scope", "project")
    assert not (tmp_path / "log").exists()
    (edit,) = as_json(run("setup", "claude", "--json"))

    assert Path(edit["backup"]).read_text(encoding="utf-8") == '{"mine": 1}'
    (line,) = (tmp_path / "log").read_text(encoding="utf-8").splitlines()
    where, path, *words = line.split()
    assert (where, path) == (str(clone.parent), str(tmp_path / "bin"))
    assert words[:5] == ["mcp", "add", "--scope", "user", "memory-mcp"]
    assert not (tmp_path / "PWNED").exists()


def test_a_program_of_the_repository_is_not_registered(
    run: Run, clone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder(clone / "memory-mcp", tmp_path / "PWNED")
    recorder(clone / "memory-cli", tmp_path / "PWNED")
    monkeypatch.setenv("PATH", f".::{clone}")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "elsewhere" / "python"))  # its scripts lie in another place

    run("setup", "gemini")

    written = json.loads((clone.parent / ".gemini" / "settings.json").read_text(encoding="utf-8"))
    command = written["mcpServers"]["memory-mcp"]["command"]
    assert not command.startswith(str(clone))
    assert Path(command).is_absolute()
