"""This module holds the runners of JavaScript tests: how they are called, and what their output means."""

from memory_mcp.actions.runners import Runner, rows

_HELP = ("--version", "--help", "-h", "-v")

JEST = Runner(
    "jest",
    "test",
    ("jest", "react-scripts test", "craco test", "ng test", "wp-scripts test-unit-js", "lerna run test*"),
    idle=("--version", "--help", "-h", "--listTests", "--showConfig", "--clearCache"),
    marks=(
        *rows(
            "red",
            ("Tests:", r"^\s*Tests:\s.*\b[1-9]\d* failed"),
            ("Test Suites:", r"^\s*Test Suites:\s.*\b[1-9]\d* failed"),
            ("Test suite failed to run", r"● Test suite failed to run"),
            ("FAIL ", r"^\s*FAIL\s+\S+\.\w+(?:\s|$)"),
            ("coverage threshold for", r"^Jest: .*coverage threshold for .* not met"),
        ),
        *rows("green", ("Tests:", r"^\s*Tests:\s.*\b[1-9]\d* passed, \d+ total")),
        *rows(
            "did_not_run",
            ("No tests found", r"^No tests found"),
            ("Tests:", r"^\s*Tests:\s+0 total|^\s*Tests:\s+(?:\d+ (?:skipped|todo), )+\d+ total"),
            ("Cannot find module", r"Cannot find module '.*jest"),
            ("Validation Error", r"● Validation Error"),
        ),
    ),
)

VITEST = Runner(
    "vitest",
    "test",
    ("vitest",),
    idle=("--version", "--help", "-h", "list"),
    marks=(
        *rows(
            "red",
            ("Tests", r"^\s*Tests\s+[1-9]\d* failed"),
            ("Test Files", r"^\s*Test Files\s+[1-9]\d* failed"),
            ("Failed Tests", r"⎯ Failed Tests [1-9]"),
            ("Failed Suites", r"⎯ Failed Suites [1-9]"),
            ("Unhandled Error", r"⎯ Unhandled Errors? ⎯"),
            ("Errors", r"^\s*Errors\s+[1-9]\d* error"),
        ),
        *rows("green", ("Tests", r"^\s*Tests\s+[1-9]\d* passed")),
        *rows(
            "did_not_run",
            ("No test files found", r"No test files found"),
            ("no tests", r"^\s*Tests\s+no tests"),
            ("Tests", r"^\s*Tests\s+(?:\d+ (?:skipped|todo)(?: \| )?)+ \(\d+\)"),
            ("Startup Error", r"⎯ Startup Error ⎯"),
        ),
    ),
)

MOCHA = Runner(
    "mocha",
    "test",
    ("mocha", "_mocha", "cypress run", "nyc mocha", "c8 mocha"),
    idle=_HELP,
    marks=(
        *rows("red", ("failing", r"^\s*[1-9]\d* failing\b")),
        *rows("green", ("passing", r"^\s*[1-9]\d* passing\b")),
        *rows(
            "did_not_run",
            ("passing", r"^\s*0 passing\b"),
            ("No test files found", r"^Error: No test files found"),
            ("Cannot find module", r"^Error: Cannot find module"),
        ),
    ),
)

AVA = Runner(
    "ava",
    "test",
    ("ava",),
    idle=_HELP,
    marks=(
        *rows(
            "red",
            ("failed", r"^\s*[1-9]\d* tests? failed"),
            ("uncaught exception", r"^\s*[1-9]\d* uncaught exceptions?"),
            ("unhandled rejection", r"^\s*[1-9]\d* unhandled rejections?"),
            ("No tests found in", r"✖ No tests found in"),
        ),
        *rows("green", ("passed", r"^\s*[1-9]\d* tests? passed")),
        *rows("did_not_run", ("find any", r"Couldn.t find any (?:files to test|matching tests)")),
    ),
)

NODE_TEST = Runner(
    "node --test",
    "test",
    ("node --test", "tape", "tap", "borp", "tsx --test"),
    idle=(),
    marks=(
        *rows(
            "red",
            ("fail ", r"^(?:#|ℹ) fail +[1-9]"),
            ("cancelled ", r"^(?:#|ℹ) cancelled [1-9]"),
            ("not ok ", r"^not ok \d+(?! .*# (?:TODO|SKIP))"),
        ),
        *rows("green", ("pass ", r"^(?:#|ℹ) pass +[1-9]")),
        *rows(
            "did_not_run",
            ("tests 0", r"^(?:#|ℹ) tests 0"),
            ("Could not find", r"^Could not find '"),
        ),
    ),
)

DENO = Runner(
    "deno",
    "test",
    ("deno test", "bun test"),
    marks=(
        *rows(
            "red",
            ("FAILED |", r"^FAILED \| \d+ passed"),
            (" fail", r"^\s*[1-9]\d* fail$"),
            ("error:", r"^error: (?:Test failed|Uncaught|Type checking failed)"),
        ),
        *rows("green", ("ok |", r"^ok \| [1-9]\d* passed"), (" pass", r"^\s*[1-9]\d* pass$")),
        *rows(
            "did_not_run",
            ("No test modules found", "No test modules found"),
            ("ok | 0 passed", "0 passed"),
            ("No tests found", "^(?:error: )?No tests found"),
        ),
    ),
)

PLAYWRIGHT = Runner(
    "playwright",
    "test",
    ("playwright test",),
    idle=("--list",),
    marks=(
        *rows("red", (" failed", r"^\s*[1-9]\d* failed$"), (" flaky", r"^\s*[1-9]\d* interrupted$")),
        *rows("green", (" passed (", r"^\s*[1-9]\d* passed \([\d.]+m?s\)")),
        *rows("did_not_run", ("No tests found", "No tests found")),
    ),
)

NPM = Runner(
    "npm",
    "test",
    (
        "npm test",
        "npm t",
        "npm tst",
        "npm run test*",
        "npm run unit*",
        "npm run e2e*",
        "npm run ci",
        "npm run jest",
        "npm run vitest",
        "yarn test*",
        "yarn run test*",
        "yarn .. test",
        "pnpm test*",
        "pnpm run test*",
        "pnpm .. test",
        "bun run test*",
        "nx test",
        "nx .. test",
        "turbo test",
        "turbo run test",
        "grunt test",
        "gulp test",
        "deno task test*",
        "npm run check",
    ),
    carries=True,
    idle=("--version", "--help"),
    marks=(
        *rows(
            "red",
            ("npm ERR! Test failed", r"npm ERR! Test failed"),
            ("ELIFECYCLE", r"ELIFECYCLE|Test failed\."),
        ),
        *rows(
            "did_not_run",
            ("Missing script", r"(?i)missing script:"),
            ("Error: no test specified", r"^Error: no test specified"),
            ("enoent", r"npm (?:ERR!|error) (?:code ENOENT|enoent)"),
            ("ERR_PNPM_NO_SCRIPT", "ERR_PNPM_NO_SCRIPT"),
            ("Couldn't find a package.json", "Couldn't find a package.json"),
            ("not found", r'error Command "[\w:-]+" not found'),
        ),
    ),
)

JAVASCRIPT_RUNNERS = (JEST, VITEST, MOCHA, AVA, NODE_TEST, DENO, PLAYWRIGHT, NPM)
