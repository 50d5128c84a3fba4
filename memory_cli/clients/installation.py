"""This module recognises the server of this installation among other programs."""

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

    It names our own files, so a link that changes meanwhile cannot start anything else.
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
    """Whether a command would import a module of our name from the directory it is started in."""
    return command[1:3] == _BY_MODULE


def locate(word: str, machine: Machine) -> str | None:
    """Find the program that the first word of a command names, ignoring the directory that it is started in."""
    if Path(word).name == word:
        return machine.found(word)
    return shutil.which(word) if Path(word).is_absolute() else None


def _is_program(located: Path, clone: Path | None) -> bool:
    """Whether this is our `memory-mcp`, a link to it or a copy; in a clone only the installed file itself counts."""
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
    """Whether this is our environment's interpreter; two environments may link to the same file."""
    ours = Path(sys.executable)
    try:
        return located.parent.samefile(ours.parent) and located.samefile(ours)
    except OSError:
        return False
