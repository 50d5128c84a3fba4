"""What checks printed, as real tools print it, and what may be said of each."""

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory_mcp.actions.runners import Output
from memory_mcp.actions.verdicts import is_check, read_verdict

_DJANGO = "Found 3 test(s).\nSystem check identified no issues (0 silenced).\n...\n-----\nRan 3 tests in 0.012s\n\n"
_JEST = "Test Suites: 1 failed, 2 passed, 3 total\nTests:       {}\nSnapshots:   0 total\nTime:        1.2 s\n"
_CARGO = "running 2 tests\n..\ntest result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out\n"


@pytest.mark.parametrize(
    ("command", "output", "state", "runner"),
    [
        ("pytest -q", "..\n2 passed in 0.05s\n", "green", "pytest"),
        ("pytest -q | tail -1", "1 failed, 2 passed, 1 warning in 0.05s\n", "red", "pytest"),
        ("pytest", "==== 3 passed, 1 error in 1.20s ====", "red", "pytest"),
        ("pytest", "\x1b[32m==== \x1b[1m3 passed\x1b[0m\x1b[32m in 1.20s\x1b[0m ====", "green", "pytest"),
        ("pytest", "==== 12 passed, 3 skipped, 1 xfailed in 61.20s (0:01:01) ====", "green", "pytest"),
        ("pytest", "==== 3 skipped in 0.02s ====", "did_not_run", "pytest"),
        ("pytest -k nothing", "==== 97 deselected in 0.18s ====", "did_not_run", "pytest"),
        ("pytest -k nothing", "==== 2 warnings in 0.01s ====", "did_not_run", "pytest"),
        ("pytest x.py", "collected 0 items\n\n==== no tests ran in 0.00s ====", "did_not_run", "pytest"),
        ("pytest", "/usr/bin/python: No module named pytest\n", "did_not_run", "pytest"),
        ("pytest", "bash: pytest: command not found\n", "did_not_run", "pytest"),
        (
            "pytest x.py | tail",
            "ImportError while loading conftest '/x/conftest.py'.\nE   ImportError: no",
            "did_not_run",
            "pytest",
        ),
        ("pytest -v | head -9", "collected 2 items\n\ntests/a.py::test_a PASSED [ 50%]\n", "unknown", "pytest"),
        ("pytest -v | head -9", "tests/a.py::test_a FAILED [ 50%]\n", "red", "pytest"),
        ("pytest | grep PASSED", "tests/a.py::test_a PASSED\n", "unknown", "pytest"),
        ("pytest -x | tail -3", "E   AssertionError: assert 1 == 2", "red", "pytest"),
        ("pytest a; pytest b", "1 failed in 0.1s\n1 passed in 0.1s", "red", "pytest"),
        ("pytest a; pytest b", "1 passed in 0.1s\n", "unknown", "pytest"),
        ("pytest a || pytest b", "ERROR: not found: a\nno tests ran in 0.1s\n2 passed in 0.1s\n", "green", "pytest"),
        ("pytest --cov", "FAIL Required test coverage of 90% not reached.\n3 passed in 0.1s\n", "red", "pytest"),
        ("python -m unittest", "..\n-----\nRan 2 tests in 0.001s\n\nOK\n", "green", "unittest"),
        ("python -m unittest", "-----\nRan 2 tests in 0.001s\n\nOK (skipped=1)\n", "green", "unittest"),
        ("python -m unittest", "-----\nRan 2 tests in 0.001s\n\nOK (skipped=2)\n", "did_not_run", "unittest"),
        ("python -m unittest", "-----\nRan 0 tests in 0.000s\n\nOK\n", "did_not_run", "unittest"),
        ("python -m unittest", "-----\nRan 0 tests in 0.000s\n\nNO TESTS RAN\n", "did_not_run", "unittest"),
        ("python -m unittest x 2>&1 | tail", "Ran 1 test in 0.000s\n\nFAILED (errors=1)\n", "red", "unittest"),
        ("python -m unittest | tail -1", "OK\n", "unknown", "unittest"),
        ("python manage.py test shop", _DJANGO + "OK\nDestroying test database", "green", "Django"),
        ("./manage.py test shop", _DJANGO + "FAILED (failures=1)\n", "red", "Django"),
        ("python tests/runtests.py forms -v 2", _DJANGO + "OK\n", "green", "Django"),
        ("cd tests && ./runtests.py forms", _DJANGO + "OK\n", "green", "Django"),
        (
            "python tests/runtests.py",
            "python: can't open file 'tests/runtests.py': [Errno 2] No such file or directory",
            "did_not_run",
            "Django",
        ),
        ("bin/test sympy/core", "===== tests finished: 5 passed, in 0.05 seconds =====", "green", "sympy"),
        ("python bin/test -C x", "== tests finished: 1 failed, 5 passed, in 0.05 seconds ==", "red", "sympy"),
        (
            "python tests/runtests.py x",
            "ModuleNotFoundError: No module named 'asgiref'\n(Open file: n/a)\n(Current directory: /x)\nbash-$",
            "did_not_run",
            "Django",
        ),
        ("nosetests tests", "Ran 5 tests in 0.1s\n\nOK\n", "green", "unittest"),
        ("python -m doctest -v a.py", "1 passed and 0 failed.\nTest passed.\n", "green", "doctest"),
        ("python -m doctest a.py | tail", "***Test Failed*** 2 failures.\n", "red", "doctest"),
        (
            "tox -e py311",
            "  py311: OK (1.2=setup[0.1]+cmd[1.1] seconds)\n  congratulations :) (1.3 seconds)",
            "green",
            "tox",
        ),
        (
            "tox",
            "1 failed, 2 passed in 0.1s\n  py311: FAIL code 1 (1.2 seconds)\n  evaluation failed :(",
            "red",
            "pytest",
        ),
        ("nox -s tests", "nox > Session tests-3.11 was successful.\n", "green", "nox"),
        ("nox", "nox > Session lint was successful.\nnox > Session tests failed.\n", "red", "nox"),
        ("npx jest", _JEST.format("1 failed, 4 passed, 5 total"), "red", "jest"),
        ("npx jest", _JEST.format("4 passed, 4 total"), "red", "jest"),
        ("npm test", "Test Suites: 2 passed, 2 total\nTests:       4 passed, 4 total\n", "green", "jest"),
        ("npx jest x", "No tests found, exiting with code 1\n", "did_not_run", "jest"),
        ("npm test", 'npm ERR! Missing script: "test"\n', "did_not_run", "npm"),
        ("npm test", "> a@1 test\n> jest\n\nsh: 1: jest: not found\n", "did_not_run", "npm"),
        ("npm run test:unit", " Test Files  1 passed (1)\n      Tests  5 passed (5)\n", "green", "vitest"),
        ("npx vitest run", " Test Files  1 failed | 1 passed (2)\n      Tests  5 passed (5)\n", "red", "vitest"),
        ("npx vitest run", "No test files found, exiting with code 1\n", "did_not_run", "vitest"),
        ("npx mocha", "  5 passing (20ms)\n  1 failing\n", "red", "mocha"),
        ("npx mocha", "  5 passing (20ms)\n", "green", "mocha"),
        ("npx mocha", "  0 passing (1ms)\n", "did_not_run", "mocha"),
        ("npx ava", "  2 tests passed\n", "green", "ava"),
        ("node --test", "# tests 2\n# pass 1\n# fail 1\n", "red", "node --test"),
        ("node --test a.mjs", "ℹ tests 2\nℹ pass 2\nℹ fail 0\n", "green", "node --test"),
        ("go test ./...", "ok  \tx/a\t0.010s\nFAIL\tx/b [build failed]\nFAIL\n", "red", "go test"),
        ("go test ./...", "ok  \tx/a\t(cached)\n?   \tx/b\t[no test files]\n", "green", "go test"),
        ("go test ./...", "?   \tx/b\t[no test files]\n", "did_not_run", "go test"),
        ("go test -run X .", "ok  \tx/a\t0.01s [no tests to run]\n", "did_not_run", "go test"),
        ("go test ./... | grep ok", "ok  \tx/a\t0.010s\n", "unknown", "go test"),
        ("cargo test", _CARGO + "running 0 tests\ntest result: ok. 0 passed; 0 failed\n", "green", "cargo test"),
        ("cargo test nope", "test result: ok. 0 passed; 0 failed; 0 ignored", "did_not_run", "cargo test"),
        (
            "cargo test",
            "error[E0433]: failed to resolve\nerror: could not compile `a` (lib) due to 1 previous error",
            "red",
            "cargo test",
        ),
        ("cargo test", _CARGO + "test result: FAILED. 1 passed; 1 failed; 0 ignored\n", "red", "cargo test"),
        (
            "dotnet test",
            "Passed!  - Failed:     0, Passed:     5, Skipped:     0, Total:     5",
            "green",
            "dotnet test",
        ),
        ("dotnet test", "Failed!  - Failed:     1, Passed:     4, Skipped:     0, Total:     5", "red", "dotnet test"),
        ("./gradlew clean test", "BUILD SUCCESSFUL in 3s\n", "green", "gradle"),
        ("./gradlew test", "> Task :test NO-SOURCE\nBUILD SUCCESSFUL in 3s\n", "did_not_run", "gradle"),
        ("gradle :app:test", "12 tests completed, 1 failed\nBUILD FAILED in 3s\n", "red", "gradle"),
        (
            "mvn -q -pl core test",
            "[INFO] Tests run: 4, Failures: 0, Errors: 0\n[INFO] BUILD SUCCESS\n",
            "green",
            "maven",
        ),
        ("mvn test", "[ERROR] Tests run: 4, Failures: 1, Errors: 0\n[INFO] BUILD FAILURE\n", "red", "maven"),
        ("mvn test", "[INFO] No tests to run.\n[INFO] BUILD SUCCESS\n", "did_not_run", "maven"),
        ("bundle exec rspec", "5 examples, 0 failures\n", "green", "rspec"),
        ("rspec", "0 examples, 0 failures, 1 error occurred outside of examples\n", "red", "rspec"),
        ("bin/rails test", "5 runs, 9 assertions, 0 failures, 0 errors, 0 skips\n", "green", "minitest"),
        ("ruby -Itest test/a_test.rb", "5 runs, 9 assertions, 0 failures, 1 errors, 0 skips\n", "red", "minitest"),
        ("vendor/bin/phpunit", "OK (5 tests, 9 assertions)\n", "green", "phpunit"),
        ("php vendor/bin/phpunit", "FAILURES!\nTests: 5, Assertions: 9, Failures: 1.\n", "red", "phpunit"),
        ("phpunit", "No tests executed!\n", "did_not_run", "phpunit"),
        ("cd build && ctest", "100% tests passed, 0 tests failed out of 5\n", "green", "ctest"),
        ("ctest", "80% tests passed, 1 tests failed out of 5\n", "red", "ctest"),
        ("ctest", "No tests were found!!!\n", "did_not_run", "ctest"),
        ("make test", "pytest\n==== 4 passed in 0.1s ====\n", "green", "pytest"),
        ("make test", "pytest\n1 failed in 0.1s\nmake: *** [Makefile:3: test] Error 1\n", "red", "pytest"),
        ("make test", "make: *** No rule to make target 'test'.  Stop.\n", "did_not_run", "make"),
        (
            "make test",
            "pytest\nmake: pytest: No such file or directory\nmake: *** [Makefile:3: test] Error 127\n",
            "did_not_run",
            "make",
        ),
        ("make -j4 2>&1 | tail", "a.c:3:1: error: x\nmake: *** [a.o] Error 1\n", "red", "make"),
        ("npx tsc --noEmit | head", "src/a.ts(3,1): error TS2304: Cannot find name 'x'.\n", "red", "tsc"),
        ("npx tsc --noEmit | head", "", "unknown", "tsc"),
        ("npx tsc --noEmit && echo FINE", "FINE\n", "green", "tsc"),
        ("ruff check .", "All checks passed!\n", "green", "ruff"),
        ("ruff check . | tail -1", "Found 3 errors.\n", "red", "ruff"),
        ("mypy src | tail -1", "Success: no issues found in 5 source files\n", "green", "mypy"),
        ("mypy src | tail -1", "Found 2 errors in 1 file (checked 5 source files)\n", "red", "mypy"),
        ("pyright | tail -1", "0 errors, 0 warnings, 0 informations\n", "green", "pyright"),
        ("npx eslint . | tail", "✖ 3 problems (2 errors, 1 warning)\n", "red", "eslint"),
        ("flake8 a.py | head", "a.py:1:80: E501 line too long\n", "red", "flake8"),
        ("python -m pylint a.py | tail", "Your code has been rated at 10.00/10\n", "green", "pylint"),
        ("swift test", "Executed 5 tests, with 0 failures (0 unexpected) in 0.1 seconds\n", "green", "swift test"),
        ("mix test", "5 tests, 0 failures\n", "green", "mix test"),
        ("mix test", "1 doctest, 5 tests, 2 failures\n", "red", "mix test"),
        ("bazel test //...", "Executed 1 out of 1 test: 1 test passes.\n", "green", "bazel"),
        ("bazel test //...", "Executed 2 out of 2 tests: 1 test passes and 1 fails locally.\n", "red", "bazel"),
    ],
)
def test_an_output_alone_says_how_a_check_went(command: str, output: str, state: str, runner: str) -> None:
    verdict = read_verdict(command, output, None)

    assert (verdict.state, verdict.runner) == (state, runner)
    assert (verdict.line == "") == (state == "unknown")


