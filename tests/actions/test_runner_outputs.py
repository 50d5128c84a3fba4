"""Each runner's whole outputs, as the tools print them: one that is green, one red, one that did not run, one unclear."""

import pytest

from memory_mcp.actions.verdicts import read_verdict

PYTEST_HEAD = (
    "============================= test session starts ==============================\n"
    "platform linux -- Python 3.12.1, pytest-8.3.3, pluggy-1.5.0\nrootdir: /w\ncollected 2 items\n\n"
)
PYTEST_RED = (
    PYTEST_HEAD + "tests/test_cart.py .F                                          [100%]\n\n"
    "=================================== FAILURES ===================================\n"
    "___________________________________ test_sum ___________________________________\n\n"
    "    def test_sum():\n>       assert 1 + 1 == 3\nE       assert (1 + 1) == 3\n\ntests/test_cart.py:5: AssertionError\n"
    "=========================== short test summary info ============================\n"
    "FAILED tests/test_cart.py::test_sum - assert (1 + 1) == 3\n"
    "========================= 1 failed, 1 passed in 0.03s ==========================\n"
)
UNITTEST_RED = (
    ".F\n======================================================================\n"
    "FAIL: test_sum (tests.test_cart.CartTest.test_sum)\n"
    "----------------------------------------------------------------------\n"
    'Traceback (most recent call last):\n  File "/w/tests/test_cart.py", line 9, in test_sum\n'
    "    self.assertEqual(2, 3)\nAssertionError: 2 != 3\n\n"
    "----------------------------------------------------------------------\n"
    "Ran 2 tests in 0.001s\n\nFAILED (failures=1)\n"
)
UNITTEST_UNREAD = (
    "E\n======================================================================\n"
    "ERROR: tests.test_cart (unittest.loader._FailedTest.tests.test_cart)\n"
    "----------------------------------------------------------------------\n"
    "ImportError: Failed to import test module: tests.test_cart\nTraceback (most recent call last):\n"
    '  File "/usr/lib/python3.12/unittest/loader.py", line 396, in _find_test_path\n'
    "    module = self._get_module_from_name(name)\n"
    '  File "/w/tests/test_cart.py", line 1, in <module>\n    import pytz\n'
    "ModuleNotFoundError: No module named 'pytz'\n\n\n"
    "----------------------------------------------------------------------\n"
    "Ran 1 test in 0.000s\n\nFAILED (errors=1)\n"
)
DJANGO = (
    "Found 2 test(s).\nCreating test database for alias 'default'...\n"
    "System check identified no issues (0 silenced).\n..\n"
    "----------------------------------------------------------------------\nRan 2 tests in 0.012s\n\n"
)
JEST = (
    "PASS src/sum.test.js\n{}\nTest Suites: {}1 total\nTests:       {}2 total\nSnapshots:   0 total\n"
    "Time:        0.412 s\nRan all test suites.\n"
)
VITEST = "\n RUN  v2.1.4 /w\n\n{}\n Test Files  {}\n      Tests  {}\n   Start at  10:11:12\n   Duration  312ms\n\n"
MOCHA = "\n\n  Cart\n    ✔ adds\n{}\n\n  {}\n{}"
GO_RED = (
    "--- FAIL: TestSum (0.00s)\n    cart_test.go:9: got 2, want 3\nFAIL\nFAIL\texample.com/shop/cart\t0.003s\n"
    "ok  \texample.com/shop/till\t0.002s\nFAIL\n"
)
CARGO = (
    "   Compiling shop v0.1.0 (/w)\n    Finished `test` profile [unoptimized + debuginfo] target(s) in 0.31s\n"
    "     Running unittests src/lib.rs (target/debug/deps/shop-0f1)\n\nrunning 2 tests\n"
)
CARGO_RED = CARGO + (
    "test tests::adds ... ok\ntest tests::sums ... FAILED\n\nfailures:\n\n---- tests::sums stdout ----\n"
    "thread 'tests::sums' panicked at src/lib.rs:9:9:\nassertion `left == right` failed\n\n\nfailures:\n    tests::sums\n\n"
    "test result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n\n"
    "error: test failed, to rerun pass `--lib`\n"
)
DOTNET = "  Determining projects to restore...\n  All projects are up-to-date for restore.\n  Shop -> /w/bin/Debug/Shop.dll\n"
SUREFIRE = (
    "[INFO] -------------------------------------------------------\n[INFO]  T E S T S\n"
    "[INFO] -------------------------------------------------------\n[INFO] Running shop.CartTest\n"
)
RSPEC_RED = (
    ".F\n\nFailures:\n\n  1) Cart sums\n     Failure/Error: expect(2).to eq(3)\n\n       expected: 3\n            got: 2\n"
    "     # ./spec/cart_spec.rb:9:in `block'\n\nFinished in 0.01 seconds (files took 0.08 seconds to load)\n"
    "2 examples, 1 failure\n\nFailed examples:\n\nrspec ./spec/cart_spec.rb:8 # Cart sums\n"
)
PHPUNIT = "PHPUnit 11.4.3 by Sebastian Bergmann and contributors.\n\nRuntime:       PHP 8.3.13\n\n{}\n\nTime: 00:00.004\n\n{}\n"
CTEST = (
    "Test project /w/build\n    Start 1: cart\n1/2 Test #1: cart .............................   Passed    0.01 sec\n"
)
ESLINT_RED = (
    "\n/w/src/cart.js\n  3:7  error  'sum' is assigned a value but never used  no-unused-vars\n\n"
    "✖ 1 problem (1 error, 0 warnings)\n\n"
)

