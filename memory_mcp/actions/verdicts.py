"""This module decides from a command and its output whether a check passed, failed or did not run at all."""

from collections.abc import Sequence
from functools import lru_cache

from msgspec import Struct

from memory_mcp.actions.programs import PREPARING, Program, plain_name, programs
from memory_mcp.actions.runners import OWN_SCRIPT, CheckKind, Output, Runner, Said, State, said_by
from memory_mcp.expressions import expression

_ANY = "*"  # in place of the first word, where that one has an asterisk
_STRENGTH: tuple[CheckKind, ...] = ("test", "build", "typecheck", "lint")
_TELLING: tuple[State, ...] = ("red", "green", "did_not_run")  # what one run says, by what outweighs what
_WEAKEST: tuple[State, ...] = ("red", "did_not_run", "unknown", "green")  # what several runs come to
_PYTHONS = {"python", "pypy", "py", "ipython"}
_INTERPRETERS = {"python", "pypy", "py", "php", "ruby", "node", "perl", "bash", "sh", "zsh"}
_ASIDE = {"-c", "-e", "--test"}  # with which an interpreter runs no script
_WITH_VALUE = {"-W", "-X", "-r", "-l", "--check"}
_OWN_SCRIPTS = {"bin/test", "bin/doctest"}  # what `test` is without its folder is another program
_VALUED = {"-C", "-f", "-W", "-X", "-w", "-F", "--prefix", "--cwd", "--workspace", "--filter", "--dir", "--directory"}
_PREPARING = PREPARING | {"mkdir", "which", "cat"}
_FILTERS = {"grep", "egrep", "rg", "ag", "head", "sed", "awk", "cut", "sort", "uniq", "wc", "select-string", "findstr"}
_TESTING = ("test", "check", "verif", "valid")  # as names of scripts say it
_SAYS_NOTHING = {124, 129, 130, 137, 141, 143}  # ended from outside: a timeout, a signal, a closed pipe
_ABSENT = {126, 127}
_NOT_FOUND = expression(
    r"^(?:\S*/)?(?:bash|sh|zsh|dash|env|timeout|xargs|nohup|sudo|exec|python[\d.]*|pypy\d*|node|cd)\b[^:]*: .*"
    r"(?:not found|No such file or directory|can't open file|failed to run command|Permission denied"
    r"|Cannot find module)"
    r"|^\S+: (?:command not found|not found)$|is not recognized as an internal or external command"
    r"|^(?:error: )?Failed to spawn: |^Command not found: |executable file not found|No such container"
    r"|^Error response from daemon|^Cannot connect to the Docker daemon|^env: .*No such file"
)
_NOT_FOUND_WORDS = (
    "not found", "No such file or directory", "can't open file", "failed to run command", "Permission denied",
    "Cannot find module", "is not recognized as", "Failed to spawn", "No such container", "Error response from daemon",
    "Cannot connect to the Docker daemon",
)  # fmt: skip
# group 1: pytest's mark of an error; group 2: an error of loading a test rather than of running it
_LAST_ERROR = expression(
    r"^(E +)?(?:\w+\.)*(?:(Import|ModuleNotFound|Syntax|Indentation|Tab)|\w*)(?:Error|Exception|Warning)\b: ?"
)


class Verdict(Struct, frozen=True):
    """How a check went, as the output shows; `line` is the line that says so, `runner` the tool that printed it."""

    state: State
    runner: str | None = None
    line: str = ""
    kind: CheckKind | None = None


class Check(Struct, frozen=True):
    """A run of a tool that checks, as a command line names it."""

    runner: Runner
    at: int


def is_check(command: str) -> CheckKind | None:
    """Return the kind of the strongest check that a command runs: a test before a build before types before lint."""
    kinds = {check.runner.kind for check in _read_command(command)[1]}
    return next((kind for kind in _STRENGTH if kind in kinds), None)


def read_verdict(command: str, output: str, exit_code: int | None) -> Verdict:
    """Return how the strongest check of a command went; unknown where the output does not show it."""
    chain, checks = _read_command(command)
    kind = is_check(command)
    if kind is None:
        return _of_script(chain, output) or _of_own_script(chain, Output(output), exit_code)
    read = Output(output)
    chosen = [check for check in checks if check.runner.kind == kind]
    by_runner: dict[str, list[Check]] = {}
    for check in chosen:
        by_runner.setdefault(check.runner.name, []).append(check)
    verdicts = [_of_runner(group, chain, read, exit_code) for group in by_runner.values()]
    return min(verdicts, key=lambda verdict: _WEAKEST.index(verdict.state))


@lru_cache(maxsize=1_024)
def _read_command(command: str) -> tuple[tuple[Program, ...], tuple[Check, ...]]:
    chain = programs(command)
    return chain, tuple(Check(runner, at) for at, program in enumerate(chain) if (runner := _runner_of(program)))


