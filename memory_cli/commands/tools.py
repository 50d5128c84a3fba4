"""This module is `memory-cli tools`."""

import subprocess
import sys

import msgspec
import typer

from memory_cli import show
from memory_cli.opening import opening
from memory_mcp.errors import MemoryMcpError
from memory_mcp.models.tool_costs import ToolCost

_LIMIT_S = 60


def tools(context: typer.Context, json: show.Json = False) -> None:
    """Show which tools the server offers, what each costs an agent in tokens, and which toolset adds what."""
    chosen = opening(context).resolved().settings.server.toolsets
    costs = _asked(chosen)
    by_toolset: dict[str, list[ToolCost]] = {}
    for each in sorted(costs, key=lambda cost: cost.toolset != "default"):
        by_toolset.setdefault(each.toolset, []).append(each)
    sums = {name: sum(each.tokens for each in rows) for name, rows in by_toolset.items()}
    served = [each for each in costs if each.is_offered]
    total = sum(each.tokens for each in served)
    if json:
        show.as_json({"toolsets": ["default", *chosen], "tokens": total, "by_toolset": sums, "tools": costs})
        return
    for name, rows in by_toolset.items():
        state = "offered" if all(each.is_offered for each in rows) else f"added by --toolsets {name}"
        title = f"{name}: {len(rows)} tools, {sums[name]} tokens, {state}"
        show.table(
            title, ("tool", "tokens", "when"), ((each.name, str(each.tokens), each.description) for each in rows)
        )
    show.line(f"offered: {len(served)} tools, about {total} tokens; 'memory-mcp --toolsets NAMES' adds others")


def _asked(toolsets: tuple[str, ...]) -> list[ToolCost]:
    """Ask the server's own catalogue, in a process of its own as the terminal never loads the server."""
    command = [sys.executable, "-P", "-m", "memory_mcp.server.costs", *toolsets]
    done = subprocess.run(command, capture_output=True, timeout=_LIMIT_S, check=False)  # noqa: S603 - our own module
    if done.returncode:
        last = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:]
        raise MemoryMcpError(f"the tools could not be listed: {last[0] if last else 'no reason was given'}")
    return msgspec.json.decode(done.stdout, type=list[ToolCost])
