"""This module is `memory-cli hook`, as the help shows it; `memory_cli.entrance` runs it without loading this."""

import sys
from typing import Annotated

import typer

from memory_cli import streams
from memory_cli.opening import opening
from memory_mcp.hooks.entrance import answer


def hook(
    context: typer.Context,
    event: Annotated[
        str,
        typer.Argument(
            help="session-start, user-prompt, before-tool, after-tool, stop, before-compaction or session-end; without "
            "it the 'hook_event_name' of the JSON decides."
        ),
    ] = "",
    client: Annotated[
        str, typer.Option(help="codex, gemini, cursor or vscode, whose JSON differs; else Claude Code's is read.")
    ] = "",
) -> None:
    """Handle one event of an agent's session: JSON on stdin and stdout as its client defines its hooks.

    'memory-cli setup CLIENT --hooks' installs them. The exit code is 0 whatever happens; what went wrong stands in
    hooks/hook.log in the directory of the memory.
    """
    answer(event, opening(context).environ, sys.stdin.buffer, sys.stdout, client=client)
    streams.silence(sys.stdout)  # what could not be written is in the log