def _runner_of(program: Program) -> Runner | None:
    if (written := _written_in(program)) is not None:
        return written
    words = _normal(program)
    rows = _rows_by_program()
    possible = (*rows.get(words[0], ()), *(row for row in rows[_ANY] if _is_like(row[1][0], words[0])))
    plain = _positional(words) if possible else []
    for _, pattern, runner in sorted(possible, key=lambda row: row[0]):
        if _is_called(pattern, plain, words):
            is_idle = any(word in runner.idle or word.split("=")[0] in runner.idle for word in words[1:])
            return None if is_idle else runner
    return None


def _written_in(program: Program) -> Runner | None:
    """Return the runner that a Python text calls, given with -c or in a here-document."""
    if program.name not in _PYTHONS:
        return None
    at = program.words.index("-c") + 1 if "-c" in program.words else len(program.words)
    code = program.words[at] if at < len(program.words) else program.command.stdin or ""
    if "pytest" not in code and "unittest" not in code:
        return None
    from memory_mcp.actions.runner_tables import IN_CODE  # noqa: PLC0415 - as below

    return next((runner for call, runner in IN_CODE if call in code), None)


@lru_cache(maxsize=1)
def _rows_by_program() -> dict[str, list[tuple[int, tuple[str, ...], Runner]]]:
    """Return the patterns of all commands by their first word, each with its place in the tables."""
    from memory_mcp.actions.runner_tables import RUNNERS  # noqa: PLC0415 - 2 ms that a hook without a command saves

    rows: dict[str, list[tuple[int, tuple[str, ...], Runner]]] = {_ANY: []}
    for at, runner in enumerate(RUNNERS):
        for command in runner.commands:
            pattern = tuple(command.split())
            rows.setdefault(_ANY if "*" in pattern[0] else pattern[0], []).append((at, pattern, runner))
    return rows


def _normal(program: Program) -> list[str]:
    """Return the words with the name of the program first: of `python tests/runtests.py` that of the script."""
    words = list(program.words)
    if program.name in _INTERPRETERS and not _ASIDE.intersection(words):
        at = next((at for at, word in enumerate(words) if at and not word.startswith("-")), None)
        if at is not None and words[at - 1] not in _WITH_VALUE:
            words = words[at:]
    path = words[0].replace("\\", "/").removeprefix("./")
    return [path if path in _OWN_SCRIPTS else plain_name(words[0]).removesuffix(".js"), *words[1:]]


def _positional(words: Sequence[str]) -> list[str]:
    plain, skipping = [words[0]], False
    for word in words[1:]:
        if skipping or word.startswith("-"):
            skipping = not skipping and word in _VALUED
        else:
            plain.append(word)
    return plain


def _is_called(pattern: Sequence[str], plain: Sequence[str], words: Sequence[str]) -> bool:
    if pattern[-1].startswith("-"):
        return pattern[-1] in words
    if ".." in pattern:
        return any(_is_like(pattern[-1], word) for word in plain[1:])
    return len(plain) >= len(pattern) and all(map(_is_like, pattern[1:], plain[1:]))


def _is_like(pattern: str, word: str) -> bool:
    if pattern.startswith("*"):
        return word.endswith(pattern[1:])
    return word.startswith(pattern[:-1]) if pattern.endswith("*") else word == pattern


def _of_script(chain: Sequence[Program], output: str) -> Verdict | None:
    """Read a Python script that runs tests itself: only a whole summary counts, for a script prints what it likes."""
    ran_tests = ("Ran " in output and "-----" in output) or ("==" in output and " in " in output)
    if not ran_tests or not any(program.name in _PYTHONS for program in chain):
        return None
    from memory_mcp.actions.runner_tables import IN_SCRIPTS  # noqa: PLC0415 - as above

    read = Output(output)
    for runner in IN_SCRIPTS:
        said = [each for each in runner.read(read) if each.line.startswith(("Ran ", "=="))] if runner.read else []
        if said:
            chosen = min(said, key=lambda each: _WEAKEST.index(each.state))
            return Verdict(chosen.state, runner.name, chosen.line, runner.kind)
    return None


def _of_own_script(chain: Sequence[Program], output: Output, code: int | None) -> Verdict:
    """Read a script whose name says that it tests something by what it says of its own cases."""
    if not any(sign in word.lower() for program in chain for word in program.words for sign in _TESTING):
        return Verdict("unknown")
    from memory_mcp.actions.own_scripts import own_scripts  # noqa: PLC0415 - for a hook whose command runs a tool

    scripts = own_scripts(chain)
    if not scripts:
        return Verdict("unknown")
    said = _not_found(output) or _judged(scripts[-1], chain, output, code) or Said("unknown", "")
    return Verdict(said.state, OWN_SCRIPT, said.line, "test")


def _judged(at: int, chain: Sequence[Program], output: Output, code: int | None) -> Said | None:
    from memory_mcp.actions.own_scripts import judged, stands_alone  # noqa: PLC0415 - as above

    if not stands_alone(chain):
        return None
    said = judged(output, ended=_exit_of(at, chain, output, code))
    return None if said and said.state == "green" and _is_filtered(chain[at]) else said


