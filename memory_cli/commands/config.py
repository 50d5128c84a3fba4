"""This module is `memory-cli config`."""

import os
from typing import Annotated

import msgspec
import typer

from memory_cli import show
from memory_cli.opening import opening
from memory_mcp.config.declarations import declarations
from memory_mcp.config.places import settings_path
from memory_mcp.config.template import render
from memory_mcp.errors import ConfigError

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Settings, and where each value comes from.")
_SECRET = "embeddings.api_key"  # noqa: S105 - the name of the setting, not its value


@app.command("show")
def show_(context: typer.Context, json: show.Json = False) -> None:
    """Show every setting with its value and where that comes from."""
    resolved = opening(context).resolved()
    values = msgspec.to_builtins(resolved.settings)
    rows = []
    for declaration in declarations():
        group, _, name = declaration.key.partition(".")
        value = values[group][name]
        shown = "(set, not shown)" if declaration.key == _SECRET and value else value
        rows.append(
            {
                "key": declaration.key,
                "value": shown,
                "origin": resolved.origins[declaration.key],
                "help": declaration.help,
            }
        )
    if json:
        show.as_json(rows)
    else:
        show.table(
            f"Settings ({resolved.path})",
            ("key", "value", "from", "help"),
            ((row["key"], row["value"], row["origin"], row["help"]) for row in rows),
        )


@app.command()
def init(
    context: typer.Context,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
) -> None:
    """Write the settings file with every setting at its default."""
    place = opening(context)
    path = place.config_file or settings_path(place.environ)
    try:
        if path.exists() and not force:
            raise ConfigError(f"{path} is there already; --force replaces it")
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_NONBLOCK", 0), 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(render())
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}") from error
    show.line(f"wrote {path}")


@app.command()
def validate(context: typer.Context) -> None:
    """Check the settings of every layer; exit code 1 names what does not fit."""
    resolved = opening(context).resolved()
    changed = [key for key, origin in resolved.origins.items() if origin != "default"]
    show.line(f"valid; {len(changed)} settings differ from their defaults{': ' if changed else ''}{', '.join(changed)}")


@app.command()
def path(context: typer.Context) -> None:
    """Print where the settings file is looked for."""
    place = opening(context)
    show.line(str(place.config_file or settings_path(place.environ)))
