"""This module is the entrance `memory-cli`: global options, the commands, and one line on stderr for every error."""

import os
import sys
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
import typer.main
from typer.core import TyperGroup

from memory_cli import show, streams
from memory_cli.opening import Opening
from memory_mcp import __version__, logs
from memory_mcp.config.places import fallback_log, working_directory
from memory_mcp.errors import MemoryMcpError
from memory_mcp.visible import is_utf8

_USAGE = 2
# name → module below memory_cli.commands; a noun's module holds an `app`, a single command a function of its name
_NOUNS = {
    "episode": "episode",
    "note": "note",
    "rule": "rule",
    "decision": "decision",
    "conversation": "conversation",
    "fact": "fact",
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
    "queue": "queue",
    "quarantine": "quarantine",
}
_COMMANDS = {
    "check": "judging",
    "feedback": "judging",
    "lift": "judging",
    "health": "health",
    "metrics": "metrics",
    "ledger": "ledger",
    "tools": "tools",
    "where": "where",
    "setup": "setup",
    "doctor": "doctor",
    "export": "export",
    "redact": "redact",
    "hook": "hook",
    "demo": "demo",
    "selftest": "selftest",
    "bench": "bench",
    "replay": "replay",
}


# the base class of typer's usage errors, which has no public name
_UsageError: Any = next(each for each in typer.BadParameter.__mro__ if each.__name__ == "ClickException")


class Commands(TyperGroup):
    """Imports a command when it is asked for: building all of them costs a listing a third of its time."""

    opening: Opening | None = None  # what the options of this call resolve to, once they are read

    def list_commands(self, ctx: object) -> list[str]:  # noqa: ARG002 - the signature is typer's
        """Name the commands in the order of the help."""
        return [*_NOUNS, *_COMMANDS]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 - as above
        """Build a command, or return None for a name that there is not."""
        if cmd_name not in self.commands and cmd_name in _NOUNS | _COMMANDS:
            self.commands[cmd_name] = _built(cmd_name)
        return self.commands.get(cmd_name)

    def main(self, *arguments: Any, **extra: Any) -> Any:
        """Run a command; a usage error quotes what was typed, so it is shown as all text from outside is."""
        try:
            code = super().main(*arguments, **{**extra, "standalone_mode": False})
        except _UsageError as error:
            _explain(error)
            sys.exit(error.exit_code)
        except typer.Abort:
            show.error("aborted")
            sys.exit(1)
        sys.exit(code if isinstance(code, int) else 0)


def _explain(error: Any) -> None:
    """Print the usage and what was wrong; a group without a command has already printed its help."""
    if type(error).__name__ == "NoArgsIsHelpError":
        return
    context = getattr(error, "ctx", None)
    if context is not None:
        show.note(" ".join(context.get_usage().split()))
        show.note(f"Try '{context.command_path} {context.help_option_names[0]}' for help.")
    show.error(error.format_message())


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
        show.line(f"memory-cli {__version__}")
        raise typer.Exit


@app.callback()
def options(
    context: typer.Context,
    home: Annotated[str | None, typer.Option(help="Directory of the memory.")] = None,
    project: Annotated[str | None, typer.Option(help="Name of the project; default: found from the directory.")] = None,
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
    opening = Opening(environ=dict(os.environ), directory=working_directory(), flags=flags, config_file=config_file)
    context.obj = opening
    if isinstance(context.command, Commands):
        context.command.opening = opening


def main(*, has_output: bool = True) -> None:
    """Run the command line; errors are one line on stderr and exit code 1, usage errors 2, Ctrl-C 130."""
    if not (streams.prepare() and has_output):
        _fail("the output cannot be written: stdout is closed")
    if odd := [word for word in sys.argv[1:] if not is_utf8(word)]:
        show.error(f"the argument '{odd[0]}' is not UTF-8, so it cannot be stored")
        sys.exit(_USAGE)
    command = typer.main.get_command(app)
    try:
        command(prog_name="memory-cli")
    except MemoryMcpError as error:
        _fail(str(error))
    except BrokenPipeError:
        streams.silence(sys.stdout)
        sys.exit(1)
    except Exception as error:  # noqa: BLE001 - nothing unforeseen reaches the user as a traceback
        _fail(logs.keep(error, _log_of(getattr(command, "opening", None))))


def _fail(sentence: str) -> NoReturn:
    show.error(sentence)
    sys.exit(1)


def _log_of(opening: Opening | None) -> Path:
    try:
        return opening.places().log if opening else fallback_log()
    except (MemoryMcpError, OSError, ValueError, RuntimeError):  # the settings may be the cause
        return fallback_log()


if __name__ == "__main__":
    main()