def _of_runner(checks: Sequence[Check], chain: Sequence[Program], output: Output, code: int | None) -> Verdict:
    """Return what all runs of one tool come to."""
    runner = checks[0].runner
    said, name = _said(checks, chain, output)
    ended = _exit_of(checks[-1].at, chain, output, code)
    if said is None and runner.name == OWN_SCRIPT:
        said = _judged(checks[-1].at, chain, output, code)
    if said is None:
        said = _not_found(output) or (None if ended else _crashed(output))
    if said is None and ended is False and code in _ABSENT:
        said = Said("did_not_run", f"exit code {code}")
    if said is None and ended is not None and runner.exits and (ended is False or len(checks) == 1):
        said = Said("green" if ended else "red", f"exit code {0 if ended else code or 1}")
    if said is None:
        return Verdict("unknown", runner.name, "", runner.kind)
    if said.state == "green" and ended is False:
        said = Said("red", f"exit code {code or 1}")
    if said.state == "green" and runner.gathers and _is_filtered(chain[checks[-1].at]):
        said = Said("unknown", "")
    return Verdict(said.state, name, said.line, runner.kind)


def _said(checks: Sequence[Check], chain: Sequence[Program], output: Output) -> tuple[Said | None, str]:
    """Return what the output says of all runs of one tool, and which tool said it."""
    runner = checks[0].runner
    if runner.carries:
        return _said_through(runner, output)
    said = said_by(runner, output)
    if runner.read is None or not said:
        return _outweighing(said), runner.name
    runs = [chain[check.at] for check in checks]
    if (len(runs) == 1 and not runs[0].command.nested) or any(each.before == "||" for each in runs):
        return said[0], runner.name
    if len(said) < len(runs) and all(each.state == "green" for each in said):
        return Said("unknown", ""), runner.name
    return min(said, key=lambda each: _WEAKEST.index(each.state)), runner.name


def _said_through(runner: Runner, output: Output) -> tuple[Said | None, str]:
    """Return what the output of `make test` and the like says, by whatever runner ran inside."""
    from memory_mcp.actions.runner_tables import CARRIED  # noqa: PLC0415 - as above

    inner = [(said, each.name) for each in CARRIED for said in said_by(each, output)]
    own = said_by(runner, output)
    states = {said.state for said, _ in inner}
    if states == {"did_not_run"} or (not states and any(said.state == "red" for said in own)):
        absent = next((said for said, _ in inner), None) or _not_found(output)
        if absent is not None:
            return absent, runner.name
    chosen = _outweighing([said for said, _ in inner] + own)
    return chosen, next((name for said, name in inner if said is chosen), runner.name)


def _outweighing(said: Sequence[Said]) -> Said | None:
    return next((each for state in _TELLING for each in said if each.state == state), None)


def _not_found(output: Output) -> Said | None:
    """Return the line that says that a program or its folder is not there."""
    for needle in _NOT_FOUND_WORDS:
        for line in output.lines_with(needle):
            if _NOT_FOUND.search(line.strip()):
                return Said("did_not_run", line.strip())
    return None


def _crashed(output: Output) -> Said | None:
    """Return the error that ends the output: of a test, or of the runner that fell over before it ran anything."""
    last = output.last_line()
    if not (found := _LAST_ERROR.match(last)):
        return None
    return Said("red" if found[1] and not found[2] else "did_not_run", last.removeprefix(found[1] or "")[:300])


def _exit_of(at: int, chain: Sequence[Program], output: Output, code: int | None) -> bool | None:
    """Whether the program ended well, where the exit code or an echo shows it; None where something masks it."""
    program = chain[at]
    if program.command.nested or program.before == "||":
        return None
    if (echoed := _echoed(program, output)) is not None:
        return echoed
    if code is None or code in _SAYS_NOTHING or any(operator != "&&" for operator in program.after):
        return None
    if code == 0:
        return True
    earlier = chain[:at]
    alone = all(each.name in _PREPARING for each in earlier) or program.before == ";"
    return False if not program.after and alone else None


def _echoed(program: Program, output: Output) -> bool | None:
    """Read `pytest && echo PASSED || echo FAILED`: which of the two was printed."""
    for follower in program.later[:2]:
        if follower.joined not in {"&&", "||"} or follower.words[:1] != ("echo",):
            return None
        text = " ".join(word for word in follower.words[1:] if word not in {"-e", "-n"})
        if len(text) > 1 and "$" not in text and any(line.strip() == text for line in output.lines_with(text)):
            return follower.joined == "&&"
    return None


def _is_filtered(program: Program) -> bool:
    """Whether a filter may have taken a failure out of the output; one that looks for failures takes none out."""
    return any(
        each.program.lower() in _FILTERS and not any("fail" in word.lower() for word in each.words)
        for each in program.piped_into
    )
