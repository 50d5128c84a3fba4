"""This module reads the command line of `memory-mcp`."""

from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from msgspec import Struct


class Given(Struct, frozen=True):
    """What the command line says."""

    flags: dict[str, str] = {}
    config: Path | None = None


def given_by(words: Sequence[str]) -> Given:
    """Read the words; `--help`, `--version` and errors end the process."""
    return _parsed(words) if words else Given()


def _parsed(words: Sequence[str]) -> Given:
    import argparse  # noqa: PLC0415 - 6 ms of a start, and most servers are started without arguments

    from memory_mcp import __version__  # noqa: PLC0415 - as above
    from memory_mcp.visible import visible_line  # noqa: PLC0415 - as above

    class Parser(argparse.ArgumentParser):
        """Escapes typed text that could drive a terminal in its errors."""

        def error(self, message: str) -> NoReturn:
            super().error(visible_line(message))

    parser = Parser(
        prog="memory-mcp",
        description="The memory of coding agents, as an MCP server on stdin and stdout. Register it with "
        "'claude mcp add memory-mcp -- memory-mcp'; 'memory-cli' is the same memory in a terminal.",
    )
    parser.add_argument("--home", help="directory of the memory (default: the platform's data directory)")
    parser.add_argument("--project", help="name of the project (default: found from the directory)")
    parser.add_argument("--toolsets", metavar="NAMES", help="further tools: records,learning,tags,relationships or all")
    parser.add_argument("--config", type=Path, help="settings file instead of the usual place")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="any setting; repeatable")
    parser.add_argument("--version", action="version", version=f"memory-mcp {__version__}")
    given = parser.parse_args(words)
    flags = dict(pair.partition("=")[::2] for pair in given.set)
    named = {"store.home": given.home, "project.name": given.project, "server.toolsets": given.toolsets}
    return Given(flags | {key: value for key, value in named.items() if value}, given.config)
