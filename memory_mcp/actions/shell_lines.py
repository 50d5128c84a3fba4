"""This module reads a shell text into the simple commands that it runs, without what only wraps them."""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from msgspec import Struct
from msgspec.structs import replace

from memory_mcp.actions.shell_words import Token, names, tokens
from memory_mcp.expressions import expression

_LONGEST = 100_000  # characters of a text that are read
_MOST = 200  # simple commands of a text
_MOST_WRAPPERS = 10
_DEEPEST = 4  # shells that run a text that runs a shell

_AGENT_EDIT = expression(r"\s*(?:edit|insert|create|append|submit)\b(?! *[|;&])")  # commands of SWE-agent
_ASSIGNMENT = expression(r"([A-Za-z_]\w*)\+?=(.*)", re.DOTALL)
_POWERSHELL_ASSIGNMENT = expression(r"\$env:(\w+)=?(.*)", re.DOTALL | re.IGNORECASE)
_DURATION = expression(r"\d+(?:\.\d+)?[smhd]?|\$\{?\w+\}?")
_SHELLS = names("bash sh zsh dash ksh ash")
_WINDOWS_SHELLS = {"cmd": ("/c", "/k"), "powershell": ("-command", "-c"), "pwsh": ("-command", "-c")}
_OPENING = names("if then elif else while until do ! {")
_BLOCKS = names("if for while until case select")
_BLOCK_ENDS = names("fi done esac")
_JOINING = frozenset(("&&", "||", "|", "|&", "&"))
_CLOSING = names("fi done esac }")
_KEYWORDS = _OPENING | _CLOSING | _BLOCKS
# what runs another command, and which of its options take a value
_WRAPPERS: dict[str, frozenset[str]] = {
    "timeout": frozenset(("-k", "-s", "--kill-after", "--signal")),
    "gtimeout": frozenset(("-k", "-s", "--kill-after", "--signal")),
    "time": frozenset(("-f", "-o")),
    "nohup": frozenset(),
    "env": frozenset(("-u", "-C", "--unset", "--chdir")),
    "sudo": frozenset(("-u", "-g", "-h", "-p", "-C", "-D", "--user", "--group")),
    "nice": frozenset(("-n",)),
    "ionice": frozenset(("-c", "-n", "-p")),
    "stdbuf": frozenset(("-i", "-o", "-e")),
    "xvfb-run": frozenset(("-s", "-n", "-e", "-f", "-p", "-w")),
    "command": frozenset(),
    "exec": frozenset(("-a",)),
    "builtin": frozenset(),
    "caffeinate": frozenset(("-t", "-w")),
    "setsid": frozenset(),
    "unbuffer": frozenset(),
}
_DURATION_FIRST = frozenset(("timeout", "gtimeout"))


class Redirection(Struct, frozen=True):
    """Where a stream goes or comes from: `2>&1`, `> out.txt`; of a here-document `target` is its delimiter."""

    operator: str
    target: str


class SimpleCommand(Struct, frozen=True):
    """A program with its arguments, without quotes.

    `joined` is the operator between it and the command before ("" for the first, `;` for a new line too);
    `assignments` are the variables set for it, `wrappers` what it runs under (`timeout`, `sudo`, `bash`), `stdin` the
    text that a here-document or here-string feeds it. `nested` is true inside if, for, while and case and after `!`,
    `in_background` where the line goes on without it.
    """

    words: tuple[str, ...]
    joined: str = ""
    assignments: tuple[tuple[str, str], ...] = ()
    wrappers: tuple[str, ...] = ()
    redirections: tuple[Redirection, ...] = ()
    stdin: str | None = None
    nested: bool = False
    in_background: bool = False

    @property
    def program(self) -> str:
        """The name of the program, without directory and Windows ending; empty for a bare assignment."""
        return program_name(self.words[0]) if self.words else ""

    @property
    def written(self) -> tuple[str, ...]:
        """The files that its output is redirected into."""
        return tuple(
            each.target
            for each in self.redirections
            if ">" in each.operator
            and not each.operator.endswith(">&")
            and not each.target.startswith(("/dev/", "&"))
            and each.target.lower() not in {"nul", "$null"}
        )


