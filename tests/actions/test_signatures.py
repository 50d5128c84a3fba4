"""Error messages and what stays of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory_mcp.actions.signatures import signature, telling_line

TRACEBACK = """Traceback (most recent call last):
  File "/home/me/app/shop.py", line 41, in total
    return basket[0x7f3a]
KeyError: 'basket 41'
"""


@pytest.mark.parametrize(
    ("message", "kept"),
    [
        (TRACEBACK, "KeyError: 'basket <n>'"),
        ("E   AssertionError: assert 3 == 4", "AssertionError: assert <n> == <n>"),
        ("ERRORS:\n\n- E999 IndentationError: unexpected indent", "IndentationError: unexpected indent"),
        ("bash: line 1: foo: command not found", "bash: line <n>: foo: command not found"),
        ("fatal: not a git repository: /srv/x/.git", "fatal: not a git repository: <path>"),
        ("object at 0xdeadbeef is gone", "object at <address> is gone"),
        ("no row 550e8400-e29b-41d4-a716-446655440000", "no row <id>"),
        ("ConnectionError: http://localhost:8080/x refused", "ConnectionError: <url> refused"),
        ("cannot import name 'x' from 'app.py'", "cannot import name 'x' from '<path>'"),
        ("all fine\nbut error TS2304: Cannot find name 'foo'", "but error TS2304: Cannot find name 'foo'"),
        ("", ""),
    ],
)
def test_numbers_paths_ids_and_addresses_go_and_the_rest_stays(message: str, kept: str) -> None:
    assert signature(message) == kept


@given(st.text(max_size=500))
def test_a_signature_is_short_one_line_and_its_own_signature_names_the_same_error(message: str) -> None:
    kept = signature(message)

    assert len(kept) <= 200
    assert "\n" not in kept
    assert signature(message) == kept


@given(st.integers(0, 10**9), st.integers(0, 10**9))
def test_the_same_error_with_other_numbers_has_the_same_signature(one: int, other: int) -> None:
    assert signature(f"IndexError: index {one} out of range") == signature(f"IndexError: index {other} out of range")


def test_a_runner_without_an_error_is_known_by_its_last_line_not_its_banner() -> None:
    output = (
        "===== test session starts =====\nplatform linux\ncollected 9 items / 9 deselected\n===== 9 deselected ====="
    )

    assert telling_line(output) == "9 deselected"