# ruff: noqa: E501, Q000, ISC004 - outputs stay as the tools print them
# (command, output, exit code, state); an exit code of None: it is not known
OUTPUTS = [
    ("pytest", PYTEST_HEAD + "tests/test_cart.py ..   [100%]\n\n===== 2 passed in 0.01s =====\n", 0, "green"),
    ("pytest 2>&1 | tail -3", PYTEST_RED, 0, "red"),
    ("pytest", "/usr/bin/python3: No module named pytest\n", 1, "did_not_run"),
    ("pytest | head -5", PYTEST_HEAD, 0, "unknown"),
    ("python -m unittest", "..\n" + "-" * 70 + "\nRan 2 tests in 0.001s\n\nOK\n", 0, "green"),
    ("python -m unittest -v 2>&1 | tail -40", UNITTEST_RED, 0, "red"),
    ("python -m unittest tests.test_cart", UNITTEST_UNREAD, 1, "did_not_run"),
    ("python -m unittest", UNITTEST_UNREAD.replace("Ran 1 test ", "Ran 4 tests "), 1, "red"),
    ("python -m unittest", UNITTEST_UNREAD.replace("ModuleNotFoundError: No module named 'pytz'", "SyntaxError: x"), 1, "red"),
    ("python -m unittest | head -2", "test_sum (tests.test_cart.CartTest.test_sum) ... ok\n", 0, "unknown"),
    ("python manage.py test", DJANGO + "OK\nDestroying test database for alias 'default'...\n", 0, "green"),
    ("python manage.py test | tail", DJANGO + "FAILED (failures=1)\nDestroying test database\n", 0, "red"),
    (
        "python manage.py test | tail",
        "    from django.core.management import execute_from_command_line\n"
        "ModuleNotFoundError: No module named 'django'\n",
        0,
        "did_not_run",
    ),
    ("python manage.py test | head -2", "Found 2 test(s).\nCreating test database for alias 'default'...\n", 0, "unknown"),
    ("npx jest", JEST.format("", "1 passed, ", "2 passed, "), 0, "green"),
    ("npx jest | tail", JEST.format("", "1 failed, ", "1 failed, 1 passed, ").replace("PASS", "FAIL"), 0, "red"),
    ("npx jest", "No tests found, exiting with code 1\nRun with `--passWithNoTests` to exit with code 0\n", 1, "did_not_run"),
    ("npx jest | head -1", "  console.log\n", 0, "unknown"),
    ("npx vitest run", VITEST.format(" ✓ src/sum.test.ts (2 tests) 3ms\n", "1 passed (1)", "2 passed (2)"), 0, "green"),
    (
        "npx vitest run | tail",
        VITEST.format(" ❯ src/sum.test.ts (2 tests | 1 failed) 5ms\n", "1 failed (1)", "1 failed | 1 passed (2)"),
        0,
        "red",
    ),
    ("npx vitest run", "\n RUN  v2.1.4 /w\n\nNo test files found, exiting with code 1\n\n", 1, "did_not_run"),
    ("npx vitest run | head -2", "\n RUN  v2.1.4 /w\n", 0, "unknown"),
    ("npx mocha", MOCHA.format("    ✔ sums\n", "2 passing (4ms)", ""), 0, "green"),
    ("npx mocha | tail -20", MOCHA.format("    1) sums\n", "1 passing (4ms)\n  1 failing", "\n  1) Cart\n       sums:\n"), 0, "red"),
    ("npx mocha", 'Error: No test files found: "test"\n', 1, "did_not_run"),
    ("npx mocha | head -3", "\n\n  Cart\n", 0, "unknown"),
    ("go test ./...", "ok  \texample.com/shop/cart\t0.003s\n?   \texample.com/shop\t[no test files]\n", 0, "green"),
    ("go test ./... 2>&1 | tail", GO_RED, 0, "red"),
    ("go test ./...", "bash: go: command not found\n", 127, "did_not_run"),
    ("go test ./... | tail", "?   \texample.com/shop\t[no test files]\n", 0, "did_not_run"),
    ("go test -v ./... | head -1", "=== RUN   TestSum\n", 0, "unknown"),
    (
        "cargo test",
        CARGO + "test tests::adds ... ok\ntest tests::sums ... ok\n\n"
        "test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n",
        0,
        "green",
    ),
    ("cargo test 2>&1 | tail -30", CARGO_RED, 0, "red"),
    ("cargo test", "error: could not find `Cargo.toml` in `/w` or any parent directory\n", 101, "did_not_run"),
    ("cargo test | head -1", "   Compiling shop v0.1.0 (/w)\n", 0, "unknown"),
    (
        "dotnet test",
        DOTNET + "Passed!  - Failed:     0, Passed:     2, Skipped:     0, Total:     2, Duration: 5 ms - Shop.dll (net8.0)\n",
        0,
        "green",
    ),
    (
        "dotnet test | tail",
        DOTNET + "Failed!  - Failed:     1, Passed:     1, Skipped:     0, Total:     2, Duration: 9 ms - Shop.dll (net8.0)\n",
        0,
        "red",
    ),
    (
        "dotnet test",
        "MSBUILD : error MSB1003: Specify a project or solution file. The current working directory does not contain a "
        "project or solution file.\n",
        1,
        "did_not_run",
    ),
    ("dotnet test | head -1", "  Determining projects to restore...\n", 0, "unknown"),
    ("./gradlew test", "\nBUILD SUCCESSFUL in 3s\n4 actionable tasks: 4 executed\n", 0, "green"),
    (
        "./gradlew test | tail",
        "CartTest > sums() FAILED\n    org.opentest4j.AssertionFailedError at CartTest.java:9\n\n2 tests completed, 1 failed\n\n"
        "> Task :test FAILED\n\nFAILURE: Build failed with an exception.\n\n* What went wrong:\n"
        "Execution failed for task ':test'.\n> There were failing tests. See the report at: file:///w/build/index.html\n\n"
        "BUILD FAILED in 4s\n",
        0,
        "red",
    ),
    (
        "gradle test",
        "\nFAILURE: Build failed with an exception.\n\n* What went wrong:\nTask 'test' not found in root project 'shop'.\n\n"
        "BUILD FAILED in 1s\n",
        1,
        "did_not_run",
    ),
    ("./gradlew test | head -2", "> Task :compileJava\n> Task :processResources NO-SOURCE\n", 0, "unknown"),
    (
        "mvn test",
        SUREFIRE + "[INFO] Tests run: 2, Failures: 0, Errors: 0, Skipped: 0, Time elapsed: 0.05 s -- in shop.CartTest\n[INFO]\n"
        "[INFO] Results:\n[INFO]\n[INFO] Tests run: 2, Failures: 0, Errors: 0, Skipped: 0\n[INFO]\n[INFO] BUILD SUCCESS\n",
        0,
        "green",
    ),
    (
        "mvn test | tail -40",
        SUREFIRE + "[ERROR] Tests run: 2, Failures: 1, Errors: 0, Skipped: 0, Time elapsed: 0.05 s <<< FAILURE! -- in "
        "shop.CartTest\n[ERROR] Tests run: 2, Failures: 1, Errors: 0, Skipped: 0\n[INFO] BUILD FAILURE\n",
        0,
        "red",
    ),
    (
        "mvn test",
        "[ERROR] The goal you specified requires a project to execute but there is no POM in this directory (/w). Please "
        "verify you invoked Maven from the correct directory. -> [Help 1]\n",
        1,
        "did_not_run",
    ),
    ("mvn test | head -1", "[INFO] Scanning for projects...\n", 0, "unknown"),
    (
        "bundle exec rspec",
        "..\n\nFinished in 0.00281 seconds (files took 0.08 seconds to load)\n2 examples, 0 failures\n\n",
        0,
        "green",
    ),
    ("rspec | tail -20", RSPEC_RED, 0, "red"),
    (
        "rspec",
        "Could not locate Gemfile or .bundle/ directory\n",
        1,
        "did_not_run",
    ),
    ("rspec | head -1", "Randomized with seed 1234\n", 0, "unknown"),
    ("vendor/bin/phpunit", PHPUNIT.format("..          2 / 2 (100%)", "OK (2 tests, 3 assertions)"), 0, "green"),
    (
        "vendor/bin/phpunit | tail",
        PHPUNIT.format(".F", "There was 1 failure:\n\n1) CartTest::testSum\n\nFAILURES!\nTests: 2, Assertions: 2, Failures: 1."),
        0,
        "red",
    ),
    ("vendor/bin/phpunit", PHPUNIT.format("", "No tests executed!"), 1, "did_not_run"),
    ("vendor/bin/phpunit | head -1", "PHPUnit 11.4.3 by Sebastian Bergmann and contributors.\n", 0, "unknown"),
    ("ctest", CTEST + "\n100% tests passed, 0 tests failed out of 2\n\nTotal Test time (real) =   0.02 sec\n", 0, "green"),
    (
        "ctest | tail",
        CTEST + "\n50% tests passed, 1 tests failed out of 2\n\nThe following tests FAILED:\n\t  2 - till (Failed)\n"
        "Errors while running CTest\n",
        0,
        "red",
    ),
    ("ctest", "No tests were found!!!\n", 0, "did_not_run"),
    ("ctest | head -2", "Test project /w/build\n    Start 1: cart\n", 0, "unknown"),
    ("make", "gcc -o shop shop.c\n", 0, "green"),
    ("make | tail", "shop.c:3:5: error: expected ';'\nmake: *** [Makefile:4: shop] Error 1\n", 0, "red"),
    ("make", "make: *** No targets specified and no makefile found.  Stop.\n", 2, "did_not_run"),
    ("make | tail", "gcc -o shop shop.c\n", 0, "unknown"),
    ("npx tsc --noEmit", "", 0, "green"),
    ("npx tsc --noEmit | tail", "src/cart.ts(3,7): error TS2322: Type 'string' is not assignable to type 'number'.\n", 0, "red"),
    (
        "npx tsc --noEmit",
        "error TS5058: The specified path does not exist: 'tsconfig.build.json'.\n",
        1,
        "did_not_run",
    ),
    ("npx tsc --noEmit | tail", "", 0, "unknown"),
    ("ruff check .", "All checks passed!\n", 0, "green"),
    ("ruff check . | tail -2", "Found 2 errors.\n[*] 1 fixable with the `--fix` option.\n", 0, "red"),
    ("ruff check srx", "bash: ruff: command not found\n", 127, "did_not_run"),
    ("ruff check . | head -1", "warning: `incorrect-blank-line-before-class` (D203) and D211 are incompatible.\n", 0, "unknown"),
    ("mypy src", "Success: no issues found in 4 source files\n", 0, "green"),
    (
        "mypy src | tail -2",
        'src/cart.py:3: error: Incompatible types in assignment  [assignment]\nFound 1 error in 1 file (checked 4 source files)\n',
        0,
        "red",
    ),
    ("mypy srx", "mypy: can't read file 'srx': No such file or directory\n", 2, "did_not_run"),
    ("mypy src | head -1", "src/cart.py:3: note: Revealed type is 'builtins.int'\n", 0, "unknown"),
    ("npx eslint .", "", 0, "green"),
    ("npx eslint . | tail -4", ESLINT_RED, 0, "red"),
    (
        "npx eslint .",
        "\nOops! Something went wrong! :(\n\nESLint: 9.14.0\n\nESLint couldn't find an eslint.config.(js|mjs|cjs) file.\n",
        2,
        "did_not_run",
    ),
    ("npx eslint . | head -1", "\n", 0, "unknown"),
]  # fmt: skip


@pytest.mark.parametrize(("command", "output", "code", "state"), OUTPUTS)
def test_a_whole_output_is_read_as_what_it_is(command: str, output: str, code: int | None, state: str) -> None:
    assert read_verdict(command, output, code).state == state


def test_every_named_runner_has_an_output_of_each_state() -> None:
    states: dict[str, set[str]] = {}
    for command, _, _, state in OUTPUTS:
        words = command.removeprefix("npx ").removeprefix("bundle exec ").removeprefix("python -m ").split()
        name = words[0].rsplit("/", 1)[-1].replace("gradlew", "gradle").replace("python", "manage.py")
        states.setdefault(name, set()).add(state)

    assert len(states) == 19
    assert {name for name, seen in states.items() if len(seen) < 4} == set()
