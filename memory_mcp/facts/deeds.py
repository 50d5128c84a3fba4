"""This module prepares a step for the survey: the commands that it ran, where, and what came out."""

from collections.abc import Iterator, Sequence

from msgspec import Struct

from memory_mcp.actions.cures import NEW, OLD
from memory_mcp.actions.shell_lines import SimpleCommand, simple_commands
from memory_mcp.actions.steps import action_of, command_of
from memory_mcp.models.episodes import Step, StepError, StepSuccess, StepTimeout

_LONGEST_OUTPUT = 20_000
_LOOKS = {"view", "undo_edit"}  # of an editing tool
_WHOLE = ("content", "file_text")  # under which tools take the text of a file


class Deed(Struct, frozen=True):
    """A step as the survey sees it: `commands` without the `cd` in front, which is in `directory`.

    `edited` are the files that an editing tool changed, `replaced` the texts that it put for others, `content` the text
    of a file that it wrote; `named` are the files that a record names beside a command. `failed` is what was recorded,
    which a pipe may hide.
    """

    commands: tuple[SimpleCommand, ...] = ()
    directory: str = ""
    output: str = ""
    failed: bool = False
    timed_out: bool = False
    edited: tuple[str, ...] = ()
    text: str = ""
    replaced: tuple[tuple[str, str], ...] = ()
    content: str = ""
    named: tuple[str, ...] = ()


def deeds_of(steps: Sequence[Step]) -> list[Deed]:
    """Prepare the steps of an episode."""
    return [_deed(step) for step in steps]


def _deed(step: Step) -> Deed:
    output = _output(step)[-_LONGEST_OUTPUT:]
    text = command_of(step)
    timed_out = isinstance(step.result, StepTimeout) or "timed out after" in output[:600].lower()
    if text is None:
        action = action_of(step)
        is_view = step.parameters.get("command") in _LOOKS
        edited = action.files if action.kind == "edit" and not step.failed and not is_view else ()
        replaced = tuple(_replaced(step)) if edited else ()
        content = next((text for key in _WHOLE if isinstance(text := step.parameters.get(key), str)), "")
        return Deed((), "", output, step.failed, timed_out, edited, step.action, replaced, content)
    commands, directory = _without_changing_directory(simple_commands(text))
    file = step.parameters.get("file")
    named = (file,) if isinstance(file, str) else ()
    return Deed(tuple(commands), directory, output, step.failed, timed_out, text=text, named=named)


def _replaced(step: Step) -> Iterator[tuple[str, str]]:
    old, new = (next((step.parameters[key] for key in keys if key in step.parameters), None) for keys in (OLD, NEW))
    if isinstance(old, str) and isinstance(new, str):
        yield old[:_LONGEST_OUTPUT], new[:_LONGEST_OUTPUT]


def _without_changing_directory(commands: Sequence[SimpleCommand]) -> tuple[list[SimpleCommand], str]:
    """Take the leading changes of directory off, and return where they lead."""
    directory = ""
    kept: list[SimpleCommand] = []
    for command in commands:
        if command.program in {"cd", "pushd"} and len(command.words) > 1 and not kept:
            target = command.words[1]
            directory = target if target.startswith(("/", "~")) or not directory else f"{directory}/{target}"
        else:
            kept.append(command)
    return kept, directory.rstrip("/")


def _output(step: Step) -> str:
    match step.result:
        case StepSuccess(output):
            return output
        case StepError(message) | StepTimeout(message):
            return message
        case None:
            return ""