@pytest.mark.parametrize(
    ("command", "code", "state"),
    [
        ("python -m pytest x -qq", 0, "green"),
        ("cd app && python -m pytest x -qq", 0, "green"),
        ("cd app && python -m pytest x -qq", 1, "red"),
        ("pytest -qq && echo $HOME", 0, "green"),
        ("pip install x && pytest -qq", 1, "unknown"),
        ("pytest -qq | tail -5", 0, "unknown"),
        ("pytest -qq 2>&1 | tee log", 0, "unknown"),
        ("pytest -qq || true", 0, "unknown"),
        ("pytest -qq; echo done", 0, "unknown"),
        ("pytest -qq &", 0, "unknown"),
        ("if pytest -qq; then date; fi", 0, "unknown"),
        ("for f in *.py; do pytest -qq $f; done", 0, "unknown"),
        ("make lib || pytest -qq", 0, "unknown"),
        ("timeout 60 pytest -qq", 124, "unknown"),
        ("pytest -qq", 137, "unknown"),
        ("pytest -qq", 127, "did_not_run"),
        ("pytest -qq", None, "unknown"),
        ("ruff check . --quiet", 0, "green"),
        ("python run_tests_fixed.py", 0, "unknown"),
        ("./run_tests.sh", 0, "unknown"),
        ("python -c 'import pytest; pytest.main()'", 0, "unknown"),
    ],
)
def test_an_exit_code_counts_only_for_the_last_command_and_unmasked(command: str, code: int | None, state: str) -> None:
    assert read_verdict(command, "", code).state == state


