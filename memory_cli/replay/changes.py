"""This module tells which files of the project a run changed and left changed at its end."""

import re
from collections.abc import Sequence

from memory_mcp.actions.commands import file_named
from memory_mcp.actions.steps import action_of
from memory_mcp.models.episodes import Step, StepSuccess

_DIFF_LINE = re.compile(
    r"^\+\+\+ b/([^\t\r\n]{1,500})|^diff --git a/\S{1,500} b/(\S{1,500})|^ ?M {1,2}(\S{1,500})$", re.MULTILINE
)
_DIFF_COMMAND = re.compile(r"\bgit (?:-\S+ )?diff\b([^\n|;&>]*)")
_REVERT = re.compile(r"\bgit (?:checkout|restore)\b([^\n|;&>]*)")
_REVERT_ALL = re.compile(
    r"\bgit (?:checkout|restore)(?: HEAD)?(?: --)? \.(?=\s|$)|\bgit (?:reset --hard|stash(?! (?:pop|list|show|apply)))"
)
_REMOVED = re.compile(r"(?:^|[;&\n(]\s*)rm (?:-\w+ )*([^\n|;&>]*)")
_SED = re.compile(r"\bsed (?:-\w+ )*(?:-i\S*|--in-place\S*)((?: (?:'[^']*'|\"(?:\\.|[^\"])*\"|[^\s|;&<>]+))+)")
_REDIRECTED = re.compile(r"(?<![<>\d&-])>{1,2} ?([^\s|;&<>()'\"]{1,500})")
_TEE = re.compile(r"\btee (?:-a )?([^\s|;&<>()]{1,500})")
_COPIED = re.compile(r"(?:^|[;&\n]\s*)(?:cp|mv) (?:-\w+ )*[^\s|;&<>]+ ([^\s|;&<>]+)")
_OPENED = re.compile(r"\bopen\(\s*r?f?(['\"])([^'\"\n]{1,500})\1\s*,\s*(?:mode=)?['\"][wa]")
_OPENED_NAME = re.compile(r"\bopen\(\s*([A-Za-z_]\w*)\s*,\s*(?:mode=)?['\"][wa]")
_WRITTEN_PATH = re.compile(r"\bPath\(\s*(['\"])([^'\"\n]{1,500})\1\s*\)\.write_")
_NAMED = re.compile(
    r"[\w./-]{0,400}/[\w./-]{1,400}\.[A-Za-z]{1,5}\b|\b[\w-]{1,200}\.(?:py|js|ts|go|rs|java|rb|c|h|rst|md|cfg|toml|ya?ml)\b"
)
_PLACES = ("/testbed/", "./")  # where benchmarks of agents put the project
_ELSEWHERE = ("/dev/", "/tmp/", "-", "//")  # noqa: S108 - names that commands hold; nothing is opened
_LAST = 12  # steps before the end in which a diff tells what was handed in
_WORD = re.compile(r"'[^']*'|\"(?:\\.|[^\"])*\"|\S+")


class _Ledger:
    """What a run has done to files so far, in the order of their first change."""

    def __init__(self) -> None:
        self.changed: dict[str, None] = {}
        self.created: set[str] = set()

    def change(self, names: Sequence[str], seen: str, *, creates: bool) -> None:
        """Note changed files; one that is written before anything has named it is new."""
        for name in names:
            file = plain(name)
            if file is None:
                continue
            if creates and file not in self.changed and file.rsplit("/", 1)[-1] not in seen:
                self.created.add(file)
            self.changed[file] = None

    def revert(self, names: Sequence[str]) -> None:
        """Note files that are as they were before, or gone."""
        for name in names:
            file = plain(name)
            for each in [known for known in self.changed if file is not None and is_same(known, file)]:
                del self.changed[each]


def files_kept(task: str, steps: Sequence[Step]) -> tuple[str, ...]:
    """Return the files that were there before, that the run changed, and that are still changed at its end.

    A diff near the end is the best witness; without one, it is what was edited and not taken back.
    """
    ledger = _Ledger()
    seen = task
    for step in steps:
        _follow(ledger, step, seen)
        output = step.result.output if isinstance(step.result, StepSuccess) else getattr(step.result, "message", "")
        seen = f"{seen}\n{step.action}\n{output}"
    witnessed = _handed_in(steps)
    kept = [file for file in witnessed or ledger.changed if file not in ledger.created]
    return tuple(dict.fromkeys(kept))


def _follow(ledger: _Ledger, step: Step, seen: str) -> None:
    """Add what one step did; what it takes back counts before what it writes."""
    text = step.action
    if _REVERT_ALL.search(text):
        ledger.changed.clear()
    for found in (*_REVERT.finditer(text), *_REMOVED.finditer(text)):
        ledger.revert(found[1].split())
    action = action_of(step)
    named = step.parameters.get("file") or step.parameters.get("path")
    if action.kind == "edit" and isinstance(named, str) and not step.failed:
        ledger.change([named], seen, creates=action.token in {"write", "create"})
    sed = [word for found in _SED.finditer(text) for word in _WORD.findall(found[1])[-1:]]
    ledger.change(sed, seen, creates=False)
    ledger.change(_written(text), seen, creates=True)


def _written(text: str) -> list[str]:
    """Return the files that a command writes by redirection, copying, or a script in it."""
    names = [found[1] for pattern in (_REDIRECTED, _TEE, _COPIED) for found in pattern.finditer(text)]
    names += [found[2] for pattern in (_OPENED, _WRITTEN_PATH) for found in pattern.finditer(text)]
    for variable in {found[1] for found in _OPENED_NAME.finditer(text)}:
        names += re.findall(rf"\b{variable}\s*=\s*r?['\"]([^'\"\n]{{1,500}})['\"]", text)
    return names


def _handed_in(steps: Sequence[Step]) -> tuple[str, ...]:
    """Return the files of the last diff that a run looked at or wrote down near its end."""
    for step in reversed(steps[-_LAST:]):
        named = [word for found in _DIFF_COMMAND.finditer(step.action) for word in found[1].split()]
        if _DIFF_COMMAND.search(step.action) or "git status" in step.action:
            output = step.result.output if isinstance(step.result, StepSuccess) else ""
            shown = [part for found in _DIFF_LINE.findall(output) for part in found if part]
            files = tuple(dict.fromkeys(file for word in (*named, *shown) if (file := plain(word)) is not None))
            if files and "--no-index" not in step.action:
                return files
    return ()


def plain(name: str) -> str | None:
    """Return a file's path as the project knows it, or None for what is no file of it."""
    file = name.strip("'\"`,;()")
    for place in _PLACES:
        file = file.removeprefix(place)
    if file.startswith(_ELSEWHERE) or file_named(file) is None:
        return None
    return file


def files_in(text: str) -> tuple[str, ...]:
    """Return the files that a text names, each once."""
    return tuple(dict.fromkeys(file for name in _NAMED.findall(text) if (file := plain(name)) is not None))


def is_same(one: str, other: str) -> bool:
    """Whether two paths name one file, where one of them may be told from further up."""
    return one == other or one.endswith(f"/{other}") or other.endswith(f"/{one}")
