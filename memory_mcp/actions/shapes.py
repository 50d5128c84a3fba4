"""This module says which command lines are runs of the same thing: those that would fail for the same reason."""

from collections.abc import Iterable, Sequence
from functools import lru_cache

from msgspec.structs import replace

from memory_mcp.actions.shell_arguments import condensed, shaped_words, tool_at, tool_name
from memory_mcp.actions.shell_lines import Redirection, SimpleCommand, simple_commands
from memory_mcp.actions.shell_paths import directory_after, lasting_path
from memory_mcp.actions.shell_words import names
from memory_mcp.expressions import expression

_SILENT = names(
    "cd pushd popd export set unset echo printf true : pwd sleep wait clear shopt ulimit alias trap date whoami exit"
    " return function case local declare read start-sleep write-host write-output setlocal chcp"
    " set-location sl rem"
)
_FILTERS = names(
    "head tail less more cat bat grep egrep fgrep zgrep rg sed awk gawk cut sort uniq wc tr tee column nl tac fold fmt"
    " strings jq xxd hexdump od ts findstr select-object select-string out-string out-host out-null out-file"
    " tee-object format-table format-list sort-object measure-object where-object select sls"
)
_FEEDERS = names("echo printf yes cat type get-content")
_LOOKING = names(
    "ls dir ll cat head tail less more wc find grep egrep fgrep stat file which whereis type diff cmp du"
    " df sed awk gawk cut sort uniq test [ [[ command env uname hostname nl od xxd ps mkdir get-childitem"
    " get-content select-string"
)
_LOOKING_GIT = names("status diff log show blame grep rev-parse ls-files describe")
_WRITERS = names("cat echo printf tee set-content out-file add-content")
_QUIET_VARIABLES = names(
    "PYTHONDONTWRITEBYTECODE PYTHONUNBUFFERED PYTHONIOENCODING PYTHONUTF8 PYTHONWARNINGS CI TERM NO_COLOR FORCE_COLOR"
    " CLICOLOR COLUMNS LINES LANG LC_ALL LC_CTYPE PAGER GIT_PAGER LESS MANPAGER DEBIAN_FRONTEND RUST_BACKTRACE"
    " PIP_DISABLE_PIP_VERSION_CHECK PIP_NO_INPUT GIT_TERMINAL_PROMPT PY_COLORS HISTFILE"
)
_IN_PLACE = expression(r"-[npre0]*i|--in-place|inplace")
_LONGEST = 500
_MOST = 12  # commands of a line that make its shape


@lru_cache(maxsize=2_048)
def shape(command: str, root: str = "") -> str:
    """Return what stays the same in runs of a command line that would fail for the same reason.

    Left out is what only wraps it (`timeout 60`, `bash -lc`, `cd` to the root), shows its output (`| tail`, `2>&1`,
    `-v`) or prepares (`echo`, a look around); kept is what changes what happens: directory, variables, `sudo`, which
    interpreter, arguments, the code that is fed. `root` is the work tree, whose files are named relative to it.
    """
    return condensed(" && ".join(_parts(command, root)), _LONGEST) or "?"


@lru_cache(maxsize=2_048)
def target(command: str, root: str = "") -> str:
    """Return what a command line is about, however it is started: without interpreter, variables, `sudo`, directory.

    An error of a run is over when another run of the same target no longer shows it, `PYTHONPATH=src pytest` included.
    """
    told = [each for each in telling_commands(command) if each.words][:_MOST]
    named = ((tool_name(each.words), *shaped_words(each.words[tool_at(each.words) :], root)[1:]) for each in told)
    return condensed(" && ".join(" ".join(words) for words in named), _LONGEST) or shape(command, root)


@lru_cache(maxsize=2_048)
def telling_commands(command: str) -> tuple[SimpleCommand, ...]:
    """Return the simple commands of a line that do something, without filters of their output and preparations."""
    return tuple(each for each, _ in _telling(simple_commands(command), ""))


def _parts(command: str, root: str) -> list[str]:
    read = simple_commands(command)
    told = _telling(read, root)[:_MOST]
    runs = any(not is_write(each) for each, _ in told)
    parts = [_shaped(each, directory, root, is_content_told=runs) for each, directory in told]
    if parts:
        return list(dict.fromkeys(parts))
    bare = next((each.words for each in read if each.words), None) or command.split()[:3] or ["?"]
    return [" ".join(shaped_words(bare, root))]


