"""This module holds the runners of Ruby, PHP and Elixir tests, and of what runs other runners: make, scripts."""

from memory_mcp.actions.runners import OWN_SCRIPT, Runner, rows

RSPEC = Runner(
    "rspec",
    "test",
    ("rspec", "rake spec*", "bin/rspec"),
    idle=("--version", "--help", "-v", "-h", "--dry-run"),
    marks=(
        *rows(
            "red",
            (" example", r"\b\d+ examples?, [1-9]\d* failures?"),
            ("outside of examples", r"[1-9]\d* errors? occurred outside of examples"),
            ("An error occurred while loading", r"^An error occurred while loading"),
        ),
        *rows("green", (" example", r"\b[1-9]\d* examples?, 0 failures(?!.*error)")),
        *rows(
            "did_not_run",
            (" example", r"\b0 examples, 0 failures"),
            ("Could not find", r"Could not find .* in .*(?:gems|sources)"),
            ("Could not locate Gemfile", "Could not locate Gemfile"),
        ),
    ),
)

MINITEST = Runner(
    "minitest",
    "test",
    ("rails test*", "rake test*", "rake", "minitest", "m", "*_test.rb"),
    marks=(
        *rows(
            "red",
            (" failures, ", r"\d+ (?:runs|tests), \d+ assertions, (?:[1-9]\d* failures|\d+ failures, [1-9]\d* errors)"),
            ("rake aborted!", r"^rake aborted!"),
        ),
        *rows("green", (" failures, ", r"\b[1-9]\d* (?:runs|tests), \d+ assertions, 0 failures, 0 errors")),
        *rows(
            "did_not_run",
            ("0 runs, ", r"\b0 (?:runs|tests), 0 assertions"),
            ("Don't know how to build task", "Don't know how to build task"),
            ("No Rakefile found", "No Rakefile found"),
            ("Could not find", r"Could not find .* in .*(?:gems|sources)"),
        ),
    ),
)

PHPUNIT = Runner(
    "phpunit",
    "test",
    ("phpunit", "pest", "artisan test", "simple-phpunit", "paratest", "composer test*", "composer run test*"),
    idle=("--version", "--help", "--list-tests"),
    marks=(
        *rows(
            "red",
            ("FAILURES!", r"^FAILURES!$"),
            ("ERRORS!", r"^ERRORS!$"),
            ("Tests: ", r"^\s*Tests: .*(?:Failures|Errors): [1-9]|^\s*Tests:\s+[1-9]\d* failed"),
            ("PHP Fatal error", r"^(?:PHP )?(?:Fatal|Parse) error: "),
            ("PHP Parse error", r"^PHP Parse error: "),
        ),
        *rows(
            "green",
            ("OK (", r"^OK \([1-9]\d* tests?, \d+ assertions?\)"),
            ("OK, but ", r"^OK, but "),
            ("Tests: ", r"^\s*Tests:\s+[1-9]\d* passed"),
        ),
        *rows(
            "did_not_run",
            ("No tests executed!", r"^No tests executed!"),
            ("Could not open input file", "Could not open input file"),
            ("Cannot open file", r"^Cannot open file"),
        ),
    ),
)

MIX_TEST = Runner(
    "mix test",
    "test",
    ("mix test", "mix do test"),
    idle=("--help",),
    marks=(
        *rows(
            "red",
            (" failure", r"\b\d+ tests?, [1-9]\d* failures?"),
            ("== Compilation error", r"^== Compilation error"),
            ("** (", r"^\*\* \(\w+Error\)"),
        ),
        *rows("green", (" 0 failures", r"\b[1-9]\d* tests?, 0 failures")),
        *rows(
            "did_not_run",
            ("There are no tests to run", "There are no tests to run"),
            ("0 tests, 0 failures", r"\b0 tests, 0 failures"),
            ("Could not find", r"^\*\* \(Mix\)"),
        ),
    ),
)

BATS = Runner(
    "bats",
    "test",
    ("bats", "prove", "busted", "lua_test"),
    marks=(
        *rows(
            "red",
            ("not ok ", r"^not ok \d+(?! .*# (?:TODO|SKIP))"),
            ("failure", r"\b\d+ tests?, [1-9]\d* failures?"),
            ("Result: FAIL", r"^Result: FAIL"),
        ),
        *rows("green", (" 0 failures", r"\b[1-9]\d* tests?, 0 failures"), ("Result: PASS", r"^Result: PASS")),
        *rows("did_not_run", ("Result: NOTESTS", r"^Result: NOTESTS")),
    ),
)

MAKE_MARKS = (
    *rows("red", ("***", r"\bg?make(?:\[\d+\])?: \*\*\* \[.*\] (?:Error (?!127)\d|\w+ fault|Aborted|Killed)")),
    *rows(
        "did_not_run",
        ("Error 127", r"\bg?make(?:\[\d+\])?: \*\*\* \[.*\] Error 127"),
        ("No rule to make target", r"\bg?make(?:\[\d+\])?: \*\*\* No rule to make target"),
        ("No targets specified", r"\*\*\* No targets specified"),
        ("missing separator", r"\*\*\* missing separator"),
        ("Nothing to be done for", r"\bg?make: Nothing to be done for"),
        ("is up to date.", r"\bg?make: '.*' is up to date\."),
    ),
)
_MAKES = ("make", "gmake", "just", "task", "invoke", "inv", "earthly", "rake", "doit")
_TARGETS = (
    "test*",
    "tests",
    "*-test",
    "*-tests",
    "*_test",
    "check",
    "check-all",
    "spec",
    "pytest",
    "unit*",
    "ci",
    "verify",
)

MAKE_TEST = Runner(
    "make",
    "test",
    tuple(f"{make} .. {target}" for make in _MAKES for target in _TARGETS),
    carries=True,
    idle=("-n", "--dry-run", "--just-print", "--version", "--help", "--list", "-q"),
    marks=MAKE_MARKS,
)

SCRIPT = Runner(
    OWN_SCRIPT,
    "test",
    ("run_tests*", "run-tests*", "run_test.*", "runtests.sh", "run_all_tests*", "test.sh", "tests.sh"),
    carries=True,
    exits=False,  # whoever wrote it may have written it a minute ago
    idle=("--help", "-h", "--version"),
)
PACKAGER = Runner(
    "packager",
    "test",
    ("setup.py test", "setup.py pytest", "setup.py nosetests", "hatch test", "pdm test", "rye test"),
    carries=True,
    exits=False,
    idle=("--help", "-h", "--version"),
)
SCRIPTED_RUNNERS = (RSPEC, PHPUNIT, MIX_TEST, BATS, MAKE_TEST, MINITEST, SCRIPT, PACKAGER)