@lru_cache(maxsize=1_024)
def program_name(word: str) -> str:
    """Return the name of a program without its directory and Windows ending."""
    name = word.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1] or word
    stem, dot, ending = name.rpartition(".")
    return stem if dot and stem and ending.lower() in {"exe", "cmd", "bat"} else name


@lru_cache(maxsize=256)
def simple_commands(text: str) -> tuple[SimpleCommand, ...]:
    """Read a text, whatever it is, into the simple commands that it runs; those inside `bash -c '…'` included."""
    if _AGENT_EDIT.match(text):
        text = text.partition("\n")[0]  # what follows is the new text, not commands
    return tuple(_read(text[:_LONGEST], 0))


def _read(text: str, depth: int) -> list[SimpleCommand]:
    commands: list[SimpleCommand] = []
    blocks = 0  # if, for, while and case that are open
    for each in _fed(_split(tokens(text))):
        opened, is_denied = _blocks_opened(each.words)
        blocks += opened
        commands += unwrapped(replace(each, nested=True) if blocks > 0 or is_denied else each, depth)
        if len(commands) >= _MOST:
            break
    return commands[:_MOST]


def _blocks_opened(words: Sequence[str]) -> tuple[int, bool]:
    """Return how many blocks the keywords before a command open, less those that they close; whether `!` is there."""
    opened, is_denied = 0, False
    for word in words:
        if word not in _KEYWORDS:
            break
        opened += (word in _BLOCKS) - (word in _BLOCK_ENDS)
        is_denied = is_denied or word == "!"
    return opened, is_denied


def _split(cut: list[Token]) -> list[SimpleCommand]:
    """Return the commands between operators, with their redirections and here-documents."""
    commands: list[SimpleCommand] = []
    words: list[str] = []
    redirections: list[Redirection] = []
    unfed: list[int] = []  # the commands whose here-documents come after their line
    joined, operator, last = "", "", ""
    for token in (*cut, Token("operator", ";")):
        if token.kind == "redirection":
            operator = token.text
        elif token.kind == "word" and operator:
            redirections.append(Redirection(operator, token.text))
            unfed += [len(commands)] * _is_here_document(operator)
            operator = ""
        elif token.kind == "word":
            words.append(token.text)
        elif token.kind == "body":
            if unfed and (at := unfed.pop(0)) < len(commands):
                commands[at] = replace(commands[at], stdin=token.text)
        else:
            if words or redirections:
                commands.append(SimpleCommand(tuple(words), joined, redirections=tuple(redirections)))
                words, redirections, joined = [], [], ";"
            if token.text == "&" and commands and last not in {";", "\n", ""}:
                commands[-1] = replace(commands[-1], in_background=True)
            if token.text in _JOINING:
                joined = token.text
            operator = ""
        last = token.text if token.kind == "operator" else "word"
    return commands


def _fed(commands: list[SimpleCommand]) -> Iterator[SimpleCommand]:
    """Give a command the here-document that is piped into it: `cat <<EOF | bash`; `tee` only writes what it gets."""
    before = None
    for each in commands:
        piped = before.stdin if before and before.words == ("cat",) and each.joined == "|" else None
        before = each
        yield each if piped is None or each.stdin is not None or each.program == "tee" else replace(each, stdin=piped)


def _is_here_document(operator: str) -> bool:
    return operator.lstrip("0123456789") in {"<<", "<<-"}


