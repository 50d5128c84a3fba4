"""This module says what a command depends on beside its own text: its tool, and the modules its code imports."""

import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence

from memory_mcp.actions.shapes import is_write, telling_commands
from memory_mcp.actions.shell_arguments import is_interpreter, shaped_words, tool_at
from memory_mcp.actions.shell_lines import SimpleCommand
from memory_mcp.actions.shell_paths import normal_path
from memory_mcp.actions.shell_words import names
from memory_mcp.actions.signatures import signature, telling_line
from memory_mcp.expressions import expression
from memory_mcp.models.episodes import Step

_NO_TOOLS = names("sed awk perl cp mv rm ln git touch chmod mkdir pip pip3 uv poetry conda apt apt-get npm patch for")
_TOP_IMPORT = expression(r"^(?:from|import)[ \t]+([A-Za-z_]\w*)", re.MULTILINE)
_ANY_IMPORT = expression(r"(?:^|[;\n])\s*(?:from|import)[ \t]+([A-Za-z_]\w*)")
_REPLACED = ("sys.modules", "mock", "Mock", "importlib.util")  # code that gets round what is missing
_IMPORTING = expression(r'File "[^"\n]*", line \d+, in <module>\n\s+(?:from|import)\s+([A-Za-z_]\w*)')
_MISSING = expression(r"No module named|command not found|is not recognized as|Cannot find (?:module|package)")
_NAMED_MISSING = expression(r"No module named '?([\w.]+)|([\w.-]+): (?:command )?not found")
_BROKEN = expression(r"ImportError|cannot import name")
_FRAME = expression(r'^\s*File "', re.MULTILINE)
_INNER_FRAMES = 2  # an import that fails in the script's own line is the script's own mistake
_WRITES = expression(r"open\([^)\n]*['\"][wa]\+?['\"]|write_text|\.write\(|shutil\.(?:copy|move)|os\.(?:remove|rename)")
_INSTALLS = expression(
    r"\b(?:pip[\d.]*|conda|mamba|apt|apt-get|brew|uv|poetry|npm|yarn|pnpm|bundle|cargo|go|setup\.py)\b[^\n|;&]*"
    r"\b(?:install|develop|add|sync|ci|build_ext|get)\b"
)
_LONGEST_CODE = 20_000
_MOST_IMPORTS = 8


def subjects(command: str, scripts: Mapping[str, str]) -> tuple[str, ...]:
    """Return the tools that a command starts and the modules that its code imports, each with its interpreter.

    `scripts` holds the code of the files that were written before in the same session.
    """
    found: dict[str, None] = {}
    known = dict(scripts)
    for each in telling_commands(command):
        if is_write(each):
            known |= {normal_path(name): each.stdin or "" for name in each.written}
        elif each.words:
            found |= dict.fromkeys(_subjects(each, known))
    return tuple(found)


def scripts_written(command: str) -> dict[str, str]:
    """Return the files that a command writes, with what it writes into them."""
    writes = [each for each in telling_commands(command) if is_write(each)]
    return {normal_path(name): (each.stdin or "")[:_LONGEST_CODE] for each in writes for name in each.written}


def installs(command: str) -> bool:
    """Whether a command installs something."""
    return _INSTALLS.search(command[:_LONGEST_CODE]) is not None


def edits_by_code(command: str, scripts: Mapping[str, str]) -> bool:
    """Whether a command runs code that writes files."""
    return any(_WRITES.search(_code(each, scripts)) for each in telling_commands(command) if each.words)


def environmental(step: Step) -> str | None:
    """Return the signature of an error that says what the environment lacks, not what the code does wrong."""
    message = getattr(step.result, "message", "")
    line = telling_line(message) if message else ""
    if _MISSING.search(line):
        return signature(message)
    if _BROKEN.search(line) and len(_FRAME.findall(message)) >= _INNER_FRAMES:
        return signature(message)
    return None


def lacks(error: str) -> str | None:
    """Return the name of the module or program that an error says is missing."""
    found = _NAMED_MISSING.search(error)
    return plain_name((found[1] or found[2]).split(".")[0]) if found else None


def plain_name(text: str) -> str:
    """Return a name as packages and modules share it: in small letters, with `-`."""
    return text.replace("_", "-").lower()


def blamed(about: Iterable[str], message: str) -> tuple[str, ...]:
    """Return of what a run depends on that which an error of the environment is about; none where it is unclear."""
    given = tuple(about)
    if found := _IMPORTING.search(message):
        named = tuple(each for each in given if each.endswith(f" {found[1]}") and each.startswith("import:"))
        if named:
            return named
    tools = tuple(each for each in given if each.startswith("tool:"))
    return tools or (given if len(given) == 1 else ())


def _subjects(command: SimpleCommand, scripts: Mapping[str, str]) -> Iterator[str]:
    words = command.words
    at = tool_at(words)
    if at or not is_interpreter(command.program):
        if command.program not in _NO_TOOLS:
            yield f"tool: {' '.join(_started(words[: at + 1]))}"
        return
    code = _code(command, scripts)
    if any(each in code for each in _REPLACED):
        return
    imports = (_ANY_IMPORT if "-c" in words[1:4] else _TOP_IMPORT).findall(code)
    for module in list(dict.fromkeys(imports))[:_MOST_IMPORTS]:
        if module not in sys.stdlib_module_names:
            yield f"import: {' '.join(_started(words[:1]))} {module}"


def _started(words: Sequence[str]) -> list[str]:
    """Return how something is started; `python` and `python3` of the path are one, an interpreter's path is kept."""
    shaped = shaped_words(words)
    return ["python" if is_interpreter(shaped[0]) else shaped[0], *shaped[1:]]


def _code(command: SimpleCommand, scripts: Mapping[str, str]) -> str:
    """Return the code that an interpreter is given: after `-c`, by a here-document, or in a file that is known."""
    words = command.words
    if "-c" in words[1:4]:
        return " ".join(words[words.index("-c") + 1 :][:1])[:_LONGEST_CODE]
    if command.stdin is not None:
        return command.stdin[:_LONGEST_CODE]
    script = next((word for word in words[1:] if not word.startswith("-")), "")
    return scripts.get(normal_path(script), "")[:_LONGEST_CODE]
