"""How a call went, by what the client said and by what the output shows."""

from typing import Any

import pytest

from memory_mcp.actions.tool_calls import made_step
from memory_mcp.models.calls import ToolCall
from memory_mcp.models.episodes import StepError, StepSuccess


@pytest.mark.parametrize(
    ("command", "response", "expected"),
    [
        ("pytest -q", {"stdout": "2 passed in 0.1s", "exitCode": 0}, StepSuccess),
        ("pytest -q | tail -3", {"stdout": "1 failed in 0.1s", "exitCode": 0}, StepError),
        ("pytest -q || true", {"stdout": "1 failed in 0.1s", "exitCode": 0}, StepError),
        ("python -m pytest; echo done", {"stdout": "python: No module named pytest\ndone", "exitCode": 0}, StepError),
        ("python tests/runtests.py x | tail", {"stdout": "Ran 1 test in 0.1s\n\nFAILED (errors=1)"}, StepError),
        ("pytest -k nothing | tail -1", {"stdout": "=== 9 deselected in 0.1s ==="}, StepError),
        ("cat log.txt", {"stdout": "1 failed in 0.1s", "exitCode": 0}, StepSuccess),
        ("grep -rn needle src", {"stdout": "", "exitCode": 1}, StepSuccess),
        ("grep -rn needle src", "Exit code 1", StepSuccess),
        ("grep -rn needle nowhere", {"stderr": "grep: nowhere: No such file or directory", "exitCode": 2}, StepError),
        ("test -f setup.py", {"stdout": "", "exitCode": 1}, StepSuccess),
        ("cd src && [ -d tests ]", {"stdout": "", "exitCode": 1}, StepSuccess),
        ("diff a b", {"stdout": "1c1\n< a\n---\n> b", "exitCode": 1}, StepSuccess),
        ("git grep needle", {"stdout": "", "exitCode": 1}, StepSuccess),
        ("make report && test -f report.pdf", {"stdout": "", "exitCode": 1}, StepError),
        ("make report", {"stdout": "", "exitCode": 2}, StepError),
    ],
)
def test_a_result_is_what_the_output_shows(command: str, response: Any, expected: type) -> None:
    call = ToolCall("Bash", {"command": command}, 1, response)

    assert type(made_step(call).result) is expected


def test_a_search_without_hits_that_the_client_calls_an_error_is_none() -> None:
    call = ToolCall("Bash", {"command": "grep -n needle a.py"}, 1, "Exit code 1", failed=True)

    assert made_step(call).result == StepSuccess("Exit code 1")
