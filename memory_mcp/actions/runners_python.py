"""This module holds the runners of Python tests: how they are called, and what their output means."""

from memory_mcp.actions.runners import Output, Runner, Said, State, rows
from memory_mcp.expressions import expression

# 5 passed, 1 failed, 2 warnings in 0.05s
_SUMMARY = expression(
    r"(?:^|[=:\s])((?:\d+ (?:passed|failed|errors?|skipped|deselected|xfailed|xpassed|warnings?|rerun"
    r"|subtests (?:passed|failed|skipped))(?:, )?)+|no tests ran) in \d[\d.]* ?s"
)
_COUNT = expression(r"(\d+) (?:subtests )?([a-z]+)")
_NOTED = expression(r"=*\s*((?:\d+ (?:passed|failed|errors?|skipped|warnings?)(?:, )?)+)\s*=*")
_RAN = expression(r"^Ran (\d+) tests? in [\d.]+s")
_ENDED = expression(r"^(OK|FAILED|NO TESTS RAN)\b")
_SKIPPED = expression(r"skipped=(\d+)")
# a module of tests that could not be imported counts as one test and one error
_FAILED_TEST = expression(r"^ERROR: \S+ \(unittest\.loader\._FailedTest\b")
_ALL_ERRORS = expression(r"^FAILED \(errors=\d+\)$")
_MISSING = "No module named"
_SHORT = 200
_FAR = 12  # lines between the number of tests and how they ended
_UNCOVERED = "FAIL Required test coverage of"
_HELP = ("--version", "--help", "-h", "-V")


def read_pytest(output: Output) -> list[Said]:
    """Return what the summaries say, the last one first; coverage below its threshold makes the last one red."""
    uncovered = next((line for line in output.lines_with(_UNCOVERED)), None)
    said = [
        Said(_of_counts(found[1]), line.strip())
        for line in output.lines_with(" in ")
        if (found := _SUMMARY.search(line))
    ]
    if not said and (
        noted := _NOTED.fullmatch(output.text.strip() if len(output.text) < _SHORT else "")
    ):  # as an agent notes it down
        said = [Said(_of_counts(noted[1]), noted[0])]
    return [Said("red", uncovered.strip()), *said] if uncovered is not None else said


def _of_counts(text: str) -> State:
    counts: dict[str, int] = {}
    for number, name in _COUNT.findall(text):
        counts[name] = counts.get(name, 0) + int(number[:9])
    if any(counts.get(name) for name in ("failed", "error", "errors")):
        return "red"
    if counts.get("passed") or counts.get("xpassed"):
        return "green"
    return "unknown" if counts.get("xfailed") else "did_not_run"


def read_unittest(output: Output) -> list[Said]:
    """Return what each block of `Ran 5 tests` and `OK` or `FAILED` says, the last one first."""
    lines = output.text.splitlines()
    said: list[Said] = []
    unread = sum(1 for line in lines if _FAILED_TEST.match(line)) if _MISSING in output.text else 0
    for at, line in enumerate(lines):
        if line.startswith("Ran ") and (ran := _RAN.match(line)):
            ending = next((each for each in lines[at + 1 : at + _FAR] if _ENDED.match(each)), None)
            if ending is not None:
                state = _of_ending(int(ran[1][:9]), ending, unread)
                said.append(Said(state, f"{line.strip()}: {ending.strip()}"[:300]))
    return said[::-1]


def _of_ending(ran: int, ending: str, unread: int) -> State:
    """Return what a block says; where every test is a module that lacked another one to be imported, none ran."""
    if ending.startswith("FAILED"):
        return "did_not_run" if ran == unread and _ALL_ERRORS.match(ending) else "red"
    skipped = _SKIPPED.search(ending)
    return "green" if ran > (int(skipped[1][:9]) if skipped else 0) and ending.startswith("OK") else "did_not_run"


PYTEST = Runner(
    "pytest",
    "test",
    ("pytest", "py.test", "ptw", "pytest-watch"),
    read=read_pytest,
    idle=(*_HELP, "--collect-only", "--co", "--fixtures", "--markers", "--setup-plan", "--cache-show"),
    marks=(
        *rows(
            "red",
            ("FAILED", r"^(?:FAILED \S+|\S+::.* FAILED\b|.*\bFAILED +\[ *\d+%\])"),
            ("ERROR", r"^(?:ERROR \S+\.py\b|\S+::.* ERROR\b|.*\bERROR +\[ *\d+%\])"),
            ("= FAILURES =", r"^=+ FAILURES =+$"),
            ("= ERRORS =", r"^=+ ERRORS =+$"),
            ("! stopping after ", r"^!+ stopping after [1-9]"),
            ("! Interrupted: ", r"^!+ Interrupted: [1-9]\d* error"),
        ),
        *rows(
            "did_not_run",
            ("No module named pytest", r"No module named pytest\b"),
            ("ERROR: file or directory not found", r"ERROR: file or directory not found"),
            ("ERROR: not found", r"^ERROR: not found: "),
            ("error: unrecognized arguments", r"error: unrecognized arguments"),
            ("ERROR: usage:", r"^ERROR: usage:"),
            ("ImportError while loading conftest", r"^ImportError while loading conftest"),
            ("INTERNALERROR>", r"^INTERNALERROR>"),
            ("collected 0 items", r"collected 0 items"),
            ("/ 0 selected", r"/ 0 selected$"),
            ("no tests ran", r"^[= ]*no tests ran"),
            ("no tests collected", r"^[= ]*no tests collected"),
        ),
    ),
)

