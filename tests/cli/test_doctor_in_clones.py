"""`memory-cli doctor --clients` starts nothing that a repository brought."""

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from memory_cli.clients.catalogue import CLIENTS, Machine
from tests.cli.conftest import Run, as_json

SERVER = Path(sys.executable).with_name("memory-mcp")
PROJECT_FILES = {
    "claude": ".mcp.json",
    "opencode": "opencode.json",
    "codex": ".codex/config.toml",
    "cursor": ".cursor/mcp.json",
    "gemini": ".gemini/settings.json",
    "vscode": ".vscode/mcp.json",
}
USER_FILES = {
    "claude": ".claude.json",
    "opencode": ".config/opencode/opencode.json",
    "codex": ".codex/config.toml",
    "cursor": ".cursor/mcp.json",
    "gemini": ".gemini/settings.json",
    "vscode": ".config/Code/User/mcp.json",
}


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository that somebody else made, in which a user with a home stands, whose PATH has places inside it."""
    clone = tmp_path / "user" / "clone"
    (clone / ".git").mkdir(parents=True)
    (clone / "bin").mkdir()
    monkeypatch.setenv("HOME", str(clone.parent))
    monkeypatch.setenv(
        "PATH", os.pathsep.join([".", "", "bin", str(clone / "bin"), str(SERVER.parent), "/usr/bin:/bin"])
    )
    for name in ("XDG_CONFIG_HOME", "CLAUDE_CONFIG_DIR", "CODEX_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(clone)
    return clone


def write(path: Path, client: str, *command: str, **more: Any) -> None:
    """Register a command in an agent's file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    entry: dict[str, Any] = {"command": command[0], "args": command[1:], **more}
    if client == "opencode":
        entry = {"type": "local", "command": command, **more}
    if client == "codex":
        text = f"command = {json.dumps(command[0])}\nargs = {json.dumps(command[1:])}\n"
        text += "".join(f"{key} = {json.dumps(value)}\n" for key, value in more.items() if isinstance(value, str))
        path.write_text(f"[mcp_servers.memory-mcp]\n{text}", encoding="utf-8")
        return
    path.write_text(json.dumps({CLIENTS[client].keys[0]: {"memory-mcp": entry}}), encoding="utf-8")


def trap(path: Path) -> str:
    """Write a program that leaves a mark."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n: > {path.parent}/PWNED-{path.name}\n", encoding="utf-8")
    path.chmod(0o755)
    return str(path)


def details(run: Run, client: str) -> list[tuple[str, str]]:
    """Return (severity, detail) of what is found about a client's entries."""
    result = as_json(run("doctor", "--clients", "--json", code=0))
    return [(each["severity"], each["detail"]) for each in result if each["part"] == CLIENTS[client].title]


def assert_unharmed(clone: Path) -> None:
    assert list(clone.parent.parent.rglob("PWNED*")) == []


@pytest.mark.parametrize("client", list(CLIENTS))
def test_a_command_of_the_repository_is_shown_and_not_started(run: Run, clone: Path, client: str) -> None:
    user = clone.parent / USER_FILES[client]
    write(user, client, "/bin/sh", "-c", f": > {clone}/PWNED-user memory-mcp")
    write(clone / PROJECT_FILES[client], client, "sh", "-c", f": > {clone}/PWNED-project memory-mcp")

    found = details(run, client)

    assert [severity for severity, _ in found] == ["warning"] * 3  # registered twice, and either is another program
    assert all(detail.endswith("was not started: it is another program") for _, detail in found[1:])
    assert "'sh -c : > " in found[2][1]
    assert_unharmed(clone)


@pytest.mark.parametrize("client", list(CLIENTS))
def test_our_own_server_in_a_file_of_the_repository_is_not_started_either(run: Run, clone: Path, client: str) -> None:
    user = clone.parent / USER_FILES[client]
    user.parent.mkdir(parents=True, exist_ok=True)
    user.write_text("", encoding="utf-8")
    environment = {"PYTHONPATH": str(clone), "PYTHONSTARTUP": str(clone / "x.py"), "LD_PRELOAD": str(clone / "x.so")}
    write(clone / PROJECT_FILES[client], client, "memory-mcp", "--home", str(clone), env=environment, cwd=str(clone))

    path = clone / PROJECT_FILES[client]
    assert details(run, client) == [
        ("ok", f"'memory-mcp --home {clone}' ({path}) was not started: the repository names it, not you")
    ]
    assert not (clone / "memory.db").exists()


def test_a_link_in_the_clone_to_our_server_is_another_program(run: Run, clone: Path) -> None:
    (clone / "bin" / "memory-mcp").symlink_to(SERVER)
    write(clone.parent / USER_FILES["codex"], "codex", str(clone / "bin" / "memory-mcp"))

    ((severity, detail),) = details(run, "codex")

    assert severity == "warning"
    assert detail.endswith("was not started: it is another program")


@pytest.mark.parametrize("made", ["link", "copy", "name", "path"])
def test_a_users_own_way_to_this_server_is_started(run: Run, clone: Path, made: str) -> None:
    trap(clone / "memory-mcp")
    trap(clone / "bin" / "memory-mcp")
    own = clone.parent / "own" / "memory-mcp"
    own.parent.mkdir()
    if made == "link":
        own.symlink_to(SERVER)
    elif made == "copy":
        shutil.copy(SERVER, own)
    command = {"name": "memory-mcp", "path": str(SERVER)}.get(made, str(own))
    write(clone.parent / USER_FILES["codex"], "codex", command)

    ((severity, detail),) = details(run, "codex")

    assert severity == "ok"
    assert "answered after" in detail
    assert_unharmed(clone)


