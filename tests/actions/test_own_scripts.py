"""Scripts that judge themselves, as agents write them, and what may be said of each."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory_mcp.actions.verdicts import Verdict, is_check, read_verdict

WRITTEN = "cat > test_x.py <<'EOF'\nprint('✗ FAIL')\nEOF\npython test_x.py"
UNLOADED = 'Traceback (most recent call last):\n  File "test_x.py", line 1, in <module>\n    import numpy\n'
MISSING = "ModuleNotFoundError: No module named 'numpy'"


@pytest.mark.parametrize(
    ("output", "line"),
    [
        ("All tests passed!\n", "All tests passed!"),
        ("1. Key not found:\n  ✓ Raised KeyError\n2. Simple:\n  ✓ Passed\n=== Done ===\n", "✓ Raised KeyError"),
        ("Testing a warning...\nSUCCESS: No warnings were emitted!\n", "SUCCESS: No warnings were emitted!"),
        ("Test 1 ... OK\nTest 2 ... OK\n", "Test 1 ... OK"),
        ("a: PASS\nb: PASS\n\nPassed: 2, Failed: 0\n", "a: PASS"),
        ("Has x: False (expected: False)\n=== All checks passed ===\n", "=== All checks passed ==="),
        ("Expected: Should fail\n✓ a\nAll tests passed\n", "All tests passed"),
        ("✅ a\n✅ b\n5/5 tests passed\n", "5/5 tests passed"),
    ],
)  # fmt: skip
def test_a_script_whose_cases_all_passed_is_green(output: str, line: str) -> None:
    assert read_verdict("python test_fix.py 2>&1", output, 0) == Verdict("green", "script", line, "test")


@pytest.mark.parametrize(
    "output",
    [
        "Result: 42\nTrue\n",
        "All tests completed\n",
        "Success: ModuleSpec(name='x')\n",
        "The fix should make all tests pass, OK then\n",
        "Result: None\nOK: is a copy\nResult: 3\n",  # one case among values
        "✓ a\nResult: False\n✓ b\n",
        "✓ a\nValueError: bad\n✓ b\n",
        "✓ a\nnot what was wanted\n✓ b\n",
        "✓ a\nvalue = 1 (expected 2)\n✓ b\n",
        "✓ a\nExpected: 1, got: 2\nAll tests passed!\n",
        "✓ a\nExpected: a list\nActual: None\n✓ b\nExpected: one, but got two of them\n",
        "✓ a\nReturn code: 1\n✓ b\n",
        "✓ a\n⚠ b\n✓ c\n",
        "✓ a\n✗ warns (expected)\n✓ b\n",
        "All tests passed except one\n",
        "All Finished 📜 🎉!\n",
        "== [a.sql] PASS\n",
        "0/0 tests passed\n",
        "",
    ],
)
def test_a_script_that_leaves_a_doubt_is_not_green(output: str) -> None:
    assert read_verdict("python test_fix.py", output, 0) == Verdict("unknown", "script", "", "test")


@pytest.mark.parametrize(
    ("output", "line"),
    [
        ("✓ a\n✗ Test 2 failed: no\n", "✗ Test 2 failed: no"),
        ("❌ FAIL\n", "❌ FAIL"),
        ("a ... PASSED\nb ... FAILED\n", "b ... FAILED"),
        ("FAIL: wanted 1\nAll tests passed!\n", "FAIL: wanted 1"),
        ("3/5 tests passed\n", "3/5 tests passed"),
        ("OK: a\nERROR: b -> dropped\n", "ERROR: b -> dropped"),
    ],
)
def test_a_script_with_a_case_that_failed_is_red(output: str, line: str) -> None:
    assert read_verdict("python test_fix.py", output, 0) == Verdict("red", "script", line, "test")


def test_an_assertion_that_ends_a_script_is_red_and_another_error_is_unknown() -> None:
    crash = 'Traceback (most recent call last):\n  File "test_x.py", line 3, in <module>\n    assert a\n'

    assert read_verdict("python test_x.py", f"{crash}AssertionError: a\n", 1).state == "red"
    assert read_verdict("python test_x.py", f"✓ a\n{crash}IndexError: a\n", 1).state == "unknown"


@pytest.mark.parametrize(
    "output",
    [
        UNLOADED + MISSING,
        f"{UNLOADED}    ^^^^^\n{MISSING}\n",
        "python: can't open file 'test_x.py': [Errno 2] No such file",
    ],
)
def test_a_script_that_could_not_start_did_not_run(output: str) -> None:
    assert read_verdict("python test_x.py", output, 1).state == "did_not_run"


@pytest.mark.parametrize(
    ("command", "code", "state"),
    [
        ("python test_x.py", 0, "green"),
        ("python test_x.py", 1, "unknown"),
        ("python test_x.py", None, "green"),  # the closing statement is the last line
        ("python test_x.py | tail -5", 0, "green"),
        ("python test_x.py | grep passed", 0, "unknown"),
        ("python test_x.py; cat notes.txt", 0, "unknown"),  # what it shows may be what it says
        ("cat tests.log; python test_x.py", 0, "unknown"),
        ("echo '✓ done' && python test_x.py", 0, "unknown"),
        ("echo Running && python test_x.py && rm test_x.py", 0, "green"),
        (WRITTEN, 0, "green"),
        ("cd /x && timeout 60 python3 -u ./tmp/verify_fix.py", 0, "green"),
        ("bash check_all.sh", 0, "green"),
        ("./run_tests.sh", 0, "green"),
        ("node final-test.js", 0, "green"),
        ("python -m test_x", 0, "unknown"),
        ("python reproduce.py", 0, "unknown"),
        ("python latest.py", 0, "unknown"),
        ("python -c 'print(1)' test_x.py", 0, "unknown"),
        ("cat test_x.py", 0, "unknown"),
        (f"python {'_test' * 10_000}.py", 0, "unknown"),
    ],
)
def test_green_needs_a_script_that_tests_and_an_end_that_is_known(command: str, code: int | None, state: str) -> None:
    assert read_verdict(command, "✓ a\n✓ b\nAll tests passed!\n", code).state == state


def test_a_case_that_passed_before_an_unknown_end_is_no_green() -> None:
    assert read_verdict("python test_x.py | tail -5", "✓ a\n✓ b\n", 0).state == "unknown"


def test_a_script_that_judges_itself_is_no_tool_that_checks() -> None:
    assert is_check("python test_fix.py") is None


@given(
    st.text(alphabet="✓✗ \nPASFIL:OK10/d.=e[]()", max_size=200) | st.text(max_size=300), st.none() | st.integers(0, 2)
)
def test_any_output_of_a_script_gets_an_answer(output: str, code: int | None) -> None:
    assert read_verdict("python test_x.py", output, code).runner == "script"