def unwrapped(command: SimpleCommand, depth: int) -> list[SimpleCommand]:
    """Take keywords, assignments and wrappers off; a shell that runs a text gives way to what the text runs.

    `depth` counts the shells that it already runs in.
    """
    at, assignments, wrappers = _prefixes(command.words)
    words = command.words[at:]
    if words and words[0] in _CLOSING:
        words = words[1:]
    bare = replace(
        command,
        words=words,
        assignments=(*command.assignments, *assignments),
        wrappers=(*command.wrappers, *wrappers),
        stdin=_here_string(command) if command.stdin is None else command.stdin,
    )
    if not words and not bare.assignments and not bare.redirections:
        return []
    inner = _inner_text(bare) if depth < _DEEPEST else None
    return [bare] if inner is None else _inside(bare, _read(inner, depth + 1))


def _prefixes(words: tuple[str, ...]) -> tuple[int, list[tuple[str, str]], list[str]]:
    """Return where the program stands, the variables set before it, and what it runs under."""
    at = 0
    assignments: list[tuple[str, str]] = []
    wrappers: list[str] = []
    while at < len(words) and words[at] in _OPENING:
        at += 1
    while at < len(words) and len(wrappers) < _MOST_WRAPPERS:
        if found := _ASSIGNMENT.fullmatch(words[at]):
            assignments.append((found[1], found[2]))
            at += 1
        elif found := _POWERSHELL_ASSIGNMENT.fullmatch(words[at]):
            has_spaces = words[at + 1 : at + 2] == ("=",)  # $env:NAME = "value"
            assignments.append((found[1], " ".join(words[at + 2 : at + 3]) if has_spaces else found[2]))
            at += 3 if has_spaces else 1
        elif wrapped := _wrapped(words[at:]):
            wrappers.append(" ".join(words[at : at + wrapped]))
            at += wrapped
        else:
            break
    return at, assignments, wrappers


def _wrapped(words: tuple[str, ...]) -> int:
    """Return how many words belong to the wrapper in front of a command, 0 if there is none."""
    name = program_name(words[0])
    takes_value = _WRAPPERS.get(name)
    if takes_value is None or len(words) == 1:
        return 0
    at = 1
    while at < len(words) and words[at].startswith("-"):
        if name == "command" and words[at] in {"-v", "-V"}:
            return 0  # which only looks where a program is
        at += 2 if words[at] in takes_value else 1
    if name in _DURATION_FIRST and at < len(words) and _DURATION.fullmatch(words[at]):
        at += 1
    return at if at < len(words) else 0


def _here_string(command: SimpleCommand) -> str | None:
    return next((each.target for each in command.redirections if each.operator == "<<<"), None)


def _inner_text(command: SimpleCommand) -> str | None:
    """Return the text that a shell is told to run, if that is what the command does."""
    name = command.program.lower()
    if name == "eval":
        return " ".join(command.words[1:])
    if name in _SHELLS:
        return _text_of_shell(command)
    if flags := _WINDOWS_SHELLS.get(name):
        at = next((at for at, word in enumerate(command.words) if at and word.lower() in flags), 0)
        return " ".join(command.words[at + 1 :]) if at else None
    return None


def _text_of_shell(command: SimpleCommand) -> str | None:
    """Return what follows `-c`, or what a here-document feeds a shell that is given no file."""
    for at, word in enumerate(command.words[1:], 1):
        if not word.startswith("-"):
            return None
        if not word.startswith("--") and "c" in word[1:]:
            return command.words[at + 1] if at + 1 < len(command.words) else None
    return command.stdin


def _inside(shell: SimpleCommand, inner: list[SimpleCommand]) -> list[SimpleCommand]:
    """Give what a shell runs the shell's own place in the line: what comes before it, its variables, its output."""
    wrapped = [
        replace(
            each,
            assignments=(*shell.assignments, *each.assignments),
            wrappers=(*shell.wrappers, shell.program, *each.wrappers),
            nested=shell.nested or each.nested,
        )
        for each in inner
    ]
    if wrapped:
        wrapped[0] = replace(wrapped[0], joined=shell.joined)
        redirections = (*wrapped[-1].redirections, *shell.redirections)
        in_background = shell.in_background or wrapped[-1].in_background
        wrapped[-1] = replace(wrapped[-1], redirections=redirections, in_background=in_background)
    return wrapped
