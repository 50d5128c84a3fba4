"""This module turns a recorded step, whatever client recorded it, into an action that can be compared."""

from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from memory_mcp.actions.commands import KIND_OF, Kind, file_named, parse_command
from memory_mcp.actions.shell_paths import normal_path
from memory_mcp.actions.signatures import TIMED_OUT, signature
from memory_mcp.actions.verdicts import Verdict, is_check, read_verdict
from memory_mcp.expressions import expression
from memory_mcp.models.episodes import Step, StepError, StepSuccess, StepTimeout

_SHELLS = {"bash", "shell", "sh", "zsh", "terminal", "exec", "run", "run_command", "execute", "powershell", "cmd"}
_SHELLS |= {"local_shell", "run_terminal_cmd", "execute_command", "bashoutput", "run_shell_command", "run_in_terminal"}
_ALIASES = {
    "multiedit": "edit", "str_replace_editor": "edit", "str_replace_based_edit_tool": "edit", "notebookedit": "edit",
    "apply_patch": "edit", "patch": "edit", "edit_file": "edit", "search_replace": "edit", "str_replace": "edit",
    "write_file": "write", "create_file": "write", "create": "write", "read_file": "read", "view": "read",
    "open": "read", "cat": "read", "grep": "search", "glob": "search", "find_file": "search", "search_file": "search",
    "search_dir": "search", "codebase_search": "search", "list": "read", "ls": "read", "replace": "edit",
    "replace_string_in_file": "edit", "multi_replace_string_in_file": "edit", "insert_edit_into_file": "edit",
    "grep_search": "search", "file_search": "search", "semantic_search": "search", "list_directory": "read",
}  # fmt: skip
_COMMAND_KEYS = ("command", "cmd", "script")
_FILE_KEYS = ("file", "path", "file_path", "filename", "notebook_path", "target_file", "files", "paths")
_WORD = expression(r"[A-Za-z_][\w-]*")
_IDENTIFIER = expression(r"\b(?:[A-Za-z]+_\w+|[a-z]+[A-Z]\w+|[A-Z][a-z]+[A-Z]\w*|\w+\(\))")
_LONGEST_TEXT = 200
_MOST_FILES = 3
_BARE_WORDS = 2  # as in `git change`, where the file is the rest of the sentence
_SEARCHED = 4_000  # characters of a step in which identifiers are looked for
_MOST_IDENTIFIERS = 50


class Action(Struct, frozen=True):
    """What a step did: `token` is its normalised tool and verb, `shape` and `target` what it is a run of."""

    token: str
    kind: Kind
    shape: str
    target: str
    files: tuple[str, ...]
    text: str

    @property
    def changes(self) -> bool:
        """Whether it changes something, so that it may be what mended an error."""
        return self.kind in {"edit", "install", "finish"}


def action_of(step: Step, root: str = "") -> Action:
    """Normalise a step; `root` is the work tree, to which its files are relative."""
    tool = step.tool.strip().lower()
    named = tuple(dict.fromkeys(normal_path(file, root) for file in _files(step.parameters)))
    command = command_of(step)
    if command is not None:
        parsed = parse_command(command, root)
        token = _ALIASES.get(parsed.verb, parsed.verb)
        files = tuple(dict.fromkeys((*named, *parsed.files)))
        return Action(token, _kind(command, parsed.kind), parsed.shape, parsed.target, files, _text(command, named))
    token = _ALIASES.get(tool, tool)
    action = step.action.strip()
    if token not in KIND_OF and _WORD.fullmatch(action) and action.lower() != tool:
        token = f"{token} {action.lower()}"
    kind = KIND_OF.get(token, KIND_OF.get(token.split(" ")[-1], KIND_OF.get(tool, "other")))
    files = named or tuple(file for word in action.split()[:20] if (file := file_named(word)))
    shape = f"{token} {' '.join(files)}" if files else f"{token} {action.splitlines()[0] if action else ''}"[:200]
    named_tool = action.lower().startswith(tool) or tool in _SHELLS
    shown = action if named_tool else f"{step.tool} {action}" if " " not in action else f"{step.tool}: {action}"
    return Action(token, kind, shape.strip(), shape.strip(), files, _text(shown, files))


def signature_of(step: Step) -> str | None:
    """Return the signature of a failed step's error, None for a step that is not known to have failed."""
    match step.result:
        case StepError(message):
            return signature(message) or f"{action_of(step).token} failed without a message"
        case StepTimeout(message):
            return signature(message) or TIMED_OUT
    return None


def identifiers_of(step: Step) -> frozenset[str]:
    """Return the names in a step's action and arguments that look like code: snake_case, camelCase, calls."""
    texts = [step.action, *_texts(step.parameters)]
    found = _IDENTIFIER.findall(" ".join(texts)[:_SEARCHED])
    return frozenset(name.removesuffix("()") for name in found[:_MOST_IDENTIFIERS])


def command_of(step: Step) -> str | None:
    """Return the command line that a step ran, None for a tool that runs none."""
    tool = step.tool.strip().lower()
    for key in _COMMAND_KEYS:
        value = step.parameters.get(key)
        if (
            isinstance(value, str)
            and value.strip()
            and (tool in _SHELLS or (key == "command" and tool not in _ALIASES))
        ):
            return value
    if tool in _SHELLS:
        return step.action
    first = step.action.split(maxsplit=1)[:1]
    return step.action if first == [step.tool] and len(step.action) > len(step.tool) else None


def verdict_of(step: Step) -> Verdict | None:
    """Return how the check that a step ran went, None for a step that checked nothing or is not known to have ended."""
    command = command_of(step)
    match step.result:
        case StepSuccess(text):
            code = 0
        case StepError(text):
            code = 1
        case _:
            return None
    found = read_verdict(command, text, code) if command else None
    return found if found and found.kind else None


def _kind(command: str, parsed: Kind) -> Kind:
    """Return the kind of a command: what names a tool that checks is a check, and nothing else is."""
    checked = is_check(command)
    if checked == "typecheck":
        return "lint"
    return checked or ("probe" if parsed in {"test", "build", "lint"} else parsed)


def _files(parameters: dict[str, Any]) -> Iterator[str]:
    for key in _FILE_KEYS:
        value = parameters.get(key)
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, str) and each.strip():
                yield each.strip().removeprefix("./")


def _texts(parameters: dict[str, Any]) -> Iterator[str]:
    for value in parameters.values():
        if isinstance(value, str):
            yield value[:_SEARCHED]


def _text(command: str, files: tuple[str, ...]) -> str:
    """Return an action on one line, with the files that it acts on where it does not name them."""
    line = " ".join(command.strip().split())
    shown = line if len(line) <= _LONGEST_TEXT else f"{line[: _LONGEST_TEXT - 1]}…"
    missing = ", ".join(file for file in files[:_MOST_FILES] if file not in line)
    if not missing:
        return shown
    return f"{shown} {missing}" if len(line.split()) <= _BARE_WORDS else f"{shown} [{missing}]"