UNITTEST = Runner(
    "unittest",
    "test",
    (
        "unittest",
        "unittest2",
        "nose",
        "nose2",
        "nosetests",
        "trial",
        "twisted.trial",
        "green",
        "stestr run",
        "zope-testrunner",
    ),
    read=read_unittest,
    idle=_HELP,
    marks=(
        *rows(
            "red",
            ("FAILED (", r"^FAILED \((?:failures|errors|unexpected successes)=\d"),
            ("FAIL: ", r"^FAIL: \S+ \("),
            ("ERROR: ", r"^ERROR: \S+ \("),
            ("... FAIL", r"\.\.\. FAIL$"),
            ("... ERROR", r"\.\.\. ERROR$"),
        ),
        *rows(
            "did_not_run",
            ("No module named", r"No module named '?(?:unittest2?|nose2?|green|stestr)\b"),
            ("NO TESTS RAN", r"^NO TESTS RAN"),
            ("error: unrecognized arguments", r"error: unrecognized arguments"),
        ),
    ),
)

DJANGO = Runner(
    "Django",
    "test",
    ("manage.py test", "django-admin test", "django test", "runtests.py", "runtests"),
    read=read_unittest,
    idle=_HELP,
    marks=(
        *UNITTEST.marks,
        *rows(
            "did_not_run",
            ("Unknown command", r"Unknown command: 'test'"),
            ("ImproperlyConfigured", r"^django\.core\.exceptions\.ImproperlyConfigured"),
            ("Got an error creating the test database", r"^Got an error creating the test database"),
        ),
    ),
)

DOCTEST = Runner(
    "doctest",
    "test",
    ("doctest",),
    idle=("--help", "-h"),
    marks=(
        *rows(
            "red",
            ("***Test Failed***", r"^\*\*\*Test Failed\*\*\* \d+ failure"),
            ("items had failures", r"^ *\d+ items had failures"),
            ("Failed example:", r"^Failed example:"),
        ),
        *rows(
            "green", ("Test passed.", r"^Test passed\.$"), ("passed and 0 failed.", r"^[1-9]\d* passed and 0 failed")
        ),
        *rows("did_not_run", ("0 tests in", r"^0 tests in \d+ items?"), ("No module named doctest", "doctest")),
    ),
)

TOX = Runner(
    "tox",
    "test",
    ("tox", "detox"),
    carries=True,
    idle=(*_HELP, "-l", "--listenvs", "-a", "--listenvs-all", "--notest", "--showconfig"),
    marks=(
        *rows(
            "red",
            ("evaluation failed :(", r"evaluation failed :\("),
            (": FAIL ", r"^ *[\w.,-]+: FAIL (?:code \d|✖|in )"),
            (": commands failed", r"^(?:ERROR: +)?[\w.,-]+: commands failed"),
            ("InvocationError", r"^ERROR: InvocationError for command .*exited with code [1-9]"),
        ),
        *rows(
            "green",
            ("congratulations :)", r"^ *congratulations :\)"),
        ),
        *rows(
            "did_not_run",
            ("No module named tox", r"No module named tox\b"),
            ("InterpreterNotFound", r"InterpreterNotFound"),
            ("could not find python interpreter", r"could not find python interpreter"),
            ("unknown environment", r"unknown environment"),
            ("ERROR: tox config file", r"^ERROR: tox config file"),
            ("No tox.ini", r"^No tox\.ini"),
            ("could not install deps", r"could not install deps"),
        ),
    ),
)

NOX = Runner(
    "nox",
    "test",
    ("nox",),
    carries=True,
    idle=(*_HELP, "-l", "--list", "--list-sessions", "--install-only"),
    gathers=True,
    marks=(
        *rows(
            "red",
            ("failed", r"nox > (?:Session \S+|\* \S+:) (?:failed|aborted)"),
            ("failed with exit code", r"nox > Command .* failed with exit code"),
        ),
        *rows("green", ("was successful", r"nox > Session \S+ was successful")),
        *rows(
            "did_not_run",
            ("No module named nox", r"No module named nox\b"),
            ("Sessions not found", r"nox > Error while collecting sessions|Sessions not found"),
            ("skipped", r"nox > Session \S+ skipped"),
        ),
    ),
)

SYMPY = Runner(
    "sympy",
    "test",
    ("bin/test", "bin/doctest"),
    idle=_HELP,
    marks=(
        *rows("red", ("tests finished:", r"tests finished: .*\b[1-9]\d* (?:failed|exceptions)"), "DO *NOT* COMMIT!"),
        *rows("green", ("tests finished:", r"tests finished: [1-9]\d* passed(?!.*\b[1-9]\d* (?:failed|exceptions))")),
        *rows("did_not_run", ("tests finished:", r"tests finished: 0 passed")),
    ),
)

PYTHON_RUNNERS = (PYTEST, SYMPY, UNITTEST, DJANGO, DOCTEST, TOX, NOX)
