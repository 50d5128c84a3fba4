"""This module says what a row of the tables of runners holds: how a tool is called, what its output means."""

import re
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Literal

from msgspec import Struct

from memory_mcp.expressions import expression

CheckKind = Literal["test", "build", "typecheck", "lint"]
State = Literal["green", "red", "did_not_run", "unknown"]

OWN_SCRIPT = "script"  # the runner of what somebody wrote for a task: no proof of it, no command of the project
_LINE = 300  # characters of a line, on each side of what was looked for
_LAST = 4_000  # characters that a last line may have; a warning that became an error is long
_MOST_LINES = 2_000  # lines with one text that are looked at, from the end
_PROMPT = expression(r"\n\(Open file: [^\n]*\)\n\(Current directory: [^\n]*\)\nbash-\$\s*\Z")
_COLOUR = expression(r"\x1b\[[0-9;?]*[A-Za-z]")


class Said(Struct, frozen=True):
    """What a line of an output says."""

    state: State
    line: str


class Mark(Struct, frozen=True):
    """A line with the text `needle`, in which `pattern` is found where there is one, says `state`."""

    state: State
    needle: str
    pattern: re.Pattern[str] | None = None


class Output:
    """An output without colours, of which lines with a text are found without reading the others."""

    def __init__(self, text: str) -> None:
        self.text = _COLOUR.sub("", text).replace("\r\n", "\n").replace("\r", "\n")

    def lines_with(self, needle: str) -> Iterator[str]:
        """Yield lines that hold a text, the last one first; of a very long line the part around the text."""
        end = len(self.text)
        for _ in range(_MOST_LINES):
            at = self.text.rfind(needle, 0, end)
            if at < 0:
                return
            begin = self.text.rfind("\n", max(0, at - _LINE), at) + 1 or max(0, at - _LINE)
            stop = self.text.find("\n", at, at + len(needle) + _LINE)
            yield self.text[begin : stop if stop >= 0 else at + len(needle) + _LINE]
            end = max(begin, 0) if begin < at else at

    def last_line(self) -> str:
        """Return the last line that is not empty, without the prompt that SWE-agent puts below."""
        return _PROMPT.sub("", self.text[-_LAST:]).rstrip().rsplit("\n", 1)[-1].strip()


class Runner(Struct, frozen=True):
    """A tool that checks: `commands` as they are typed once carriers are taken off, `marks` as it prints them.

    In a command `..` stands for any words and a last `*` for any ending. `gathers` is true where a run prints several
    verdicts, of which a filter may have hidden a red one; `carries` where it runs other runners. With one of the
    options `idle` it checks nothing; without `exits` its exit code alone says nothing. `read` finds what marks cannot
    say, `concludes` counts where nothing else speaks.
    """

    name: str
    kind: CheckKind
    commands: tuple[str, ...]
    marks: tuple[Mark, ...] = ()
    concludes: tuple[Mark, ...] = ()
    idle: tuple[str, ...] = ()
    exits: bool = True
    gathers: bool = False
    carries: bool = False
    read: Callable[[Output], list[Said]] | None = None


def rows(state: State, *telling: str | tuple[str, str]) -> tuple[Mark, ...]:
    """Return marks of one state: texts, or pairs of a text and the pattern of its line."""
    return tuple(
        Mark(state, row) if isinstance(row, str) else Mark(state, row[0], expression(row[1])) for row in telling
    )


def said_by(runner: Runner, output: Output) -> list[Said]:
    """Return what the lines of an output say; where a runner sums up, the sum alone counts."""
    said = list(runner.read(output)) if runner.read else []
    return said or _marked(runner.marks, output) or _marked(runner.concludes, output)


def _marked(marks: tuple[Mark, ...], output: Output) -> list[Said]:
    said: list[Said] = []
    for mark in marks:
        telling = (line for line in output.lines_with(mark.needle) if not mark.pattern or mark.pattern.search(line))
        said += [Said(mark.state, line.strip()) for line in islice(telling, 1)]
    return said