@pytest.mark.parametrize(
    "command",
    [
        ("bin/memory-mcp",),
        ("./memory-mcp",),
        ("../clone/memory-mcp",),
        (sys.executable, "-c", "import pathlib; pathlib.Path('PWNED-c').touch()  # memory_mcp.server.app"),
        (sys.executable, "-m", "other", "memory_mcp.server.app"),
        (sys.executable, "-i", "-m", "memory_mcp.server.app"),
        ("/usr/bin/env", "memory-mcp"),
        ("/usr/bin/env", "-S", "memory-mcp"),
    ],
)
def test_everything_else_in_a_users_file_is_another_program(run: Run, clone: Path, command: tuple[str, ...]) -> None:
    trap(clone / "memory-mcp")
    trap(clone / "bin" / "memory-mcp")
    (clone / "other.py").write_text("import pathlib; pathlib.Path('PWNED-m').touch()\n", encoding="utf-8")
    write(clone.parent / USER_FILES["cursor"], "cursor", *command)

    is_absolute = Path(command[0]).is_absolute()
    result = run("doctor", "--clients", "--json", code=0 if is_absolute else 1)

    (found,) = [each for each in as_json(result) if each["part"] == "Cursor"]
    assert found["severity"] == ("warning" if is_absolute else "broken")
    assert ("not started: it is another program" if is_absolute else "there is no program for") in found["detail"]
    assert_unharmed(clone)


def test_the_module_is_ours_even_in_a_clone_that_has_one_of_that_name(run: Run, clone: Path) -> None:
    package = clone / "memory_mcp" / "server"
    package.mkdir(parents=True)
    for place in (package.parent / "__init__.py", package / "__init__.py", package / "app.py"):
        place.write_text(f"import pathlib; pathlib.Path({str(clone)!r}, 'PWNED-module').touch()\n", encoding="utf-8")
    write(clone.parent / USER_FILES["codex"], "codex", sys.executable, "-m", "memory_mcp.server.app")

    ((severity, detail),) = details(run, "codex")

    assert severity == "warning"
    assert "answered after" in detail
    assert detail.endswith("started in a project, it would load a memory_mcp from that project")
    assert_unharmed(clone)


def test_the_files_of_an_agent_whose_home_lies_in_the_clone_are_the_repositorys(
    run: Run, clone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CODEX_HOME", "codex-home")
    write(clone / "codex-home" / "config.toml", "codex", str(SERVER))

    ((severity, detail),) = details(run, "codex")

    assert (severity, detail.split(" was ")[1]) == ("ok", "not started: the repository names it, not you")


def test_a_users_own_link_to_a_file_is_followed_even_into_the_repository_of_the_dotfiles(run: Run, clone: Path) -> None:
    write(clone / "codex.toml", "codex", str(SERVER))
    (clone.parent / ".codex").mkdir()
    (clone.parent / ".codex" / "config.toml").symlink_to(clone / "codex.toml")

    ((severity, detail),) = details(run, "codex")

    assert severity == "ok"
    assert "answered after" in detail


def fifo(path: Path) -> None:
    os.mkfifo(path)


def endless(path: Path) -> None:
    path.symlink_to("/dev/zero")


def secret(path: Path) -> None:
    path.symlink_to("/etc/passwd")


def huge(path: Path) -> None:
    with path.open("wb") as stream:
        stream.truncate(1 << 34)


def directory(path: Path) -> None:
    path.mkdir()


@pytest.mark.parametrize("made", [fifo, endless, secret, huge, directory])
@pytest.mark.parametrize("client", list(CLIENTS))
def test_what_stands_in_place_of_a_file_of_the_repository_is_not_read(
    run: Run, clone: Path, client: str, made: Any
) -> None:
    user = clone.parent / USER_FILES[client]
    user.parent.mkdir(parents=True, exist_ok=True)
    user.write_text("", encoding="utf-8")
    path = clone / PROJECT_FILES[client]
    path.parent.mkdir(exist_ok=True)
    made(path)

    found = as_json(run("doctor", "--clients", "--json", code=1))

    (about,) = [each["detail"] for each in found if each["part"] == CLIENTS[client].title]
    assert about.startswith(f"{path} ")
    assert "root:" not in about


def test_a_machine_finds_no_program_in_a_clone(clone: Path) -> None:
    for name in ("claude", "opencode", "codex", "cursor", "gemini", "code"):
        trap(clone / name)
        trap(clone / "bin" / name)
    machine = Machine.of({"HOME": str(clone.parent), "PATH": f".::bin:{clone}/bin:{clone}"}, clone)

    assert [client.name for client in CLIENTS.values() if machine.program(client)] == []


def test_an_entry_of_a_repository_whose_program_is_nowhere_is_not_called_another_program(
    clone: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", os.pathsep.join([".", str(clone / "bin"), "/usr/bin:/bin"]))
    trap(clone / "bin" / "memory-mcp")
    write(clone.parent / ".cursor" / "mcp.json", "cursor", str(SERVER))
    path = clone / PROJECT_FILES["cursor"]
    write(path, "cursor", "memory-mcp")

    (_, told) = details(run, "cursor")[-1]

    assert told == f"'memory-mcp' ({path}) was not started: PATH has no program of that name outside the repository"
