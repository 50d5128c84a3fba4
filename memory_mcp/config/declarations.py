"""This module lists the declared settings one by one, for the layers, the terminal and memory-cli.toml."""

from collections.abc import Iterator
from typing import Any, get_args, get_type_hints

import msgspec
from msgspec import Meta, Struct

from memory_mcp.config.settings import Settings


class Declaration(Struct, frozen=True):
    """One setting: its key (`store.home`), its annotated type, its default and its line of help."""

    key: str
    type: Any
    default: Any
    help: str

    @property
    def variable(self) -> str:
        """The environment variable that sets it."""
        group, _, name = self.key.partition(".")
        return "MEMORY_MCP_HOME" if self.key == "store.home" else f"MEMORY_MCP_{group}_{name}".upper()


def declarations() -> Iterator[Declaration]:
    """Yield every setting in the order of its declaration."""
    for group in msgspec.structs.fields(Settings):
        hints = get_type_hints(group.type, include_extras=True)
        for field in msgspec.structs.fields(group.type):
            annotated = hints[field.name]
            meta = next(part for part in get_args(annotated) if isinstance(part, Meta))
            yield Declaration(
                key=f"{group.name}.{field.name}",
                type=annotated,
                default=field.default,
                help=meta.description or "",
            )
