"""This module collects the names that an episode looked for in a module of the project that does not hold them."""

from memory_mcp.expressions import expression
from memory_mcp.facts.deeds import Deed
from memory_mcp.facts.paths import relative

_CANNOT = expression(r"ImportError: cannot import name '(\w{3,60})' from '([\w.]{3,100})' \((/[^\s)]{3,200})\)")
_MOST = 12


class WrongImports:
    """The imports that failed so far although their module is there."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._seen: dict[tuple[str, str], None] = {}

    def look(self, deed: Deed) -> None:
        """Take one step in."""
        for name, module, place in _CANNOT.findall(deed.output):
            if relative(place, self._root):
                self._seen[name, module] = None

    def seen(self) -> tuple[tuple[str, str], ...]:
        """Return the names, each with the module that does not hold it."""
        return tuple(self._seen)[:_MOST]
