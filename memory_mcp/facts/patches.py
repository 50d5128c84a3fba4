"""This module follows patches through an episode: which files each holds, and whether applying it changed them."""

import re
from collections.abc import Iterable, Sequence

from memory_mcp.actions.shell_lines import SimpleCommand
from memory_mcp.expressions import expression

_PATCHED = expression(
    r"^(?:\+\+\+ b/|\*\*\* (?:Update|Add|Delete) File: |\+\+\+ |diff --git a/\S+ b/)([^\s]+)", re.MULTILINE
)
_TOLD = expression(r"^patching file '?([^\s']+)'?", re.MULTILINE)
_UNDONE = expression(
    r"malformed patch|Only garbage was found|can't find file to patch|Skipping patch|No such file or directory"
    r"|(?P<failed>\d+) out of (?P=failed) hunks? (?:FAILED|ignored)",
)
_REFUSED = expression(r"^error: |^fatal: ", re.MULTILINE)


class Patches:
    """The patches that an episode wrote or saved so far, by the bare names of their files."""

    def __init__(self) -> None:
        self._files: dict[str, tuple[str, ...]] = {}

    def keep(self, name: str, text: str) -> None:
        """Remember a patch that was written."""
        if files := _files_in(text):
            self._files[_bare(name)] = files

    def save(self, name: str, files: Iterable[str]) -> None:
        """Remember a difference that was saved: of these files."""
        self._files[_bare(name)] = tuple(files)

    def applied(self, command: SimpleCommand, output: str, *, failed: bool) -> tuple[tuple[str, ...], bool]:
        """Return the files that a patch changed, as they stand in it, and whether it was taken back."""
        words = command.words
        is_back = any(word in {"-R", "--reverse"} for word in words)
        if any(word in {"--dry-run", "--check", "--stat", "--numstat"} for word in words):
            return (), is_back
        if command.program == "patch" and (told := _TOLD.findall(output)):
            parts = _TOLD.split(output)[1:]
            after = dict(zip(parts[::2], parts[1::2], strict=True))
            return tuple(file for file in dict.fromkeys(told) if not _UNDONE.search(after[file])), is_back
        if failed or _REFUSED.search(output) or _UNDONE.search(output):
            return (), is_back
        if command.stdin is not None:
            return _files_in(command.stdin), is_back
        inputs = [each.target for each in command.redirections if each.operator == "<"]
        inputs += [word for word in words[1:] if not word.startswith("-")]
        known = [file for each in inputs for file in self._files.get(_bare(each), ())]
        if not known and command.program == "apply_patch":
            known = list(_files_in("\n".join(words[1:])))
        return tuple(dict.fromkeys(known)), is_back


def is_patching(command: SimpleCommand) -> bool:
    """Whether a command applies a patch."""
    return command.program in {"patch", "apply_patch"} or (
        command.program == "git" and any(word in {"apply", "am"} for word in command.words[1:3])
    )


def _files_in(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(path for path in _PATCHED.findall(text) if path != "/dev/null"))


def _bare(name: str) -> str:
    return name.rsplit("/", 1)[-1]


def paths_of(words: Sequence[str]) -> list[str]:
    """Return the words of a git command that are paths rather than options or commits."""
    plain = [word for word in words if not word.startswith("-")]
    if "--" in words:
        return [word for word in words[words.index("--") + 1 :] if not word.startswith("-")]
    return [word for word in plain if "/" in word or "." in word]
