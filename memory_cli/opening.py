"""This module carries the global options to the commands and opens the memory that they name."""

from collections.abc import Mapping
from pathlib import Path

import msgspec
import typer
from msgspec import Struct

from memory_mcp.config.layers import Resolved, resolve
from memory_mcp.config.places import Places, places
from memory_mcp.config.projects import Claim, claim_of
from memory_mcp.errors import IllegalMoveError
from memory_mcp.memory import Memory, project_of
from memory_mcp.models.voices import AGENT_SHELL

# what Claude Code, OpenCode, Codex, Gemini CLI and Cursor set for the commands that their agents run
AGENT_VARIABLES = (
    "CLAUDECODE",
    "OPENCODE",
    "CODEX_SANDBOX",
    "CODEX_THREAD_ID",
    "GEMINI_CLI",
    "CURSOR_AGENT",
    "AI_AGENT",
)


class Opening(Struct, frozen=True):
    """Environment, directory and flags of this call."""

    environ: dict[str, str]
    directory: Path
    flags: dict[str, str]
    config_file: Path | None

    def resolved(self) -> Resolved:
        """Return the settings in force, with their origins."""
        return resolve(self.environ, self.directory, flags=self.flags, path=self.config_file)

    def places(self) -> Places:
        """Return every path in use."""
        found = self.resolved()
        return places(found.settings, settings_file=found.path)

    def claim(self) -> Claim:
        """Return the claim by which the project is found: a name, or the directory."""
        return claim_of(self.resolved(), self.environ, self.directory)

    def project(self) -> str:
        """Return the name of the project that these options lead to, or that a new one would get."""
        return project_of(self.resolved(), self.claim())

    def beside(self, directory: str) -> "Opening":
        """Return what leads to the project of a session that ran in another directory, which may be gone by now.

        One that is closed to this user, or gone, is known by its path; where that means nothing here, nothing changes.
        """
        if not Path(directory).is_absolute() or "\0" in directory:
            return self
        environ = {name: value for name, value in self.environ.items() if name != "CLAUDE_PROJECT_DIR"}
        there = msgspec.structs.replace(self, environ=environ, directory=Path(directory))
        try:
            there.project()
        except OSError:  # no path of this machine
            return self
        return there

    def memory(self) -> Memory:
        """Open the memory; use it as a context manager. What an agent's shell types is the agent's word."""
        actor = AGENT_SHELL if self.is_of_agent else "cli"
        return Memory.open(self.environ, self.directory, actor=actor, resolved=self.resolved())

    @property
    def is_of_agent(self) -> bool:
        """Whether an agent runs this command, as the clients tell the programs that they start."""
        return any(self.environ.get(name) for name in AGENT_VARIABLES)


def scratch_environ(environ: Mapping[str, str], home: Path, project: str) -> dict[str, str]:
    """Return the environment for a process on a scratch memory, which none of the user's settings reach."""
    kept = {name: value for name, value in environ.items() if not name.startswith("MEMORY_MCP_")}
    return {**kept, "MEMORY_MCP_HOME": str(home), "MEMORY_MCP_PROJECT_NAME": project}


def opening(context: typer.Context) -> Opening:
    """Return the options of this call."""
    found = context.obj
    assert isinstance(found, Opening)  # noqa: S101 - the callback always sets it
    return found


def refuse_agents(context: typer.Context, what: str) -> None:
    """End a command that only the user may run, where an agent runs it.

    Raises:
        IllegalMoveError: an agent runs it.

    """
    if opening(context).is_of_agent:
        raise IllegalMoveError(f"only the user may {what}; run the command in a terminal of your own")


def memory_of(context: typer.Context) -> Memory:
    """Open the memory that the options name."""
    return opening(context).memory()
