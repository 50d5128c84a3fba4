"""This module finds the files of the frames in the tracebacks that a task quotes."""

from memory_mcp.expressions import expression

_PLACE = expression(
    r"^[ \t>]{0,20}(?:File \"?([^\"\n,:]{1,300}\.pyx?)\"?(?:, line |:)\d|([^\s:\"'(]{1,300}\.pyx?):\d{1,7}: )"
)
_INSTALLED = ("site-packages/", "dist-packages/")
_LIBRARY = ("/lib/python", "/pyenv/")
_LONGEST = 500


def frames(task: str) -> list[str]:
    """Return the files of the frames that a task quotes, the one that was entered last first."""
    places = [_PLACE.match(line[:_LONGEST]) for line in task.replace("\\", "/").split("\n")]
    return [place[1] or place[2] for place in reversed(places) if place]


def inside(path: str) -> tuple[str, bool]:
    """Return a path from where packages are installed on, and whether it lies there; empty for Python's own files."""
    for place in _INSTALLED:
        if place in path:
            return path.rpartition(place)[2], True
    return ("", False) if any(part in path for part in _LIBRARY) else (path, False)
