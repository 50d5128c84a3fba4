"""This module tells the user's own programs and files from those in a repository."""

import os
import shutil
from pathlib import Path


def clone_around(directory: Path, home: Path) -> Path | None:
    """Return the outermost repository around a directory, or the directory itself if there is none.

    A repository that contains the user's home is the user's own; if there is no other, the answer is None.
    """
    here, own = Path(os.path.realpath(directory)), Path(os.path.realpath(home))
    around = [place for place in (here, *here.parents) if not own.is_relative_to(place)]
    return next((place for place in reversed(around) if _has_git(place)), here if around else None)


def parts_inside(path: Path, clone: Path | None) -> tuple[str, ...] | None:
    """Return the parts of a path below a clone, or None for a path outside; the user's own link into it is outside.

    Directories are compared by identity, so other letter case, or a link above the clone, leads inside too.
    """
    if clone is None:
        return None
    plain = Path(os.path.abspath(path))  # noqa: PTH100 - follows no links
    for place in (plain, *plain.parents):
        if place == clone or _is_same(place, clone):
            return plain.relative_to(place).parts
    return None


def is_inside(path: Path, clone: Path | None) -> bool:
    """Whether a path leads into a clone, other than by the user's own link."""
    return parts_inside(path, clone) is not None


def own_path(path: str, clone: Path | None) -> str:
    """Return the user's own part of PATH: absolute directories outside the clone."""
    places = [place for place in path.split(os.pathsep) if Path(place).is_absolute()]
    return os.pathsep.join(place for place in places if not is_inside(Path(os.path.realpath(place)), clone))


def own_program(name: str, path: str, clone: Path | None) -> str | None:
    """Find a program on the user's own part of PATH."""
    found = shutil.which(name, path=own_path(path, clone))
    return found if found and Path(found).is_absolute() else None  # Windows looks in the working directory first


def _is_same(place: Path, clone: Path) -> bool:
    try:
        return os.path.samestat(place.lstat(), clone.lstat())
    except OSError:
        return False


def _has_git(place: Path) -> bool:
    return os.path.lexists(place / ".git")
