"""`memory-cli setup` on files as the agents leave them."""

import json
import os
import stat
import tomllib
from pathlib import Path
from typing import Any

import pytest

from memory_cli.clients import hooking, jsonc, registering
from memory_cli.clients.catalogue import CLIENTS, Machine
from memory_cli.clients.hook_layouts import LACKS
from memory_cli.clients.registering import Registration
from memory_mcp.clock import SystemClock
from memory_mcp.hooks.dialects import DIALECTS
from tests.cli.conftest import Run, as_json

FILES = {
    "claude": (".claude.json", ".mcp.json"),
    "opencode": (".config/opencode/opencode.json", "opencode.json"),
    "codex": (".codex/config.toml", ".codex/config.toml"),
    "cursor": (".cursor/mcp.json", ".cursor/mcp.json"),
    "gemini": (".gemini/settings.json", ".gemini/settings.json"),
    "vscode": (".config/Code/User/mcp.json", ".vscode/mcp.json"),
}
OTHERS = {
    "claude": '{\n  "numStartups": 4,\n  "mcpServers": {\n    "files": {"command": "f"}\n  }\n}\n',
    "opencode": '{\n  "$schema": "https://opencode.ai/config.json", // theirs\n  "theme": "system",\n}\n',
    "codex": '# my codex\nmodel = "o5"   # the big one\n\n[mcp_servers.files]\ncommand = "f"\n',
    "cursor": '{\n\t"mcpServers": {\n\t\t"files": { "command": "f" }\n\t}\n}\n',
    "gemini": '{\r\n  "theme": "x"\r\n}\r\n',
    "vscode": '{\n  // servers\n  "servers": {},\n  "inputs": []\n}\n',
}
ENTRIES: dict[str, dict[str, Any]] = {
    "claude": {"type": "stdio", "command": "memory-mcp", "args": [], "env": {}},
    "opencode": {"type": "local", "command": ["memory-mcp"], "enabled": True},
    "codex": {"command": "memory-mcp", "args": []},
    "cursor": {"command": "memory-mcp", "args": []},
    "gemini": {"command": "memory-mcp", "args": []},
    "vscode": {"type": "stdio", "command": "memory-mcp", "args": []},
}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's home, and a project inside it, on a machine where no agent's program is installed."""
    home = tmp_path / "user"
    (home / "project").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("PATH", "")
    for name in ("XDG_CONFIG_HOME", "CLAUDE_CONFIG_DIR", "CODEX_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(home / "project")
    return home


def entry(client: str, path: Path) -> Any:
    text = path.read_bytes().decode()
    document = tomllib.loads(text) if path.suffix == ".toml" else jsonc.parse(text).value
    for key in CLIENTS[client].keys:
        document = document[key]
    return document["memory-mcp"]


@pytest.mark.parametrize("client", list(CLIENTS))
def test_an_agent_without_a_file_gets_one_and_loses_it_again(run: Run, home: Path, client: str) -> None:
    path = home / "project" / FILES[client][1]

    told = run("setup", client, "--scope", "project").stdout

    assert f"{path}: created" in told
    assert entry(client, path) == ENTRIES[client]
    run("setup", client, "--scope", "project", "--remove")
    assert not path.exists()


@pytest.mark.parametrize("client", list(CLIENTS))
def test_what_else_an_agents_file_holds_stays_byte_for_byte(run: Run, home: Path, client: str) -> None:
    path = home / FILES[client][0]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(OTHERS[client].encode())
    path.chmod(0o640)

    first = as_json(run("setup", client, "--json"))
    after = path.read_bytes()
    second = as_json(run("setup", client, "--json"))

    assert [change["what"] for change in first] == ["changed"]
    assert Path(first[0]["backup"]).read_bytes() == OTHERS[client].encode()
    assert [change["what"] for change in second] == ["unchanged"]
    assert path.read_bytes() == after
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    command = entry(client, path)["command"]
    assert Path(command if isinstance(command, str) else command[0]).name == "memory-mcp"
    for line in OTHERS[client].splitlines():
        if line.strip(" \t{},") and "servers" not in line:
            assert line.rstrip(",") in after.decode()
    run("setup", client, "--remove")
    back = path.read_bytes().decode()
    assert back == OTHERS[client] or (
        client == "vscode" and json.loads(back.replace("// servers", "")) == {"inputs": []}
    )


@pytest.mark.parametrize("client", list(CLIENTS))
def test_a_rehearsal_shows_the_difference_and_changes_nothing(run: Run, home: Path, client: str) -> None:
    told = run("setup", client, "--dry-run").stdout

    assert "would be created" in told
    assert "+" in told
    assert [path for path in home.rglob("*") if path.is_file()] == []


def test_a_users_registration_names_the_program_by_its_path_and_a_projects_does_not(run: Run, home: Path) -> None:
    run("setup", "cursor")
    run("setup", "cursor", "--scope", "project")

    assert Path(entry("cursor", home / ".cursor/mcp.json")["command"]).is_absolute()
    assert entry("cursor", home / "project/.cursor/mcp.json")["command"] == "memory-mcp"


def test_a_file_that_is_no_json_is_left_alone_with_its_line(run: Run, home: Path) -> None:
    path = home / ".cursor" / "mcp.json"
    path.parent.mkdir()
    path.write_text('{\n  "mcpServers": {,}\n}', encoding="utf-8")

    result = run("setup", "cursor", code=1)

    assert "no JSON at line 2" in str(result.exception)
    assert path.read_text(encoding="utf-8") == '{\n  "mcpServers": {,}\n}'


@pytest.mark.parametrize("text", ["mcp_servers = 3\n", "[[mcp_servers]]\na = 1\n", 'mcp_servers = ["x"]\n'])
def test_what_stands_in_the_place_of_codexs_servers_is_named_and_left_alone(run: Run, home: Path, text: str) -> None:
    path = home / ".codex" / "config.toml"
    path.parent.mkdir()
    path.write_text(text, encoding="utf-8")

    result = run("setup", "codex", code=1)

    assert str(result.exception) == (f"{path}: 'mcp_servers' is no place for 'memory-mcp'; mend it and run this again")
    run("setup", "codex", "--remove")
    assert path.read_text(encoding="utf-8") == text


@pytest.mark.parametrize("text", ["[]", "3", '{"hooks": [1]}', '{"hooks": {"SessionStart": 3}}'])
def test_a_file_that_has_no_place_for_hooks_is_named(run: Run, home: Path, text: str) -> None:
    path = home / ".claude" / "settings.json"
    path.parent.mkdir()
    path.write_text(text, encoding="utf-8")

    result = run("setup", "claude", "--hooks", code=1)

    assert f"{path}: " in str(result.exception)
    assert "is no place for" in str(result.exception)
    assert "'-1'" not in str(result.exception)
    assert path.read_text(encoding="utf-8") == text


def test_a_link_stays_a_link(run: Run, home: Path) -> None:
    real = home / "dotfiles.json"
    real.write_text("{}", encoding="utf-8")
    (home / ".cursor").mkdir()
    (home / ".cursor" / "mcp.json").symlink_to(real)

    run("setup", "cursor")

    assert (home / ".cursor" / "mcp.json").is_symlink()
    assert "memory-mcp" in real.read_text(encoding="utf-8")


SETTINGS = """{
  // mine
  "permissions": {"allow": ["Bash(ls)"]},
  "hooks": {
    "Stop": [
      {"hooks": [{"type": "command", "command": "say done"}]} // theirs
    ]
  }
}
"""


def test_the_hooks_of_claude_code_stand_beside_those_of_others(run: Run, home: Path) -> None:
    path = home / ".claude" / "settings.json"
    path.parent.mkdir()
    path.write_text(SETTINGS, encoding="utf-8")

    run("setup", "claude", "--hooks")
    after = path.read_text(encoding="utf-8")
    run("setup", "claude", "--hooks")

    assert path.read_text(encoding="utf-8") == after
    hooks = jsonc.parse(after).value["hooks"]
    assert set(hooks) == {
        *("SessionStart", "UserPromptSubmit", "PreToolUse", "PostToolUse", "PostToolUseFailure", "Stop", "PreCompact"),
        "SessionEnd",
    }
    assert [group["hooks"][0]["command"].split()[-1] for group in hooks["Stop"]] == ["done", "hook"]
    assert hooks["PreToolUse"][0]["matcher"] == "*"
    assert "// theirs" in after
    run("setup", "claude", "--remove")
    assert path.read_text(encoding="utf-8") == SETTINGS


def test_hooks_of_a_program_that_has_moved_are_replaced(home: Path) -> None:
    machine = Machine.of({"HOME": str(home)}, home / "project")
    clock, claude = SystemClock(), CLIENTS["claude"]

    hooking.install(claude, "user", machine, "/old place/memory-cli", dry_run=False, clock=clock)
    hooking.install(claude, "user", machine, "/new/memory-cli", dry_run=False, clock=clock)

    hooks = json.loads((home / ".claude" / "settings.json").read_text(encoding="utf-8"))["hooks"]
    commands = {hook["command"] for groups in hooks.values() for group in groups for hook in group["hooks"]}
    assert commands == {"/new/memory-cli hook"}
    assert hooking.installed(claude, "user", machine)
    hooking.uninstall(claude, "user", machine, dry_run=False, clock=clock)
    assert not (home / ".claude" / "settings.json").exists()


def test_the_plugin_of_opencode_calls_the_program_by_its_path(run: Run, home: Path) -> None:
    run("setup", "opencode", "--hooks")

    plugin = home / ".config" / "opencode" / "plugin" / "memory-mcp.js"
    (command,) = [line for line in plugin.read_text(encoding="utf-8").splitlines() if line.startswith("const COMMAND")]
    (program,) = json.loads(command.removeprefix("const COMMAND = "))
    assert Path(program).is_absolute()
    assert os.access(program, os.X_OK)
    run("setup", "opencode", "--remove")
    assert not plugin.exists()


HOOKS = {
    "codex": (".codex/hooks.json", "SessionStart", "PreToolUse", 10),
    "gemini": (".gemini/settings.json", "SessionStart", "BeforeTool", 10_000),
    "cursor": (".cursor/hooks.json", "sessionStart", "preToolUse", 10),
    "vscode": (".copilot/hooks/memory-mcp.json", "SessionStart", "PreToolUse", 10),
}


@pytest.mark.parametrize("client", list(HOOKS))
def test_the_hooks_of_other_agents_stand_as_their_makers_describe(run: Run, home: Path, client: str) -> None:
    file, start, before, timeout = HOOKS[client]
    path = home / file

    told = run("setup", client, "--hooks").stdout
    once = path.read_bytes()
    run("setup", client, "--hooks")

    assert path.read_bytes() == once
    hooks = json.loads(once)["hooks"]
    assert tuple(hooks) == tuple(DIALECTS[client].names)
    (first,), (group,) = hooks[start], hooks[before]
    is_flat = client in {"cursor", "vscode"}
    assert is_flat or (set(first), group["matcher"]) == ({"hooks"}, "*")
    hook = group if is_flat else group["hooks"][0]
    program, *words = hook["command"].split()
    assert Path(program).is_absolute()
    assert words == ["hook", "--client", client]
    assert hook["timeout"] == timeout
    assert hook.get("type", "command") == "command"
    assert (json.loads(once).get("version") == 1) == (client == "cursor")
    assert all(f"of these hooks: {lack}" in told for lack in LACKS[CLIENTS[client].name])
    run("setup", client, "--remove")
    assert not path.exists()


@pytest.mark.parametrize("client", list(HOOKS))
def test_the_hooks_of_others_outlive_ours(run: Run, home: Path, client: str) -> None:
    file, _, before, _ = HOOKS[client]
    path = home / file
    path.parent.mkdir(parents=True)
    other = {"command": "mine --hook"} if client in {"cursor", "vscode"} else {"hooks": [{"command": "mine --hook"}]}
    theirs = json.dumps({"version": 1, "hooks": {before: [other]}, "mine": True}, indent=2) + "\n"
    path.write_text(theirs, encoding="utf-8")

    rehearsed = run("setup", client, "--hooks", "--dry-run").stdout
    assert path.read_text(encoding="utf-8") == theirs
    run("setup", client, "--hooks")
    both = json.loads(path.read_text(encoding="utf-8"))
    run("setup", client, "--remove")

    assert f"{path}: would be changed" in rehearsed
    assert both["hooks"][before][0] == other
    assert len(both["hooks"][before]) == 2
    assert path.read_text(encoding="utf-8") == theirs


@pytest.mark.parametrize("client", list(HOOKS))
def test_a_hooks_file_of_another_shape_is_named_and_left_alone(run: Run, home: Path, client: str) -> None:
    path = home / HOOKS[client][0]
    path.parent.mkdir(parents=True)
    path.write_text('{"version": 1, "hooks": [1]}', encoding="utf-8")

    result = run("setup", client, "--hooks", code=1)

    assert f"{path}: " in str(result.exception)
    assert path.read_text(encoding="utf-8") == '{"version": 1, "hooks": [1]}'


def test_every_place_in_which_an_agent_finds_the_server_is_found(home: Path) -> None:
    machine = Machine.of({"HOME": str(home)}, home / "project")
    (home / "project" / ".mcp.json").write_text(
        '{"mcpServers": {"recall": {"command": "/usr/bin/memory-mcp", "args": ["--toolsets", "all"]}}}',
        encoding="utf-8",
    )
    local = {
        "projects": {str(home / "project"): {"mcpServers": {"memory-mcp": {"command": "python", "args": ["-m", "x"]}}}}
    }
    (home / ".claude.json").write_text(json.dumps(local), encoding="utf-8")

    found = registering.registrations(CLIENTS["claude"], machine)

    path = str(home / "project" / ".mcp.json")
    assert found == [
        Registration("claude", "local", str(home / ".claude.json"), "memory-mcp", ("python", "-m", "x")),
        Registration("claude", "project", path, "recall", ("/usr/bin/memory-mcp", "--toolsets", "all")),
    ]
