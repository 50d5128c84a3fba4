"""This module imports pathlib and msgspec without those of their imports that a hook never uses."""

import sys
from types import ModuleType
from typing import Any

# What pathlib (until Python 3.12) and msgspec import at their tops: 9 ms of a hook's time. msgspec asks `decimal` and
# `uuid` only for types that we never use; without `typing_extensions` it takes the same functions from `typing`.
_UNUSED = (
    *("urllib.parse", "textwrap", "decimal"),
    *(f"msgspec.{name}" for name in ("inspect", "_json_schema", "toml", "yaml")),
)
_ABSENT = "typing_extensions"


class _StandIn(ModuleType):
    """Stands for a module while others are imported; each of its functions imports the real one when it is called."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)

        def call(*arguments: Any, **named: Any) -> Any:
            _take_out(self.__name__, self)  # in case a release calls it while it is imported
            __import__(self.__name__)
            return getattr(sys.modules[self.__name__], name)(*arguments, **named)

        return call


def import_lean() -> None:
    """Import pathlib and msgspec; afterwards every module can be imported as usual."""
    put: dict[str, Any] = {name: _StandIn(name) for name in _UNUSED}
    put |= {_ABSENT: None, "uuid": _uuid()}
    put = {name: module for name, module in put.items() if name not in sys.modules}
    sys.modules.update(put)
    try:
        import pathlib  # noqa: F401, PLC0415 - while the stand-ins are there

        import msgspec  # noqa: F401, PLC0415 - as above
    finally:
        for name, stand_in in put.items():
            _take_out(name, stand_in)


def _take_out(name: str, stand_in: ModuleType | None) -> None:
    """Remove a stand-in, so that whoever imports the module from now on gets the real one."""
    if sys.modules.get(name, sys) is stand_in:
        del sys.modules[name]
    package, _, own_name = name.rpartition(".")
    if package in sys.modules and vars(sys.modules[package]).get(own_name) is stand_in:
        vars(sys.modules[package]).pop(own_name, None)


def _uuid() -> ModuleType:
    """Return the types that msgspec takes from `uuid`; the real one would ask the system for its name."""
    module = ModuleType("uuid")
    vars(module).update(UUID=type("UUID", (), {}), SafeUUID=type("SafeUUID", (), {"unknown": None}))
    return module
