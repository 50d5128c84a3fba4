"""This module holds type checkers and linters: how they are called, and what their output means."""

from memory_mcp.actions.runners import Runner, rows

_HELP = ("--version", "--help", "-h", "-V")

TYPE_CHECKERS = (
    Runner(
        "tsc",
        "typecheck",
        (
            "tsc",
            "vue-tsc",
            "npm run typecheck*",
            "npm run type-check*",
            "npm run tsc",
            "yarn typecheck",
            "yarn tsc",
            "pnpm typecheck",
            "pnpm tsc",
            "pnpm run typecheck*",
            "make .. typecheck",
            "make .. mypy",
            "make .. types",
        ),
        idle=("--version", "--help", "-h", "-v", "--init", "--showConfig"),
        marks=(
            *rows("red", (" TS", r"\berror TS(?!5058|5057|18003)\d+:"), ("Found ", r"^Found [1-9]\d* errors?")),
            *rows("green", ("Found 0 errors", r"Found 0 errors")),
            *rows(
                "did_not_run",
                ("not the tsc command", "This is not the tsc command you are looking for"),
                ("TS5058", "error TS5058"),
            ),
        ),
    ),
    Runner(
        "mypy",
        "typecheck",
        ("mypy", "dmypy run", "dmypy check"),
        idle=_HELP,
        marks=(
            *rows("red", ("Found ", r"^Found [1-9]\d* errors? in "), (": error: ", r"^\S+?:\d+(?::\d+)?: error: ")),
            *rows("green", ("Success: no issues found", r"^Success: no issues found in [1-9]")),
            *rows(
                "did_not_run",
                ("No module named mypy", r"No module named mypy\b"),
                ("mypy: ", r"^mypy: (?:error|can't read)"),
                ("no .py[i] files", r"There are no \.py"),
            ),
        ),
    ),
    Runner(
        "pyright",
        "typecheck",
        ("pyright", "basedpyright", "ty check", "pyrefly check"),
        idle=_HELP,
        marks=(
            *rows(
                "red",
                (" error", r"^[1-9]\d* errors?, "),
                (" - error: ", r":\d+:\d+ - error: "),
                ("Found ", r"^Found [1-9]\d* diagnostic"),
            ),
            *rows("green", ("0 errors, ", r"^0 errors, "), ("All checks passed!", r"^All checks passed!")),
            *rows(
                "did_not_run",
                ("No source files found", "No source files found"),
                ("No module named", r"No module named (?:based)?pyright"),
            ),
        ),
    ),
)

LINTERS = (
    Runner(
        "ruff",
        "lint",
        ("ruff check", "ruff", "ruff .. --check"),
        idle=_HELP,
        marks=(
            *rows(
                "red",
                ("Found ", r"^Found [1-9]\d* errors?(?:\.| \((?!.*\b0 remaining))"),
                ("Would reformat", r"^Would reformat:"),
                ("error: Failed to", r"^error: Failed to parse"),
            ),
            *rows(
                "green",
                ("All checks passed!", r"^All checks passed!"),
                ("already formatted", r"^\d+ files? already formatted"),
                (" 0 remaining", r"\b0 remaining\)"),
            ),
            *rows(
                "did_not_run",
                ("No module named ruff", r"No module named ruff\b"),
                ("No Python files found", r"No Python files found"),
                ("ruff failed", r"^ruff failed"),
                ("error: unrecognized subcommand", "unrecognized subcommand"),
            ),
        ),
    ),
    Runner(
        "flake8",
        "lint",
        ("flake8", "pyflakes", "pycodestyle", "pydocstyle", "pep8"),
        idle=_HELP,
        marks=(
            *rows("red", (": ", r"^\S+\.pyi?:\d+:\d+:? [A-Z]+\d+ ")),
            *rows(
                "did_not_run", ("No module named", r"No module named (?:flake8|pyflakes|pycodestyle|pydocstyle|pep8)\b")
            ),
        ),
    ),
    Runner(
        "pylint",
        "lint",
        ("pylint",),
        idle=_HELP,
        marks=(
            *rows("red", ("rated at", r"rated at (?!10\.00/10)"), (": ", r"^\S+\.pyi?:\d+:\d+: [CRWEF]\d{4}: ")),
            *rows("green", ("rated at 10.00/10", r"rated at 10\.00/10")),
            *rows("did_not_run", ("No module named pylint", r"No module named pylint\b")),
        ),
    ),
    Runner(
        "eslint",
        "lint",
        (
            "eslint",
            "npm run lint*",
            "yarn lint*",
            "pnpm lint*",
            "pnpm run lint*",
            "yarn run lint*",
            "biome",
            "oxlint",
            "standard",
            "xo",
            "stylelint",
            "tslint",
        ),
        idle=_HELP,
        marks=(
            *rows("red", (" problem", r"✖ \d+ problems? \([1-9]\d* error"), ("Found ", r"^Found [1-9]\d* errors?")),
            *rows("green", (" problem", r"✖ \d+ problems? \(0 errors")),
            *rows(
                "did_not_run",
                ("find a config", r"ESLint couldn't find"),
                ("Oops! Something went wrong", "Oops! Something went wrong"),
                ("No files matching", "No files matching"),
                ("Missing script", r"(?i)missing script:"),
            ),
        ),
    ),
    Runner(
        "linter",
        "lint",
        (
            "black",
            "isort",
            "prettier .. --check",
            "prettier .. -c",
            "pre-commit run",
            "rubocop",
            "golangci-lint",
            "shellcheck",
            "clippy",
            "cargo clippy",
            "cargo fmt",
            "go vet",
            "gofmt",
            "vulture",
            "bandit",
            "lint-imports",
            "make .. lint*",
            "make .. format-check",
            "rake rubocop",
            "mix credo",
            "mix format",
            "hadolint",
            "yamllint",
            "interrogate",
            "codespell",
            "swiftlint",
            "ktlint",
            "checkstyle",
            "phpstan",
            "phpcs",
            "psalm",
        ),
        idle=_HELP,
        gathers=True,
        marks=(
            *rows(
                "red",
                ("would reformat", r"^would reformat "),
                ("Failed", r"\.{3,}Failed$"),
                ("Code style issues", "Code style issues"),
                ("offenses detected", r"[1-9]\d* offenses? detected"),
                ("Incorrectly sorted", r"ERROR: .*incorrectly sorted"),
                ("error: could not compile", r"^error: could not compile"),
            ),
            *rows(
                "green",
                ("would be left unchanged", r"^\d+ files? would be left unchanged\.$"),
                ("All matched files use Prettier", "All matched files use Prettier"),
                ("no offenses detected", "no offenses detected"),
                ("Passed", r"\.{3,}Passed$"),
            ),
            *rows(
                "did_not_run",
                ("No module named", r"No module named (?:black|isort|pre_commit|vulture|bandit)\b"),
                ("No Python files are present", "No Python files are present"),
            ),
        ),
    ),
    Runner(
        "syntax check",
        "lint",
        ("py_compile", "compileall", "node --check", "php -l", "ruby -c", "bash -n"),
        marks=rows(
            "red",
            ("Error: ", r"^(?:Sorry: )?(?:Syntax|Indentation|Tab)Error: "),
            ("Parse error: ", r"^(?:PHP )?Parse error: "),
        ),
    ),
)
