"""This module lists the declared settings one by one, for the layers, the terminal and memory-cli.toml."""

from collections.abc import Iterator
from typing import Any, get_args

from msgspec import Meta, Struct

from memory_mcp.config.settings import Settings


class Declaration(Struct, frozen=True):
    """One setting: its key (`store.home`), its annotated type and its default."""

    key: str
    type: Any
    default: Any

    @property
    def help(self) -> str:
        """Its line of help."""
        return next(part.description or "" for part in get_args(self.type) if isinstance(part, Meta))

    @property
    def variable(self) -> str:
        """The environment variable that sets it."""
        group, _, name = self.key.partition(".")
        return "MEMORY_MCP_HOME" if self.key == "store.home" else f"MEMORY_MCP_{group}_{name}".upper()


def declarations() -> Iterator[Declaration]:
    """Yield every setting in the order of its declaration."""
    defaults = Settings()
    for group in Settings.__struct_fields__:
        settings = getattr(defaults, group)
        for name, annotated in type(settings).__annotations__.items():
            yield Declaration(f"{group}.{name}", annotated, getattr(settings, name))
