"""This module makes regular expressions that are compiled when they are first used."""

import re
from typing import Any, AnyStr, cast

_METHODS = ("search", "match", "fullmatch", "findall", "finditer", "sub", "subn", "split")


class _Expression:
    """Stands for a compiled expression until somebody asks something of it."""

    def __init__(self, text: str | bytes, flags: int) -> None:
        self._made: tuple[Any, int] = (text, flags)

    def __getattr__(self, name: str) -> Any:
        if name not in _METHODS:
            raise AttributeError(name)
        compiled = re.compile(*self._made)
        self.__dict__.update({each: getattr(compiled, each) for each in _METHODS})
        return self.__dict__[name]


def expression(text: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
    """Return an expression; a hook imports sixty and uses ten of them: compiling the others took it 8 ms."""
    return cast("re.Pattern[AnyStr]", _Expression(text, flags))
