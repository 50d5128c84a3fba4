"""This module says, for each coding agent, which files it reads and how a server stands in them."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from msgspec import Struct

from memory_mcp.worktrees.clones import clone_around, own_program

Scope = Literal["user", "project"]
SCOPES: tuple[Scope, ...] = ("user", "project")
ClientName = Literal["claude", "opencode", "codex", "cursor", "gemini", "vscode"]
SERVER = "memory-mcp"


class Client(Struct, frozen=True):
    """A coding agent: its program, the keys under which servers stand, how long it waits for one to start.

    `limit_s` is None where the agent's makers name none: Claude Code 30 s to connect, Codex 10 s, OpenCode 5 s for a
    request (`mcp.*.timeout` of 1.18).
    """

    name: ClientName
    title: str
    program: str
    keys: tuple[str, ...]
    limit_s: float | None


CLIENTS: dict[str, Client] = {
    client.name: client
    for client in (
        Client("claude", "Claude Code", "claude", ("mcpServers",), limit_s=30),
        Client("opencode", "OpenCode", "opencode", ("mcp",), limit_s=5),
        Client("codex", "Codex", "codex", ("mcp_servers",), limit_s=10),
        Client("cursor", "Cursor", "cursor", ("mcpServers",), limit_s=None),
        Client("gemini", "Gemini CLI", "gemini", ("mcpServers",), limit_s=None),
        Client("vscode", "VS Code", "code", ("servers",), limit_s=None),
    )
}

_PROJECT_FILES: dict[ClientName, tuple[str, ...]] = {
    "claude": (".mcp.json",),
    "opencode": ("opencode.json", "opencode.jsonc"),
    "codex": (".codex/config.toml",),
    "cursor": (".cursor/mcp.json",),
    "gemini": (".gemini/settings.json",),
    "vscode": (".vscode/mcp.json",),
}

_PROJECT_HOOKS: dict[ClientName, str] = {
    "claude": ".claude/settings.json",
    "opencode": ".opencode/plugin/memory-mcp.js",
    "codex": ".codex/hooks.json",
    "cursor": ".cursor/hooks.json",
    "gemini": ".gemini/settings.json",
    "vscode": ".github/hooks/memory-mcp.json",
}


class Machine(Struct, frozen=True):
    """Where the agents' files lie: the environment, the user's home, the project's directory."""

    environ: Mapping[str, str]
    home: Path
    directory: Path

    @classmethod
    def of(cls, environ: Mapping[str, str], directory: Path) -> "Machine":
        """Look at an environment; agents find their home as Node's os.homedir() does."""
        home = environ.get("HOME") or environ.get("USERPROFILE")
        return cls(environ, Path(home) if home else Path.home(), directory)

    def program(self, client: Client) -> str | None:
        """Return the path of an agent's program, None where it is not installed."""
        return self.found(client.program)

    def found(self, name: str) -> str | None:
        """Return the path of a program, or None if it is not on the user's own part of PATH."""
        return own_program(name, self.environ.get("PATH", ""), self.clone)

    @property
    def clone(self) -> Path | None:
        """The repository around the project's directory, whose files may be an attacker's."""
        return clone_around(self.directory, self.home)

    def files(self, client: Client, scope: Scope) -> list[Path]:
        """Return the files in which an agent looks for servers, the one that a registration goes into first."""
        if scope == "project":
            files = [self.directory / each for each in _PROJECT_FILES[client.name]]
        else:
            places: dict[ClientName, list[Path]] = {
                "claude": [self._place("CLAUDE_CONFIG_DIR", self.home) / ".claude.json"],
                "opencode": [self.opencode / "opencode.json", self.opencode / "opencode.jsonc"],
                "codex": [self._place("CODEX_HOME", self.home / ".codex") / "config.toml"],
                "cursor": [self.home / ".cursor" / "mcp.json"],
                "gemini": [self.home / ".gemini" / "settings.json"],
                "vscode": [self._vscode / "mcp.json"],
            }
            files = places[client.name]
        return sorted(files, key=lambda file: not file.exists())

    def hooks_file(self, client: Client, scope: Scope) -> Path:
        """Return the file that an agent's hooks stand in."""
        user: dict[ClientName, Path] = {
            "claude": self._place("CLAUDE_CONFIG_DIR", self.home / ".claude") / "settings.json",
            "opencode": self.opencode / "plugin" / "memory-mcp.js",
            "codex": self._place("CODEX_HOME", self.home / ".codex") / "hooks.json",
            "cursor": self.home / ".cursor" / "hooks.json",
            "gemini": self.home / ".gemini" / "settings.json",
            "vscode": self.home / ".copilot" / "hooks" / "memory-mcp.json",
        }
        return user[client.name] if scope == "user" else self.directory / _PROJECT_HOOKS[client.name]

    def is_known(self, client: Client) -> bool:
        """Whether an agent seems to be in use here: its program is installed, or it has left a file."""
        return self.program(client) is not None or any(file.exists() for file in self.files(client, "user"))

    @property
    def opencode(self) -> Path:
        """OpenCode's directory."""
        return self._place("XDG_CONFIG_HOME", self.home / ".config") / "opencode"

    @property
    def _vscode(self) -> Path:
        if sys.platform == "darwin":
            return self.home / "Library" / "Application Support" / "Code" / "User"
        if sys.platform == "win32":
            return self._place("APPDATA", self.home / "AppData" / "Roaming") / "Code" / "User"
        return self._place("XDG_CONFIG_HOME", self.home / ".config") / "Code" / "User"

    def _place(self, variable: str, default: Path) -> Path:
        value = self.environ.get(variable)
        return Path(value) if value else default


def entry_of(client: Client, command: str) -> dict[str, Any]:
    """Return how a server with this command stands in an agent's file."""
    match client.name:
        case "claude":
            return {"type": "stdio", "command": command, "args": [], "env": {}}
        case "opencode":
            return {"type": "local", "command": [command], "enabled": True}
        case "vscode":
            return {"type": "stdio", "command": command, "args": []}
        case _:
            return {"command": command, "args": []}


def command_of(entry: Any) -> list[str]:
    """Return the command line of an entry, whatever agent it is of; empty where it has none."""
    if not isinstance(entry, dict):
        return []
    command, arguments = entry.get("command"), entry.get("args", [])
    words = command if isinstance(command, list) else [command, *(arguments if isinstance(arguments, list) else [])]
    return [str(word) for word in words if word]
