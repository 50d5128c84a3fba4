"""This module is the entrance `memory-cli`: global options, the commands, and one line on stderr for every error."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from memory_cli.commands import (
    config,
    demo,
    episode,
    handoff,
    health,
    imports,
    judging,
    metrics,
    model,
    note,
    pattern,
    playbook,
    relationship,
    tag,
    where,
)
from memory_cli.opening import Opening
from memory_mcp import __version__
from memory_mcp.errors import MemoryMcpError

app = typer.Typer(
    name="memory-cli",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    help="The memory of coding agents, in a terminal: episodes, notes, patterns and recall from one local file.",
)
app.add_typer(episode.app, name="episode")
app.add_typer(note.app, name="note")
app.add_typer(pattern.app, name="pattern")
app.add_typer(playbook.app, name="playbook")
app.command("feedback")(judging.feedback)
app.command("lift")(judging.lift)
app.command("check")(judging.check)
app.add_typer(handoff.app, name="handoff")
app.add_typer(relationship.app, name="relationship")
app.add_typer(tag.app, name="tag")
app.add_typer(imports.app, name="import")
app.add_typer(model.app, name="model")
app.add_typer(config.app, name="config")
app.command("health")(health.health)
app.command("metrics")(metrics.metrics)
app.command("where")(where.where)
app.command("demo")(demo.demo)


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
