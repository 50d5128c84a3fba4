"""This module tells this very installation's server from every other program."""

import filecmp
import shutil
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from memory_cli.clients.catalogue import SERVER, Machine
from memory_mcp.worktrees.clones import is_inside

_MODULE = "memory_mcp.server.app"
_BY_MODULE = ("-m", _MODULE)


def installed_program(name: str) -> str | None:
    """Return the path of one of our programs: beside this interpreter, or where its installation was recorded."""
    beside = shutil.which(name, path=str(Path(sys.executable).parent))
    if beside:
        return beside
    try:
        files = distribution("memory-mcp").files or []
    except PackageNotFoundError:
        return None
    places = [Path(str(each.locate())).resolve() for each in files if each.stem == name and each.suffix in {"", ".exe"}]
    return next((str(place) for place in places if place.is_file()), None)


def own_server(command: tuple[str, ...], machine: Machine) -> list[str] | None:
    """Return the command line of our own server that a registered command stands for, None for any other program.

    What is returned names our own files, so that a link which is changed meanwhile starts nothing else.
    """
    located = locate(command[0], machine) if command else None
    if located is None:
        return None
    if _is_program(Path(located), machine.clone):
        return [str(installed_program(SERVER)), *command[1:]]
    if command[1:3] == _BY_MODULE and _is_interpreter(Path(located)):
        return [sys.executable, "-P", *command[1:]]
    return None


def looks_into_projects(command: tuple[str, ...]) -> bool:
    """Whether a command takes our module from the directory it is started in, if there is one of that name."""
    return command[1:3] == _BY_MODULE


def locate(word: str, machine: Machine) -> str | None:
    """Find the program that the first word of a command names; none below the directory that it is started in."""
    if Path(word).name == word:
        return machine.found(word)
    return shutil.which(word) if Path(word).is_absolute() else None


def _is_program(located: Path, clone: Path | None) -> bool:
    """Whether this is our `memory-mcp`, a link to it or a copy; in a clone only where it was installed, and no link."""
    ours = installed_program(SERVER)
    if ours is None:
        return False
    if is_inside(located, clone) or is_inside(located.resolve(), clone):
        return located == Path(ours)
    try:
        return filecmp.cmp(located, ours, shallow=False)
    except OSError:
        return False


def _is_interpreter(located: Path) -> bool:
    """Whether this is the interpreter of our environment: those of two environments may link to the same file."""
    ours = Path(sys.executable)
    try:
        return located.parent.samefile(ours.parent) and located.samefile(ours)
    except OSError:
        return False