def _telling(read: Sequence[SimpleCommand], root: str) -> list[tuple[SimpleCommand, str]]:
    """Return the commands that tell what a line does, each with the directory that it runs in."""
    directory = ""
    exported: list[tuple[str, str]] = []
    told: list[tuple[SimpleCommand, str]] = []
    for pipeline in _pipelines(read):
        first = pipeline[0]
        if first.program.lower() in {"cd", "pushd", "set-location", "sl"} and len(pipeline) == 1:
            directory = directory_after(directory, first.words[1:], root)
        elif first.program in {"export", "set"} or not first.words:
            exported += first.assignments or _assigned(first.words[1:])
        for each in _doing(pipeline):
            variables = (*exported, *each.assignments)
            told.append((_with_variables(each, variables), directory))
    acting = [pair for pair in told if not _looks(pair[0])]
    return acting or told


def _pipelines(read: Iterable[SimpleCommand]) -> list[list[SimpleCommand]]:
    pipelines: list[list[SimpleCommand]] = []
    for each in read:
        if each.joined in {"|", "|&"} and pipelines:
            pipelines[-1].append(each)
        else:
            pipelines.append([each])
    return pipelines


def _doing(pipeline: list[SimpleCommand]) -> list[SimpleCommand]:
    """Return the commands of a pipeline but for those that feed it and those that filter what comes out."""
    head, *rest = pipeline
    kept = [each for each in rest if each.words and not _filters(each)]
    if kept and head.program.lower() in _FEEDERS:
        return [_fed_by(head, kept[0]), *kept[1:]]
    writer = next((each for each in pipeline if is_write(each)), None)
    if writer is not None and head.program.lower() in _FEEDERS:
        return [writer]
    return [head, *kept] if head.words and head.program.lower() not in _SILENT else kept


def _fed_by(feeder: SimpleCommand, command: SimpleCommand) -> SimpleCommand:
    """Give a command what is piped into it: `cat x.sql | psql` reads a file, `echo y | psql` a text."""
    if command.stdin is not None or feeder.program.lower() == "yes":
        return command
    if feeder.stdin is not None or feeder.program.lower() in {"echo", "printf"}:
        return replace(command, stdin=feeder.stdin if feeder.stdin is not None else " ".join(feeder.words[1:]))
    files = [Redirection("<", word) for word in feeder.words[1:] if not word.startswith("-")]
    return replace(command, redirections=(*command.redirections, *files))


def _filters(command: SimpleCommand) -> bool:
    return command.program.lower() in _FILTERS or command.words[1:3] == ("-m", "json.tool")


def _looks(command: SimpleCommand) -> bool:
    """Whether a command only looks at something, or makes a directory."""
    name = command.program.lower()
    if name == "git":
        return bool(_LOOKING_GIT & set(command.words[1:4]))
    if name in {"sed", "awk", "gawk"}:
        return not changes_in_place(command) and not is_write(command)
    return name in _LOOKING and not is_write(command)


def changes_in_place(command: SimpleCommand) -> bool:
    """Whether a command is `sed -i` or the like."""
    return command.program in {"sed", "gsed", "perl", "ruby", "awk", "gawk"} and any(
        _IN_PLACE.match(word) for word in command.words[1:]
    )


def is_write(command: SimpleCommand) -> bool:
    """Whether a command puts a text that it is given into a file."""
    if command.program == "tee":
        return any(not word.startswith("-") for word in command.words[1:])
    return bool(command.written) and command.program.lower() in _WRITERS


def _assigned(words: Sequence[str]) -> list[tuple[str, str]]:
    return [(name, value) for name, equals, value in (word.partition("=") for word in words) if equals]


def _with_variables(command: SimpleCommand, variables: Sequence[tuple[str, str]]) -> SimpleCommand:
    kept = {name: value for name, value in variables if name.upper() not in _QUIET_VARIABLES}
    return replace(command, assignments=tuple(sorted(kept.items())))


def _shaped(command: SimpleCommand, directory: str, root: str, *, is_content_told: bool) -> str:
    if is_write(command):
        names = command.written or tuple(word for word in command.words[1:] if not word.startswith("-"))
        files = " ".join(lasting_path(name, root) for name in names)
        content = f" {condensed(command.stdin)}" if command.stdin and is_content_told else ""
        return _placed(f"write {files}{content}", directory)
    variables = [f"{name}={condensed(lasting_path(value, root))}" for name, value in command.assignments]
    fed = [f"< {condensed(command.stdin)}"] if command.stdin else []
    fed += [f"< {lasting_path(each.target, root)}" for each in command.redirections if each.operator == "<"]
    sudo = ["sudo"] if any(each.split(" ", 1)[0] == "sudo" for each in command.wrappers) else []
    return _placed(" ".join((*variables, *sudo, *shaped_words(command.words, root), *fed)), directory)


def _placed(text: str, directory: str) -> str:
    return f"in {directory}: {text}" if directory else text
