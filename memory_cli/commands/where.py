"""This module is `memory-cli where`."""

import msgspec
import typer

from memory_cli import show
from memory_cli.opening import opening
from memory_mcp.errors import StoreError


def where(context: typer.Context, json: show.Json = False) -> None:
    """Print every path in use and the project of this directory."""
    place = opening(context)
    paths = {name: str(value) for name, value in msgspec.structs.asdict(place.places()).items()}
    try:
        project = place.project()
    except StoreError:  # 'doctor' says what is wrong; the user needs the paths to mend it
        project = None
    found = {"project": project, **paths}
    if json:
        show.as_json(found)
        return
    for name, value in found.items():
        show.line(f"{name:<9}{value or 'unknown: the store cannot be read'}")
