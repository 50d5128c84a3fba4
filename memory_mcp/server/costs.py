"""This module counts what each tool costs, for the terminal, which starts it as a process of its own."""

import sys
from collections.abc import Sequence

import msgspec

from memory_mcp.errors import ConfigError
from memory_mcp.models.tool_costs import ToolCost
from memory_mcp.server.schemas import input_schema
from memory_mcp.server.tools.catalogue import TOOLS, Tool, offered
from memory_mcp.tokens import tokens


def main() -> None:
    """Print the costs as JSON; the arguments are the toolsets that are offered beside the default one."""
    try:
        found = costs(sys.argv[1:])
    except ConfigError as error:
        sys.exit(str(error))
    sys.stdout.buffer.write(msgspec.json.encode(found))


def costs(toolsets: Sequence[str]) -> list[ToolCost]:
    """Return every tool with its cost.

    Raises:
        ConfigError: there is no such toolset.

    """
    served = offered(toolsets)
    return [
        ToolCost(name, tool.toolset, name in served, tokens(_told(tool)), tool.description)
        for name, tool in TOOLS.items()
    ]


def _told(tool: Tool) -> str:
    told = (tool.name, tool.title, tool.description, input_schema(tool.arguments))
    return msgspec.json.encode(told).decode()


if __name__ == "__main__":
    main()
