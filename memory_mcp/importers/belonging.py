"""This module names the project of records whose source says a bare name and no path."""

import unicodedata
from collections.abc import Container
from itertools import count

_LONGEST = 120


def own_project(kind: str, name: str, *, existing: Container[str], made: Container[str]) -> str:
    """Name a project that belongs to an importer and a name in its source, such as `claude-mem/shop`.

    It is never one that exists for another reason: `existing` are the projects of the memory, `made` those of them
    that hold records of this importer, so that a second import finds what the first one made.
    """
    told = f"{kind}/{_shown(name)}"
    names = (told if number == 1 else f"{told} ({number})" for number in count(1))
    return next(each for each in names if each not in existing or each in made)


def _shown(name: str) -> str:
    """Return a name on one line, without control and formatting characters, and not too long."""
    kept = "".join(" " if char.isspace() else char for char in name)
    plain = " ".join("".join(char for char in kept if not unicodedata.category(char).startswith("C")).split())
    return plain[:_LONGEST].strip() or "unnamed"
