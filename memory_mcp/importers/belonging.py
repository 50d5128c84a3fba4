"""This module names the project of records whose source gives a bare name instead of a path."""

import unicodedata
from collections.abc import Container
from itertools import count

_LONGEST = 120


def own_project(kind: str, name: str, *, existing: Container[str], made: Container[str]) -> str:
    """Name the project for an importer and a name in its source, such as `claude-mem/shop`.

    The name never collides with a project of other origin: `existing` are the projects of the memory, `made` those of
    them that hold records of this importer, so that a second import finds the project of the first.
    """
    plain = f"{kind}/{_shown(name)}"
    names = (plain if number == 1 else f"{plain} ({number})" for number in count(1))
    return next(each for each in names if each not in existing or each in made)


def _shown(name: str) -> str:
    """Return a name on one line, without control and formatting characters, and not too long."""
    kept = "".join(" " if char.isspace() else char for char in name)
    plain = " ".join("".join(char for char in kept if not unicodedata.category(char).startswith("C")).split())
    return plain[:_LONGEST].strip() or "unnamed"
