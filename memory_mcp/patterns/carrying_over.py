"""This module tells what holds for other tasks too in what one episode did: the project's commands, true pitfalls."""

from collections.abc import Sequence

from msgspec import Struct

from memory_mcp.actions.shapes import telling_commands
from memory_mcp.actions.steps import Action, command_of, verdict_of
from memory_mcp.actions.verdicts import is_check
from memory_mcp.expressions import expression
from memory_mcp.models.episodes import Step

_SELECTING = {"-k", "-t", "-run", "--grep", "--filter", "-g", "--run", "--test", "-m"}
_LOOKERS = {"cat", "ls", "print", "echo", "head", "tail", "sed", "awk", "grep", "find", "wc", "rm", "cp", "mv", "git"}
_CODE_FILE = expression(r"^[\w./@+-]*\w\.[a-z]{1,4}$")
_OWN_SCRIPT = expression(r"\bpython[\d.]* (?:\./)?[\w-]+\.py\b|\bnode (?:\./)?[\w-]+\.m?js\b")  # beside the sources
_WITHOUT_CHECK = {"setup.py", "manage.py", "runtests.py", "package.json"}
_ERROR = expression(
    r"(?:\w(?:Error|Exception)\b|\b(?:error|fatal|panic|denied|refused|unrecognized|invalid|cannot|can't|conflict)\b"
    r"|\bERR!|\bE\d{3,4}\b|No such )"
)
_NO_REASON = expression(
    r"deselected|not found: |0 selected|[Nn]o tests ran|test session starts|Warning\b|collected \d+ item"
    r"|error occurred while executing the command|timed out|TimeoutExpired|No module named|^exit code"
)


class Asked(Struct, frozen=True):
    """The task that a playbook is wanted for, and the files that it is likely to be about."""

    text: str
    files: Sequence[str] = ()


def is_general(action: Action, text: str, task: Asked) -> bool:
    """Whether what another task's episode did can be done for this one as well.

    Its test ids, selections, edits by script and files are its own, unless this task names them or is about them.
    """
    if action.kind == "finish":
        return " -m " not in text  # the message of a commit is that task's
    commands = telling_commands(text) if action.kind != "edit" or text.startswith(("sed ", "perl ", "python")) else []
    if action.kind == "edit":
        return not commands and bool(action.files) and all(_concerns(file, task) for file in action.files)
    if not commands or all(command.program in _LOOKERS for command in commands):
        return False
    words = [word for command in commands for word in command.words[1:]]
    for before, word in zip(["", *words], words, strict=False):
        is_selection = "::" in word or before in _SELECTING - {"-m"} or (before == "-m" and " " in word)
        if is_selection and word not in task.text:
            return False
        if not is_selection and _CODE_FILE.match(word) and not _concerns(word, task):
            return False
    return True


def _concerns(word: str, task: Asked) -> bool:
    """Whether a path is one that the task is about, or names, or that belongs to the project as a whole."""
    name = word.rsplit("/", 1)[-1]
    if name in _WITHOUT_CHECK or word in task.text or "." not in name:
        return True
    bare = name.split(".")[0]
    stem = bare.removeprefix("test_").removeprefix("unittest_").removesuffix("_test")
    files = task.files[:1] if stem != bare else task.files  # the tests of a file that is only likely are no step
    return any(file == word or file.rsplit("/", 1)[-1].split(".")[0] == stem for file in files)


def warns(action: Action, step: Step, error: str) -> bool:
    """Whether a failure warns others: a command of the project's that ended in a real error.

    A look around that found nothing, a red test, a choice of tests, a script of the episode's own, and what was missing
    or took too long warn of nothing, or are facts.
    """
    if action.kind in {"read", "search"} or not _ERROR.search(error) or _NO_REASON.search(error):
        return False
    verdict = verdict_of(step)
    if verdict is not None and verdict.state == "red":
        return False  # a test that fails is what the work is about
    command = command_of(step)
    if command is None:
        return True
    if "<<" in command or " -c " in command or _OWN_SCRIPT.search(command):
        return False
    words = [word for each in telling_commands(command) for word in each.words[1:]]
    chooses = any("::" in word or word in _SELECTING - {"-m"} for word in words)
    return not (is_check(command) and chooses)
