"""Write docs/tools.md, docs/cli.md and README's settings from the live product; `--check` compares instead.

python docs/generate.py [--check]
"""

import sys
from pathlib import Path
from typing import Any

import typer.main

from memory_cli.app import app
from memory_mcp.config.declarations import declarations
from memory_mcp.server.prompts import INSTRUCTIONS, list_prompts
from memory_mcp.server.schemas import input_schema
from memory_mcp.server.tools.catalogue import TOOLS

DOCS = Path(__file__).parent
START, END = "<!-- settings -->", "<!-- end of settings -->"


def main() -> None:
    """Write or check."""
    readme = DOCS.parent / "README.md"
    before, _, rest = readme.read_text(encoding="utf-8").partition(START)
    _, _, after = rest.partition(END)
    pages = {
        DOCS / "tools.md": tools_page(),
        DOCS / "cli.md": cli_page(),
        readme: f"{before}{START}{settings_table()}{END}{after}",
    }
    for path, text in pages.items():
        if "--check" in sys.argv:
            if not path.is_file() or path.read_text(encoding="utf-8") != text:
                sys.exit(f"{path} is out of date; run 'python docs/generate.py'")
        else:
            path.write_text(text, encoding="utf-8")


def settings_table() -> str:
    """Return one row per setting."""
    rows = [f"| `{each.key}` | `{shown(each.default)}` | {each.help} |" for each in declarations()]
    return "\n".join(["", "| setting | default | meaning |", "| --- | --- | --- |", *rows, ""])


def shown(value: object) -> str:
    """Show a default as the settings file writes it."""
    return "[]" if value == () else f'"{value}"' if isinstance(value, str) else str(value)


def tools_page() -> str:
    """Describe every tool as a client is told."""
    lines = ["# Tools", "", "Made from the live server by `docs/generate.py`.", ""]
    for tool in TOOLS.values():
        toolset = tool.toolset
        needs = [] if toolset == "default" else [f"Comes with `--toolsets {toolset}`.", ""]
        lines += [f"## {tool.name}", "", f"{tool.title}. {tool.description}", "", *needs]
        schema = input_schema(tool.arguments)
        required, properties = schema.get("required", []), schema.get("properties", {})
        if properties:
            lines += ["| argument | type | needed | meaning |", "| --- | --- | --- | --- |"]
            for name, inner in properties.items():
                needed = "yes" if name in required else ""
                lines.append(f"| {name} | {kind(inner)} | {needed} | {inner.get('description', '')} |")
            lines.append("")
    lines += ["# Resources", "", "`memory://health` and `memory://episodes/{id}`.", "", "# Prompts", ""]
    lines += [f"- `{prompt['name']}`: {prompt['description']}" for prompt in list_prompts()]
    lines += ["", "# Instructions", "", "```text", INSTRUCTIONS.rstrip(), "```", ""]
    return "\n".join(lines)


def kind(schema: dict[str, Any]) -> str:
    """Name a schema's type in a word or two."""
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {kind(schema['items'])}"
    bounds = [f"≥ {schema['minimum']}"] if "minimum" in schema else []
    bounds += [f"≤ {schema['maximum']}"] if "maximum" in schema else []
    return " ".join((str(schema.get("type", "any")), *bounds))


def cli_page() -> str:
    """Describe every command with its options."""
    lines = ["# memory-cli", "", "Made from the live command line by `docs/generate.py`.", ""]
    command = typer.main.get_command(app)
    lines += describe(command, "memory-cli")
    return "\n".join(lines)


def describe(command: Any, path: str) -> list[str]:
    """Describe one command and what is below it."""
    lines = [f"## {path}", "", (command.help or "").split("\f")[0].strip(), ""]
    rows = [parameter for parameter in command.params if parameter.name != "help"]
    if rows:
        lines += ["| option | meaning |", "| --- | --- |"]
        for parameter in rows:
            names = ", ".join(f"`{name}`" for name in (*parameter.opts, *parameter.secondary_opts))
            shown = (
                f"`{parameter.name.upper()}`" if parameter.param_type_name == "argument" and parameter.name else names
            )
            lines.append(f"| {shown} | {getattr(parameter, 'help', None) or ''} |")
        lines.append("")
    if hasattr(command, "list_commands"):
        for name in command.list_commands(None):
            lines += describe(command.get_command(None, name), f"{path} {name}")
    return lines


if __name__ == "__main__":
    main()
