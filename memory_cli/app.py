"""This module is the entrance `memory-cli`: global options, the commands, and one line on stderr for every error."""

import os
import sys
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer
import typer.main
from typer.core import TyperGroup

from memory_cli.opening import Opening
from memory_mcp import __version__
from memory_mcp.errors import MemoryMcpError

# name → module below memory_cli.commands; a noun's module holds an `app`, a single command a function of its name
_NOUNS = {
    "episode": "episode",
    "note": "note",
    "conversation": "conversation",
    "pattern": "pattern",
    "playbook": "playbook",
    "handoff": "handoff",
    "relationship": "relationship",
    "tag": "tag",
    "project": "project",
    "import": "imports",
    "model": "model",
    "index": "index",
    "cache": "cache",
    "backup": "backup",
    "config": "config",
}
_COMMANDS = {
    "check": "judging",
    "feedback": "judging",
    "lift": "judging",
    "health": "health",
    "metrics": "metrics",
    "where": "where",
    "setup": "setup",
    "doctor": "doctor",
    "export": "export",
    "redact": "redact",
    "hook": "hook",
    "demo": "demo",
    "selftest": "selftest",
    "bench": "bench",
}


class Commands(TyperGroup):
    """Imports a command when it is asked for: building all of them costs a listing a third of its time."""

    def list_commands(self, ctx: object) -> list[str]:  # noqa: ARG002 - the signature is typer's
        """Name the commands in the order of the help."""
        return [*_NOUNS, *_COMMANDS]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 - as above
        """Build a command, or return None for a name that there is not."""
        if cmd_name not in self.commands and cmd_name in _NOUNS | _COMMANDS:
            self.commands[cmd_name] = _built(cmd_name)
        return self.commands.get(cmd_name)


def _built(name: str) -> Any:
    if name in _NOUNS:
        found = import_module(f"memory_cli.commands.{_NOUNS[name]}").app
    else:
        found = typer.Typer(add_completion=False)
        found.command(name)(getattr(import_module(f"memory_cli.commands.{_COMMANDS[name]}"), name))
    command = typer.main.get_command(found)
    command.name = name
    return command


app = typer.Typer(
    name="memory-cli",
    cls=Commands,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    help="The memory of coding agents, in a terminal: episodes, notes, patterns and recall from one local file.",
)


def _version(wanted: bool) -> None:  # noqa: FBT001 - typer calls it with the flag
    if wanted:
        typer.echo(f"memory-cli {__version__}")
        raise typer.Exit


@app.callback()
def options(
    context: typer.Context,
    home: Annotated[str | None, typer.Option(help="Directory of the memory.")] = None,
    project: Annotated[str | None, typer.Option(help="Name of the project; found from git without it.")] = None,
    config_file: Annotated[
        Path | None, typer.Option("--config", help="Settings file instead of the usual one.")
    ] = None,
    settings: Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Any setting.")] = None,
    _: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")] = False,
) -> None:
    """Take the options that stand before a command."""
    flags: dict[str, str] = {}
    for pair in settings or ():
        key, equals, value = pair.partition("=")
        if not equals:
            raise typer.BadParameter(f"'{pair}' is not KEY=VALUE", param_hint="--set")
        flags[key] = value
    flags |= {"store.home": home} if home else {}
    flags |= {"project.name": project} if project else {}
    context.obj = Opening(environ=dict(os.environ), directory=Path.cwd(), flags=flags, config_file=config_file)


def main() -> None:
    """Run the command line; errors are one line on stderr and exit code 1, usage errors 2, Ctrl-C 130."""
    try:
        app()
    except MemoryMcpError as error:
        typer.echo(f"memory-cli: {error}", err=True)
        sys.exit(1)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


if __name__ == "__main__":
    main()