@pytest.mark.parametrize(
    ("command", "kind"),
    [
        ("bash -lc 'cd x && pytest -q'", "test"),
        ("docker exec -it -w /app web python -m pytest", "test"),
        ("docker compose exec -T web ./manage.py test", "test"),
        ("docker run --rm -v $PWD:/x image npm test", "test"),
        ("FOO=1 timeout 60 uv run --extra dev python -X dev -m pytest -k 'a or b'", "test"),
        ("poetry run pytest", "test"),
        ("conda run -n env python -m pytest", "test"),
        ("coverage run -m pytest && coverage report", "test"),
        ("python -mpytest x", "test"),
        ("pytest-3 x", "test"),
        ("cat > a.py <<'EOF'\nx = 1\nEOF\npython -m pytest a.py", "test"),
        ("bash <<EOF\nset -e\npytest\nEOF", "test"),
        ('out=$(pytest -q); echo "$out"', "test"),
        ("(cd a; pytest) | tail -3", "test"),
        ("npm --prefix web run test:unit", "test"),
        ("ruff check . && pytest", "test"),
        ("make -C lib check", "test"),
        ("make", "build"),
        ("cargo build --release", "build"),
        ("mypy .", "typecheck"),
        ("python -m py_compile a.py", "lint"),
        ("ruff check .; flake8", "lint"),
        ("python -c 'import pytest; pytest.main([\"-q\"])'", "test"),
        ("python - <<'EOF'\nimport unittest\nunittest.TextTestRunner().run(suite)\nEOF", "test"),
        ("python -c 'import pytest; print(pytest.__version__)'", None),
        ("pip install pytest", None),
        ("grep -rn pytest .", None),
        ("echo pytest", None),
        ("which pytest", None),
        ("test -f pytest.ini", None),
        ("pytest --version", None),
        ("pytest --collect-only -q", None),
        ("cat tests/test_a.py # pytest", None),
        ("cat > run.sh <<EOF\npytest\nEOF", None),
        ("git commit -m 'run pytest'", None),
        ("python reproduce.py", None),
        ("ls test", None),
        ("echo 'unclosed && pytest", None),
        ("", None),
    ],
)
def test_a_command_that_runs_a_check_is_seen_through_what_carries_it(command: str, kind: str | None) -> None:
    assert is_check(command) == kind


