"""This module writes the documented settings file, memory-cli.toml."""

import msgspec
import tomli_w

from memory_mcp.config.declarations import declarations
from memory_mcp.config.settings import Settings

_HEADER = """\
# Settings of memory-mcp and memory-cli, each with its default.
# Precedence: flags, environment (the variable in brackets), this file, defaults.
# A value may hold ${VAR}; variables may also stand in a file .env beside this one.
# 'memory-cli config path' says where this file is looked for; 'memory-cli config init' writes it.
"""


def render() -> str:
    """Return memory-cli.toml: every setting commented with its help, at its default."""
    lines = [_HEADER]
    groups = {field.name: field.type.__doc__ for field in msgspec.structs.fields(Settings)}
    for group, doc in groups.items():
        lines.append(f"# {doc}\n[{group}]")
        for declaration in declarations():
            head, _, name = declaration.key.partition(".")
            if head == group:
                value = tomli_w.dumps({name: msgspec.to_builtins(declaration.default)}).strip()
                lines.append(f"# {declaration.help} [{declaration.variable}]\n{value}")
        lines.append("")
    return "\n".join(lines)