def test_a_script_that_prints_what_it_likes_is_not_believed() -> None:
    for output in ("All tests passed! SUCCESS ✓ OK\n", "3 passed\n", "3 passed in 0.1s\n", "Ran 3 tests in 0.1s\nOK\n"):
        assert read_verdict("python reproduce.py", output, 0).state == "unknown"


def test_a_script_that_runs_unittest_itself_is_read() -> None:
    verdict = read_verdict("python test_fix.py", "F.\n------\nRan 2 tests in 0.001s\n\nFAILED (failures=1)\n", None)

    assert (verdict.state, verdict.runner, verdict.kind) == ("red", "unittest", "test")


def test_a_green_text_with_a_red_exit_code_is_red() -> None:
    assert read_verdict("pytest", "==== 3 passed in 0.1s ====", 1).state == "red"


def test_the_test_of_a_chain_outweighs_its_linter() -> None:
    verdict = read_verdict("ruff check .; pytest", "Found 3 errors.\n2 passed in 0.1s\n", 0)

    assert (verdict.state, verdict.kind) == ("green", "test")


@given(st.text(max_size=200), st.text(max_size=300), st.none() | st.integers(0, 255))
def test_any_text_gets_an_answer(command: str, output: str, code: int | None) -> None:
    read_verdict(command, output, code)


@pytest.mark.parametrize("text", [" failed", "=", "Tests:", "1 passed, ", "error ", "\x1b[", "ok ", "Ran 1 tests"])
def test_lines_are_found_in_a_bounded_number_of_steps(text: str) -> None:
    output = Output(text * (1_000_000 // len(text)))

    lines = list(output.lines_with(text))

    assert len(lines) <= 2_000
    assert all(len(line) <= 700 for line in lines)


def test_real_runs_have_verdicts_for_most_tests() -> None:
    path = Path(__file__).parents[3] / "shared/data/mini-swe-agent/pylint-dev__astroid.jsonl.gz"
    if not path.is_file():
        pytest.skip("../shared/data is not there")
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        steps = [step for line in lines for step in json.loads(line)["steps"] if is_check(step["action"]) == "test"]

    states = [read_verdict(step["action"], step["output"], int(not step["exit_code_zero"])).state for step in steps]

    assert states.count("unknown") <= len(states) // 10
